"""Which requests OpenRouter is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import SecretStr

from providers.amounts import control
from providers.base import Finding, Job, Verdict
from providers.http import Answer
from providers.openrouter.endpoints import BY_KEY_AND_MODEL, KEYS, OWN_KEY, REACH, UNGROUPED, WORKSPACES
from providers.openrouter.labels import told_apart
from providers.openrouter.parse import Line, OwnKeyPage
from providers.openrouter.query import Analytics, Question
from providers.openrouter.workspaces import Content, list_workspaces, read_deleted, read_workspace
from providers.parts import Part, read_parts
from usage.errors import CredentialError, RefusedError, SourceError, TransientError, UnavailableError
from usage.money import euros_style, exact_sum
from usage.names import Kind, ProviderName
from usage.records import Unit, UsageRecord
from usage.report import Control, Gap, GapKind, SourceReport, Thing
from usage.sums import MonthSums

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
        analytics = Analytics(job)
        # A mismatch is believed the second time only.
        for _ in range(2):
            total = await _total(analytics)
            figures = await _figures(analytics, total)
            checked = _checked(total, figures)
            if checked is None or checked.agrees:
                break
        # Where stored answers were made before the month's end, they go no further than that.
        until = max(analytics.until, job.month.start)
        sums = MonthSums(job.source)
        sums.add(figures.records)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=sums.records(),
            things=figures.things,
            gaps=(*figures.gaps, *_reach(job, total), *_disagreement(checked)),
            remarks=(*figures.remarks, *_own_keys(figures.records)),
            row_note=ROW_NOTE,
            data_until=until if job.month.is_running(until) else None,
            # Requests are counted under the day they began on, and long ones arrive later.
            provisional=job.month.end <= job.now < job.month.end + timedelta(days=1),
            empty_proven=total is not None and _is_nothing(total),
            control=checked,
            requests=job.http.requests,
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for the kind of key, the figures, the workspaces and the keys."""
        today = job.now.astimezone(UTC).date()
        figures = Question(first=today, last=today, dimensions=BY_KEY_AND_MODEL, granularity="day")
        return list(
            await asyncio.gather(
                _try("kind of key", _require_management_key(job), "a management key"),
                _try("usage and cost", Analytics(job).ask(figures), "readable"),
                _try("workspaces", job.http.get(WORKSPACES, [("limit", "1")]), "readable"),
                _try("key names", job.http.get(KEYS), "readable"),
            )
        )


def _wrong_kind(where: str, *, status: int | None = None) -> CredentialError:
    return CredentialError(
        f"Cette clé OpenRouter n’est pas une clé de gestion ({where}) : créez-en une sur "
        "openrouter.ai/settings/management-keys.",
        status=status,
    )


async def _total(analytics: Analytics) -> tuple[Line, ...] | None:
    """The account's own figures of the month, day by day; None where they can't be had or the month is running.

    An old month begins with this: it tells for one request whether there is anything more to ask for.

    Raises:
        UnavailableError: The month is out of reach.
    """
    job = analytics.job
    if job.month.is_running(job.now):
        return None
    question = replace(Question.of(job.month, UNGROUPED), granularity="day")
    try:
        total = tuple(await analytics.ask(question))
    except RefusedError as error:
        if _is_old(job):
            raise _out_of_reach(job) from error
        return None
    except TransientError:
        if _is_old(job):
            raise
        # The figures can still be read. They are just not checked then, and the log shows no check.
        return None
    if _is_old(job) and _is_nothing(total):
        # Too far back, or nothing used: it can't be told, and nothing is not written as 0.
        raise _out_of_reach(job)
    return total


def _is_nothing(total: Sequence[Line]) -> bool:
    """Whether a total says that nothing was used: without a row, or with rows of zeros."""
    figures = [line.figures for line in total]
    return not any(f.cost or f.missing_amounts or f.requests or f.tokens_input or f.tokens_output for f in figures)


def _is_old(job: Job) -> bool:
    """Whether the month begins before what OpenRouter promises to have."""
    return job.month.start < job.now - REACH


def _out_of_reach(job: Job) -> UnavailableError:
    return UnavailableError(f"OpenRouter ne remonte qu’à {REACH.days} jours et ne donne plus {job.month}.")


def _reach(job: Job, total: Sequence[Line] | None) -> list[Gap]:
    """The gap of a month whose first days may have been left out in silence.

    They may where the reach ends within the month and no day before it has a figure.
    """
    edge = (job.now - REACH).astimezone(UTC).date()
    if total is None or not _is_old(job) or edge > job.month.last_day or any(line.day < edge for line in total):
        return []
    sentence = f"OpenRouter ne remonte qu’à {REACH.days} jours : les jours avant le {edge} peuvent manquer."
    return [Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)]


async def _figures(analytics: Analytics, total: Sequence[Line] | None) -> Content:
    """All workspaces, and what belongs to none of them where the total leaves room for it or is not known."""
    workspaces = await list_workspaces(analytics.job)
    read = await read_parts(
        [Part(f"l’espace de travail {item.id}", read_workspace(analytics, item.id)) for item in workspaces]
    )
    found = [value for value in read.values if value is not None]
    lost = [item.id for item, value in zip(workspaces, read.values, strict=True) if value is None]
    gaps = [gap.model_copy(update={"within": item}) for item, gap in zip(lost, read.gaps, strict=True)]
    records = [record for value in found for record in value.records]
    rest = Content()
    if total is None or (not lost and not _compare(total, records).agrees):
        rest = await read_deleted(analytics, [item.id for item in workspaces])
    named = told_apart([*records, *rest.records])
    listed = [Thing(kind=Kind.WORKSPACE, id=item.id, name=item.name) for item in workspaces]
    return Content(
        records=named.records,
        things=(*listed, *(thing for value in found for thing in value.things), *named.things),
        gaps=(*gaps, *(gap for value in found for gap in value.gaps)),
        remarks=rest.remarks,
        complete=not lost,
    )


def _checked(total: Sequence[Line] | None, figures: Content) -> Control | None:
    """The total against the figures, where there is a total and no workspace is missing."""
    return _compare(total, figures.records) if total is not None and figures.complete else None


def _compare(total: Sequence[Line], records: Sequence[UsageRecord]) -> Control:
    """Requests and tokens have to be equal; money came as floats and may differ in its last digits."""
    whole = [line.figures for line in total]
    money = control(_cost(whole), _cost(records), exact=False)
    return money.model_copy(update={"agrees": money.agrees and _counts(whole) == _counts(records)})


def _cost(records: Iterable[UsageRecord]) -> Decimal:
    return exact_sum(record.cost for record in records) or Decimal(0)


def _counts(records: Iterable[UsageRecord]) -> list[int]:
    counts = [(r.requests or 0, r.tokens_input or 0, r.tokens_output or 0) for r in records]
    return [sum(column) for column in zip(*counts, strict=True)] or [0, 0, 0]


def _disagreement(checked: Control | None) -> list[Gap]:
    if checked is None or checked.agrees:
        return []
    sentence = "La somme des lignes ne correspond pas au total d’OpenRouter (coût, requêtes ou jetons)."
    return [Gap(kind=GapKind.MISSING, sentence=sentence)]


def _own_keys(records: Iterable[UsageRecord]) -> list[str]:
    """What the customer's own keys cost elsewhere. OpenRouter's `total_usage` is the two together."""
    records = list(records)
    estimate = exact_sum(amount for record in records for unit, amount in record.units if unit == Unit.BYOK_USD)
    if estimate is None:
        return []
    whole = exact_sum([_cost(records), estimate]) or Decimal(0)
    return [
        f"BYOK : {euros_style(estimate)} USD estimés, facturés par les fournisseurs des modèles et non comptés ici ; "
        f"total avec eux : {euros_style(whole)} USD."
    ]


async def _require_management_key(job: Job) -> None:
    own = (await job.http.get(OWN_KEY)).parse(OwnKeyPage).data
    if not (own.is_management_key or own.is_provisioning_key):
        raise _wrong_kind("clé d’inférence")


async def _try(what: str, asking: Coroutine[Any, Any, object], fine: str) -> Finding:
    try:
        await asking
    except SourceError as error:
        return Finding(what=what, verdict=Verdict.BAD, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence=fine)
