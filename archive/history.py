"""What moved from one reading to the next, by day, project or key, and model; and when a source's month changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from msgspec.structs import replace

from archive.archive import Archive, DamagedError
from archive.journal import Entry
from usage.money import difference
from usage.names import Grain, ProviderName, Status
from usage.records.record import Ids, UsageRecord

Records = tuple[UsageRecord, ...]

_NOTHING = UsageRecord()
_ZERO = Decimal(0)


class Standing(StrEnum):
    """How final the figures of a reading were."""

    RUNNING = "running"
    """The month went on."""
    PROVISIONAL = "provisional"
    """The month was over, and the provider had not settled it."""
    INCOMPLETE = "incomplete"
    """A part was missing."""
    SETTLED = "settled"
    """Nobody expected a change any more."""


@dataclass(frozen=True, slots=True)
class Move:
    """One day, project, key and model of which two readings tell different figures.

    Both have the same ids; the figures of one that a reading does not have are unknown.
    """

    old: UsageRecord
    new: UsageRecord

    @property
    def cost(self) -> Decimal:
        """By how much the cost moved, USD, exact; what is unknown counts as nothing."""
        return difference(self.new.cost or _ZERO, self.old.cost or _ZERO)

    @property
    def tokens(self) -> int:
        """By how much the tokens moved, both directions together."""
        return _tokens(self.new) - _tokens(self.old)


@dataclass(frozen=True, slots=True)
class Change:
    """A reading whose figures differ from those of the one before."""

    before: Entry
    after: Entry
    old: UsageRecord
    """Sum of what the reading before told; it has no ids."""
    new: UsageRecord
    moves: tuple[Move, ...]
    """What moved most comes first. Their differences add up to that of the sums."""

    @property
    def standing(self) -> Standing:
        """How final the figures were that changed."""
        return standing_of(self.before)


def standing_of(entry: Entry) -> Standing:
    """How final the figures of a reading are."""
    if entry.month.is_running(entry.read_at):
        return Standing.RUNNING
    if entry.status is Status.PARTIEL:
        return Standing.INCOMPLETE
    return Standing.PROVISIONAL if entry.provisional else Standing.SETTLED


def compare(old: Iterable[UsageRecord], new: Iterable[UsageRecord]) -> tuple[Move, ...]:
    """What moved between two readings of a source's month; what moved most, in money and then in tokens, comes first.

    Args:
        old: Records of the earlier reading.
        new: Records of the later one.
    """
    before, after = _sums(old), _sums(new)
    moves = []
    for ids in before.keys() | after.keys():
        nothing = _nothing_of(ids)
        move = Move(before.get(ids, nothing), after.get(ids, nothing))
        if move.old != move.new:
            moves.append(move)
    return tuple(sorted(moves, key=_most_first))


def at_one_grain(
    old: Sequence[UsageRecord], new: Sequence[UsageRecord], grains: tuple[Grain | None, Grain | None]
) -> tuple[Sequence[UsageRecord], Sequence[UsageRecord], bool]:
    """Two readings' records so that they can be compared, and whether keys had to be left out of them.

    A provider that is asked at another grain tells the same money with keys, or without: nothing has moved then.

    Args:
        old: Records of the earlier reading.
        new: Records of the later one.
        grains: At which they were read; None where that is not known, and nothing is left out.
    """
    if None in grains or grains[0] is grains[1]:
        return old, new, False
    return _without_keys(old), _without_keys(new), True


def total(records: Iterable[UsageRecord]) -> UsageRecord:
    """All records as one, without ids; a figure that none has stays unknown."""
    sums = _sums(_without_ids(record) for record in records)
    return next(iter(sums.values()), _NOTHING)


def changes(
    archive: Archive,
    entries: Iterable[Entry],
    project: str | None = None,
    *,
    on_damage: Callable[[DamagedError], None],
) -> Iterator[Change]:
    """The history of months: each reading whose figures differ from those of the one before, months in order.

    That a provider no longer has a month changes no figure. A reading whose records are damaged is left out: its
    neighbours are held against each other.

    Args:
        archive: Where the readings are.
        entries: Which of them to look at.
        project: Only what belongs to this project, workspace or API key, by its id at the provider.
        on_damage: Told of each reading that is left out.

    Raises:
        ArchiveError: The archive can't be read.
    """
    order = list(ProviderName)
    ordered = sorted(
        (one for one in entries if not one.is_out_of_reach),
        key=lambda one: (one.month, order.index(one.source.provider), one.source.account, one.order),
    )
    for _, readings in groupby(ordered, key=lambda one: (one.month, one.source)):
        for before, after, had, has in _pairs(archive, readings, on_damage):
            old, new, _ = at_one_grain(had, has, (before.grain, after.grain))
            old, new = _wanted(old, project), _wanted(new, project)
            moves = compare(old, new)
            if moves:
                yield Change(before, after, total(old), total(new), moves)


def owners(archive: Archive, entries: Iterable[Entry], *, on_damage: Callable[[DamagedError], None]) -> set[str]:
    """Ids of the projects, workspaces and API keys of which readings tell anything.

    Args:
        archive: Where the readings are.
        entries: Which of them to look at.
        on_damage: Told of each reading that is left out.

    Raises:
        ArchiveError: The archive can't be read.
    """
    read = _Reader(archive, on_damage)
    # Readings that tell the same lie in one file.
    by_file = {one.records.path: one for one in entries}
    records = (record for one in by_file.values() for record in read(one) or ())
    ids = (an_id for one in records for an_id in (one.project, one.api_key, one.workspace))
    return {an_id for an_id in ids if an_id is not None}


def _pairs(
    archive: Archive, readings: Iterable[Entry], on_damage: Callable[[DamagedError], None]
) -> Iterator[tuple[Entry, Entry, Records, Records]]:
    """Each reading with the one before of the same organisation, where they differ, and the records of both."""
    read = _Reader(archive, on_damage)
    seen: list[Entry] = []
    for after in readings:
        before = next((one for one in reversed(seen) if one.is_of(after.organisation, after.key_mark)), None)
        if before is not None and before.records.sha256 != after.records.sha256:
            had, has = read(before), read(after)
            if had is not None and has is not None:
                yield before, after, had, has
        if not read.found_damaged(after):
            seen.append(after)


class _Reader:
    """Reads records, those read last from memory: the later reading of one pair is the earlier one of the next."""

    def __init__(self, archive: Archive, on_damage: Callable[[DamagedError], None]) -> None:
        self._archive, self._on_damage = archive, on_damage
        self._last: tuple[str, Records] | None = None
        self._damaged: set[str] = set()

    def __call__(self, entry: Entry) -> Records | None:
        """The records of a reading; None where they are damaged, which is told once."""
        path = entry.records.path
        if self._last is None or self._last[0] != path:
            if path in self._damaged:
                return None
            try:
                self._last = path, self._archive.records(entry)
            except DamagedError as error:
                self._damaged.add(path)
                self._on_damage(error)
                return None
        return self._last[1]

    def found_damaged(self, entry: Entry) -> bool:
        """Whether its records were read, and are damaged."""
        return entry.records.path in self._damaged


def _wanted(records: Sequence[UsageRecord], project: str | None) -> Sequence[UsageRecord]:
    if project is None:
        return records
    return tuple(one for one in records if project in (one.project, one.api_key, one.workspace))


def _without_keys(records: Iterable[UsageRecord]) -> tuple[UsageRecord, ...]:
    """The records as they would be told without keys, where nothing is divided among them."""
    return tuple(replace(record, api_key=None, allocated=None) for record in records)


def _sums(records: Iterable[UsageRecord]) -> dict[Ids, UsageRecord]:
    sums: dict[Ids, UsageRecord] = {}
    for record in records:
        before = sums.get(record.ids)
        # The order of the units says nothing.
        sums[record.ids] = replace(record, units=tuple(sorted(record.units))) if before is None else before.plus(record)
    return sums


def _without_ids(record: UsageRecord) -> UsageRecord:
    return replace(record, day=None, workspace=None, project=None, api_key=None, model=None, item=None)


def _nothing_of(ids: Ids) -> UsageRecord:
    day, workspace, project, api_key, model, item = ids
    return UsageRecord(day=day, workspace=workspace, project=project, api_key=api_key, model=model, item=item)


def _tokens(record: UsageRecord) -> int:
    return (record.tokens_input or 0) + (record.tokens_output or 0)


def _most_first(move: Move) -> tuple[Decimal, int, tuple[str, ...]]:
    ids = tuple("" if one is None else str(one) for one in move.old.ids)
    return move.cost.copy_abs().copy_negate(), -abs(move.tokens), ids
