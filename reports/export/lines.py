"""The ledger line by line: each record with its row, and names beside ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from reports.ledger import Ledger, LedgerRow
from usage.names import ProviderName
from usage.records.record import Ids, UsageRecord


class Grain(StrEnum):
    """What a line stands for beside ids and model."""

    DAY = "day"
    """A day, where the row tells its days; else its month."""
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a row."""

    row: LedgerRow
    record: UsageRecord
    organisation: str | None
    """The provider's id of what stands behind the account's key; None where it is not known."""
    names: Mapping[tuple[ProviderName, str], str]
    """What people call projects, workspaces and keys, by their ids."""

    def name_of(self, an_id: str | None) -> str | None:
        """What people call a project, workspace or key; None where no row of the ledger tells."""
        return None if an_id is None else self.names.get((self.row.provider, an_id))


class Lines:
    """All lines of a ledger, month by month and row by row; they are made anew each time they are gone through.

    Args:
        ledger: The months.
        grain: What a line stands for.
    """

    def __init__(self, ledger: Ledger, grain: Grain) -> None:
        self._ledger, self._grain = ledger, grain
        rows = [row for month in ledger.months for row in month.rows]
        # Of several names that a thing has had, the last one. A name that is the id itself is none.
        self._names: Final = {(row.provider, row.key): row.name for row in rows if row.name and row.name != row.key}

    def __iter__(self) -> Iterator[Line]:
        for month in self._ledger.months:
            organisations = {(one.provider, one.account): one.organisation for one in month.sources}
            for row in month.rows:
                organisation = organisations.get((row.provider, row.account))
                for record in self._records(row):
                    yield Line(row, record, organisation, self._names)

    def _records(self, row: LedgerRow) -> Iterable[UsageRecord]:
        if self._grain is Grain.MONTH or not row.by_day:
            return added_up(replace(record, day=None) for record in row.records)
        return sorted(added_up(row.records), key=lambda record: record.day or date.min)


def added_up(records: Iterable[UsageRecord]) -> tuple[UsageRecord, ...]:
    """One record for each combination of day, ids and model, exactly, in order of first appearance."""
    sums: dict[Ids, UsageRecord] = {}
    for record in records:
        before = sums.get(record.ids)
        sums[record.ids] = record if before is None else before.plus(record)
    return tuple(sums.values())
