"""Corrections of a source's month, row by row: what later readings changed of settled figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from archive.archive import Archive
from archive.history import Move, Standing, at_one_grain, compare, standing_of
from archive.journal import Entry
from usage.grain import is_ours
from usage.money import exact_sum, whole_sum
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.rows import Totals
from usage.records.record import UsageRecord

_Row = tuple[str, str]
"""Key, and the workspace of keys that are words of ours."""


def with_corrections(archive: Archive, outcome: SourceOutcome) -> SourceOutcome:
    """The outcome with what is known of its rows' settled figures that readings changed, and of what moved at last.

    Args:
        archive: Where the readings are.
        outcome: What the latest of them brought.

    Raises:
        ArchiveError: The archive can't be read, or a reading in it is damaged.
    """
    readings = _whole_readings(archive, outcome)
    moved = _moved(archive, readings, outcome)
    return outcome.model_copy(update={"corrections": _corrections(archive, readings, outcome), "moved": moved})


def corrections(archive: Archive, outcome: SourceOutcome) -> tuple[Correction, ...]:
    """What readings of a source's month changed of its rows' settled figures, latest first.

    Readings that lacked a part are passed over, and so are those of another organisation that had the account's name.

    Args:
        archive: Where the readings are.
        outcome: Whose month; it tells what a row stands for.

    Raises:
        ArchiveError: The archive can't be read, or a reading in it is damaged.
    """
    return _corrections(archive, _whole_readings(archive, outcome), outcome)


def _whole_readings(archive: Archive, outcome: SourceOutcome) -> list[Entry]:
    """The organisation's readings after the month's end that lacked nothing, oldest first."""
    # What was read before the month's end has not settled.
    entries = archive.entries(outcome.month, outcome.source, since=outcome.month.end)
    whole = (Standing.PROVISIONAL, Standing.SETTLED)
    return sorted(
        (
            entry
            for entry in entries
            if standing_of(entry) in whole
            and not entry.is_out_of_reach
            and entry.is_of(outcome.organisation, outcome.key_mark)
        ),
        key=lambda entry: entry.order,
    )


def _corrections(archive: Archive, readings: Sequence[Entry], outcome: SourceOutcome) -> tuple[Correction, ...]:
    found = [
        correction
        for before, after in pairwise(readings)
        if before.records.sha256 != after.records.sha256 and standing_of(before) is Standing.SETTLED
        for correction in _between(archive, before, after, outcome)
    ]
    return tuple(reversed(found))


def _moved(archive: Archive, readings: Sequence[Entry], outcome: SourceOutcome) -> tuple[_Row, ...] | None:
    """Rows of which the last reading tells other figures than the one before; None where nobody knows."""
    if len(readings) < 2 or readings[-1].read_at != outcome.attempted_at:
        # The reading that brought the outcome is not kept, or is the first.
        return None
    before, after = readings[-2:]
    if before.records.sha256 == after.records.sha256:
        return ()
    grains = before.grain, after.grain
    old, new, are_without_keys = at_one_grain(archive.records(before), archive.records(after), grains)
    if are_without_keys and outcome.rule.key == "api_key":
        return None
    return tuple(dict.fromkeys(_row_of(move.old, outcome) for move in compare(old, new)))


def _between(archive: Archive, before: Entry, after: Entry, outcome: SourceOutcome) -> Iterator[Correction]:
    grains = before.grain, after.grain
    old, new, are_without_keys = at_one_grain(archive.records(before), archive.records(after), grains)
    if are_without_keys and outcome.rule.key == "api_key":
        # Rows of keys have nothing before them, and nobody knows what moved of each.
        return
    moved: dict[_Row, list[Move]] = {}
    for move in compare(old, new):
        moved.setdefault(_row_of(move.old, outcome), []).append(move)
    were, are = _by_row(old, moved, outcome), _by_row(new, moved, outcome)
    # In the end latest come first, and of one reading what moved most.
    for (key, workspace), moves in reversed(moved.items()):
        was, now = were[key, workspace], are[key, workspace]
        most = moves[0].old
        yield Correction(
            key=key,
            workspace=workspace,
            read_at=after.read_at,
            old=_totals(was, now),
            new=_totals(now, was),
            day=most.day,
            what=most.model or most.item or "",
            alone=len(moves) == 1,
        )


def _row_of(record: UsageRecord, outcome: SourceOutcome) -> _Row:
    key, workspace = record.row_under(outcome.rule)
    if key is None:
        key = outcome.source.account
    return key, (workspace or outcome.label) if is_ours(key) else ""


def _by_row(
    records: Iterable[UsageRecord], rows: Mapping[_Row, object], outcome: SourceOutcome
) -> Mapping[_Row, list[UsageRecord]]:
    found: dict[_Row, list[UsageRecord]] = {row: [] for row in rows}
    for record in records:
        row = _row_of(record, outcome)
        if row in found:
            found[row].append(record)
    return found


def _totals(records: Sequence[UsageRecord], others: Sequence[UsageRecord]) -> Totals:
    """Sums of a row. One that a reading does not have at all had nothing, of what the other reading tells."""
    if not records:
        known = _totals(others, others) if others else Totals()
        return Totals(
            cost=None if known.cost is None else Decimal(0),
            tokens_input=None if known.tokens_input is None else 0,
            tokens_output=None if known.tokens_output is None else 0,
            requests=None if known.requests is None else 0,
        )
    return Totals(
        cost=exact_sum(record.cost for record in records),
        tokens_input=whole_sum(record.tokens_input for record in records),
        tokens_output=whole_sum(record.tokens_output for record in records),
        requests=whole_sum(record.requests for record in records),
    )
