"""From what the sources brought, or failed to bring, to what is published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from usage.grain import GRAINS, is_bracketed
from usage.month import Month
from usage.names import Grain, Source, Status
from usage.outcome import SourceOutcome, Totals, UsageRow
from usage.report import GapKind
from usage.rows import Reading, aggregate, totals
from usage.story import failure_log, source_log


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read: why, in one French sentence, and when."""

    source: Source
    month: Month
    label: str
    grain: Grain
    at: datetime
    sentence: str


def build_outcomes(readings: Sequence[Reading], failures: Sequence[Failure]) -> tuple[SourceOutcome, ...]:
    """Outcomes of all sources of one month: aggregated in one table, shared ids counted once."""
    rows = aggregate(readings)
    outcomes = [_outcome(reading, rows[reading.report.source]) for reading in readings]
    outcomes += [_failed(failure) for failure in failures]
    return tuple(_counted_once(sorted(outcomes, key=lambda outcome: (outcome.source.provider, outcome.source.account))))


def _outcome(reading: Reading, rows: tuple[UsageRow, ...]) -> SourceOutcome:
    report = reading.report
    summed = totals(rows)
    complete = not report.coarse and not report.missing and (bool(rows) or report.empty_proven)
    only_unavailable = any(gap.kind is GapKind.UNAVAILABLE for gap in report.gaps)
    return SourceOutcome(
        source=report.source,
        month=report.month,
        label=reading.label,
        attempted_at=report.read_at,
        status=report.status,
        rerun=bool(report.missing),
        log=source_log(report, summed, len(rows)),
        rule=reading.rule,
        rows=rows,
        things=report.things,
        complete=complete and (bool(rows) or not only_unavailable),
        coarse=report.coarse,
        reason=" ".join(report.missing),
        totals=summed,
    )


def _failed(failure: Failure) -> SourceOutcome:
    return SourceOutcome(
        source=failure.source,
        month=failure.month,
        label=failure.label,
        attempted_at=failure.at,
        status=Status.ECHEC,
        rerun=True,
        log=failure_log(failure.source, failure.month, failure.sentence),
        rule=GRAINS[failure.source.provider].rule(failure.grain),
        failed=True,
        reason=failure.sentence,
    )


def _counted_once(outcomes: Iterable[SourceOutcome]) -> list[SourceOutcome]:
    """Drop, from the later account, the rows that an earlier account of the same provider reaches, too.

    Where two accounts share an id they see the same organisation, so rows without an id of their own are shared as
    well when they stand for the account as a whole.
    """
    kept: list[SourceOutcome] = []
    for outcome in outcomes:
        before = [other for other in kept if other.source.provider is outcome.source.provider]
        for other in before:
            shared = _ids(other) & _ids(outcome)
            if shared:
                outcome = _without(outcome, other, shared)  # noqa: PLW2901  # each earlier account takes its part
        kept.append(outcome)
    return kept


def _ids(outcome: SourceOutcome) -> set[str]:
    return {thing.id for thing in outcome.things} | {row.key for row in outcome.rows if not is_bracketed(row.key)}


def _without(outcome: SourceOutcome, other: SourceOutcome, shared: set[str]) -> SourceOutcome:
    def is_shared(row: UsageRow) -> bool:
        if is_bracketed(row.key):
            return outcome.rule.workspace == "account" or row.workspace in shared
        return row.key in shared

    rows = tuple(row for row in outcome.rows if not is_shared(row))
    if len(rows) == len(outcome.rows) and rows:
        return outcome
    sentence = (
        f"Les comptes {other.source.account} et {outcome.source.account} voient les mêmes éléments : "
        f"comptés une fois, avec {other.source.account}."
    )
    return outcome.model_copy(
        update={
            "rows": rows,
            "totals": totals(rows) if rows else Totals(),
            "log": f"{outcome.log} {sentence}",
            # Its own ids belong to the other account now: nothing of them may be taken for vanished.
            "things": tuple(thing for thing in outcome.things if thing.id not in shared),
        }
    )
