"""Which requests OpenRouter is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import UTC

from pydantic import SecretStr

from providers.openrouter.days import SETTLING, reach_gap
from providers.openrouter.endpoints import BY_KEY_AND_MODEL, KEYS, OWN_KEY, WORKSPACES
from providers.openrouter.parse import OwnKeyPage
from providers.openrouter.query import Analytics, Question
from providers.openrouter.refusals import explain, wrong_kind
from providers.openrouter.total import Total, TotalCheck, compare, is_nothing, read_total
from providers.openrouter.workspaces import MonthFigures, read_figures
from providers.shared.amounts import cost_of
from providers.shared.checks import CheckResult, try_reading
from providers.shared.control import believe_twice
from providers.shared.job import Job
from providers.shared.lines import counts
from usage.errors import NotOfferedError
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.money import exact_sum
from usage.names import ProviderName
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.records.record import Unit, UsageRecord
from usage.records.sums import RecordSums


class OpenRouter:
    """OpenRouter's management API; needs a management key, which sees every workspace of its account."""

    name = ProviderName.OPENROUTER
    registry = re.compile(f"{WORKSPACES}|{KEYS}")
    explain = staticmethod(explain)

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key as bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    async def collect(self, job: Job) -> SourceReport:
        """Every workspace by key and model, held against the account's total; see the package's README.

        Raises:
            SourceError: Nothing could be read, or an answer breaks the contract.
            UnavailableError: The month is out of reach.
        """
        total, figures, checked = await believe_twice(
            await _read(job), lambda read: read[2] is not None and not read[2].agrees, lambda: _read(job)
        )
        sums = RecordSums()
        sums.add(figures.records)
        # Where stored answers were made before the month's end, they go no further than that.
        until = max(figures.until, job.month.start)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=sums.records(),
            things=figures.things,
            gaps=(*figures.gaps, *reach_gap(job, total.lines), *_disagreement(checked)),
            remarks=(*total.remarks, *figures.remarks, *_own_keys(figures.records)),
            row_note=_row_note(),
            data_until=until if job.month.is_running(until) else None,
            provisional=job.is_settling(SETTLING, until),
            # Answers that are not stored ones have no mark: they are of now.
            fresh_until=until if until < job.now else None,
            empty_proven=total.lines is not None and is_nothing(total.lines),
            control=checked.control if checked else None,
            dropped=counts(figures.dropped),
            new_fields=counts(figures.new),
        )

    async def check(self, job: Job) -> list[CheckResult]:
        """One request each for the kind of key, the figures, the workspaces and the keys."""
        today = job.now.astimezone(UTC).date()
        figures = Question(first=today, last=today, dimensions=BY_KEY_AND_MODEL, granularity="day")
        return list(
            await asyncio.gather(
                try_reading(say("kind of key"), _require_management_key(job), tell=lambda _: say("a management key")),
                try_reading(say("usage and cost"), Analytics(job).ask(figures)),
                try_reading(say("workspaces"), job.get(WORKSPACES, [("limit", "1")]), spared=(NotOfferedError,)),
                try_reading(say("key names"), job.get(KEYS)),
            )
        )


def _row_note() -> Sentence:
    return say(
        "Cost: OpenRouter credits used, BYOK fees included; the BYOK estimate stands apart. Tokens: those of the model."
    )


async def _read(job: Job) -> tuple[Total, MonthFigures, TotalCheck | None]:
    total = await read_total(job)
    figures = await read_figures(job, total.lines)
    if total.lines is None or not figures.complete:
        return total, figures, None
    return total, figures, compare(total.lines, figures.records)


def _disagreement(checked: TotalCheck | None) -> list[Gap]:
    if checked is None or checked.agrees:
        return []
    differences = together(checked.differences, between=", ")
    sentence = say("The lines do not add up to OpenRouter’s total: {differences}.", differences=differences)
    return [Gap(kind=GapKind.MISSING, sentence=sentence)]


def _own_keys(records: Iterable[UsageRecord]) -> list[Sentence]:
    """What the customer's own keys cost elsewhere. OpenRouter's `total_usage` is the two together."""
    records = list(records)
    estimate = exact_sum(amount for record in records for unit, amount in record.units if unit == Unit.BYOK_USD)
    if estimate is None:
        return []
    whole = exact_sum([cost_of(records), estimate]) or estimate
    return [
        say(
            "BYOK: {estimate} USD estimated, billed by the models’ providers and not counted here; total with them: "
            "{whole} USD.",
            estimate=estimate,
            whole=whole,
        )
    ]


async def _require_management_key(job: Job) -> None:
    own = (await job.get(OWN_KEY)).parse(OwnKeyPage).data
    if not (own.is_management_key or own.is_provisioning_key):
        raise wrong_kind(say("inference key"))
