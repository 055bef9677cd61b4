"""Which requests OpenRouter is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from typing import Any, Final

from pydantic import SecretStr

from providers.base import Finding, Job, Verdict
from providers.openrouter.endpoints import BY_KEY_AND_MODEL, KEYS, OWN_KEY, REACH, WORKSPACES
from providers.openrouter.figures import Figures, read_figures
from providers.openrouter.parse import Line, OwnKeyPage
from providers.openrouter.query import Analytics, Question
from providers.openrouter.total import Compared, Total, compare, cost_of, is_nothing, is_old, is_settling, read_total
from providers.shared.http import Answer
from providers.shared.lines import counts
from usage.errors import CredentialError, NotOfferedError, RefusedError, SourceError
from usage.money import exact_sum, french_amount
from usage.names import ProviderName
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.records.record import Unit, UsageRecord
from usage.records.sums import MonthSums

ROW_NOTE: Final = (
    "Coût : crédits OpenRouter consommés, frais BYOK compris ; l’estimation BYOK est à part. Jetons : ceux du modèle."
)


class OpenRouter:
    """OpenRouter's management API; needs a management key, which sees every workspace of its account."""

    name = ProviderName.OPENROUTER
    registry = re.compile(f"{WORKSPACES}|{KEYS}")

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key as bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    def explain(self, answer: Answer) -> SourceError | None:
        """401: no such key. 403: an ordinary key. Statuses alone are read: the messages have changed over time."""
        if answer.status == 401:
            return CredentialError(
                f"OpenRouter ne connaît pas la clé (HTTP 401 sur {answer.path}) : créez une clé de gestion sur "
                "openrouter.ai/settings/management-keys.",
                status=401,
            )
        if answer.status == 402:
            return RefusedError("OpenRouter refuse de répondre tant que le solde est négatif (HTTP 402).", status=402)
        return _wrong_kind(f"HTTP 403 sur {answer.path}", status=403) if answer.status == 403 else None

    async def collect(self, job: Job) -> SourceReport:
        """Every workspace by key and model, held against the account's total; see the package's README.

        Raises:
            SourceError: Nothing could be read, or an answer breaks the contract.
            UnavailableError: The month is out of reach.
        """
        total, figures = await _read(job)
        checked = _compared(total.lines, figures) if figures.complete else None
        if checked is not None and not checked.agrees:
            # A mismatch is believed the second time only. What was read is not lost where that reading fails.
            with suppress(SourceError):
                total, figures = await _read(job)
                checked = _compared(total.lines, figures) if figures.complete else None
        sums = MonthSums(job.source)
        sums.add(figures.records)
        # Where stored answers were made before the month's end, they go no further than that.
        until = max(figures.until, job.month.start)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=sums.records(),
            things=figures.things,
            gaps=(*figures.gaps, *_reach(job, total.lines), *_disagreement(checked)),
            remarks=(*total.remarks, *figures.remarks, *_own_keys(figures.records)),
            row_note=ROW_NOTE,
            data_until=until if job.month.is_running(until) else None,
            provisional=is_settling(job, until),
            empty_proven=total.lines is not None and is_nothing(total.lines),
            control=checked.control if checked else None,
            requests=job.http.requests,
            dropped=counts(figures.dropped),
            new_fields=counts(figures.new),
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for the kind of key, the figures, the workspaces and the keys."""
        today = job.now.astimezone(UTC).date()
        figures = Question(first=today, last=today, dimensions=BY_KEY_AND_MODEL, granularity="day")
        return list(
            await asyncio.gather(
                _try("kind of key", _require_management_key(job), "a management key"),
                _try("usage and cost", Analytics(job).ask(figures), "readable"),
                _try("workspaces", job.http.get(WORKSPACES, [("limit", "1")]), "readable", optional=True),
                _try("key names", job.http.get(KEYS), "readable"),
            )
        )


def _wrong_kind(where: str, *, status: int | None = None) -> CredentialError:
    return CredentialError(
        f"Cette clé OpenRouter n’est pas une clé de gestion ({where}) : créez-en une sur "
        "openrouter.ai/settings/management-keys.",
        status=status,
    )


async def _read(job: Job) -> tuple[Total, Figures]:
    total = await read_total(job)
    return total, await read_figures(job, total.lines)


def _reach(job: Job, total: Sequence[Line] | None) -> list[Gap]:
    """The gap of a month whose first days may have been left out in silence.

    They may where the reach ends within the month and no day before it has a figure.
    """
    edge = (job.now - REACH).astimezone(UTC).date()
    if total is None or not is_old(job) or edge > job.month.last_day or any(line.day < edge for line in total):
        return []
    sentence = f"OpenRouter ne remonte qu’à {REACH.days} jours : les jours avant le {edge} peuvent manquer."
    return [Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)]


def _compared(total: Sequence[Line] | None, figures: Figures) -> Compared | None:
    return None if total is None else compare(total, figures.records)


def _disagreement(checked: Compared | None) -> list[Gap]:
    if checked is None or checked.agrees:
        return []
    sentence = f"La somme des lignes ne correspond pas au total d’OpenRouter : {', '.join(checked.differences)}."
    return [Gap(kind=GapKind.MISSING, sentence=sentence)]


def _own_keys(records: Iterable[UsageRecord]) -> list[str]:
    """What the customer's own keys cost elsewhere. OpenRouter's `total_usage` is the two together."""
    records = list(records)
    estimate = exact_sum(amount for record in records for unit, amount in record.units if unit == Unit.BYOK_USD)
    if estimate is None:
        return []
    whole = exact_sum([cost_of(records), estimate]) or estimate
    return [
        f"BYOK : {french_amount(estimate)} USD estimés, facturés par les fournisseurs des modèles et non comptés ici ; "
        f"total avec eux : {french_amount(whole)} USD."
    ]


async def _require_management_key(job: Job) -> None:
    own = (await job.http.get(OWN_KEY)).parse(OwnKeyPage).data
    if not (own.is_management_key or own.is_provisioning_key):
        raise _wrong_kind("clé d’inférence")


async def _try(what: str, asking: Coroutine[Any, Any, object], fine: str, *, optional: bool = False) -> Finding:
    try:
        await asking
    except SourceError as error:
        spared = optional and isinstance(error, NotOfferedError)
        return Finding(what=what, verdict=Verdict.WARNING if spared else Verdict.BAD, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence=fine)
