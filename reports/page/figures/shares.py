"""A month's cost cut into lines: by provider, project, model, or what people wrote in a column of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from reports.comparison import Change, Comparison
from reports.grouping import BETWEEN, group_by, share_of, spent
from reports.ledger import LedgerRow, MonthLedger
from usage.money import exact_sum, whole_sum
from usage.names import ProviderName
from usage.records.record import UsageRecord

K = TypeVar("K")
_Fact = tuple[LedgerRow, UsageRecord]
_ZERO: Final = Decimal(0)
_KEY: Final = 24
"""Letters that are shown of an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a breakdown. Costs are USD, exact."""

    name: str
    """As people call it, other people's text; empty for what has none."""
    provider: ProviderName | None
    """None where it stands for several."""
    cost: Decimal | None
    """None where nobody tells it, and for what was there in the month before alone."""
    change: Change | None
    """None where nothing is compared."""
    tokens: int | None
    """Both directions; None where nobody tells them."""
    requests: int | None
    detail: str = ""
    """What tells it from others of its name."""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All lines of a month, dearest first. Their costs add up to the month's."""

    lines: tuple[Line, ...]
    total: Decimal | None
    spent: Decimal | None
    """What the lines cost without credits."""

    def share(self, *lines: Line) -> Decimal | None:
        """What lines are of all that was spent, of 1; None where they are credits alone, or nobody tells their cost."""
        return share_of(spent(line.cost for line in lines), self.spent)

    @property
    def nameless(self) -> Line | None:
        """The line of what has no name, where there is one."""
        return next((line for line in self.lines if not line.name and line.cost is not None), None)


@dataclass(frozen=True, slots=True)
class Compared:
    """A month, the one before, and how they are compared."""

    now: MonthLedger
    before: MonthLedger
    comparison: Comparison

    def by_provider(self) -> Breakdown:
        """A line for each provider."""
        return self._cut(lambda row, _: row.provider, lambda row, _: (row.provider.label, row.provider, "", ""))

    def by_project(self) -> Breakdown:
        """A line for each row of *Usages*: a project, key or workspace."""
        twins = self._twins()

        def describe(row: LedgerRow, _: UsageRecord) -> tuple[str, ProviderName, str, str]:
            return row.title, row.provider, _short(row.key) if (row.provider, row.title) in twins else "", row.url

        return self._cut(lambda row, _: row.thing, describe)

    def by_model(self) -> Breakdown:
        """A line for each model, and for each item that belongs to none."""

        def describe(row: LedgerRow, record: UsageRecord) -> tuple[str, ProviderName, str, str]:
            return record.model or record.item or "", row.provider, "", ""

        return self._cut(lambda row, record: (row.provider, record.model, record.item), describe)

    def by_column(self, column: str) -> Breakdown:
        """A line for each group of rows that say the same in a column of people's own."""
        # Both months together, so that a thing is the same in both however it is spelt.
        grouping = group_by((*self.now.rows, *self.before.rows), column)
        values = {id(row): one.values for one in (*grouping.groups, grouping.without) for row in one.rows}

        def describe(row: LedgerRow, _: UsageRecord) -> tuple[str, None, str, str]:
            return BETWEEN.join(values[id(row)]), None, "", ""

        return self._cut(lambda row, _: values[id(row)], describe)

    def _cut(
        self,
        key: Callable[[LedgerRow, UsageRecord], K],
        describe: Callable[[LedgerRow, UsageRecord], tuple[str, ProviderName | None, str, str]],
    ) -> Breakdown:
        now, before = _grouped(self.now, key), _grouped(self.before, key)
        compared = {id(row) for row in self.comparison.rows}
        lines = []
        for one in dict.fromkeys([*now, *before]):
            here, then = now.get(one, []), before.get(one, [])
            name, provider, detail, url = describe(*(here or then)[0])
            change = self._change(here, then, compared)
            if not here and (change is None or not change.amount):
                continue
            lines.append(
                Line(
                    name=name,
                    provider=provider,
                    cost=exact_sum(record.cost for _, record in here),
                    change=change,
                    tokens=whole_sum(whole_sum((record.tokens_input, record.tokens_output)) for _, record in here),
                    requests=whole_sum(record.requests for _, record in here),
                    detail=detail,
                    url=url,
                )
            )
        ordered = tuple(sorted(lines, key=_dearest_first))
        return Breakdown(ordered, self.now.cost, spent(line.cost for line in ordered))

    def _change(self, here: Iterable[_Fact], then: Iterable[_Fact], compared: Set[int]) -> Change | None:
        """Between the days that are compared; None where all of it is left out of the comparison."""
        now = [record for row, record in here if id(row) in compared and self._is_in_time(record)]
        before = [record for row, record in then if id(row) in compared and self._is_in_time(record)]
        if not now and not before:
            return None
        return Change(exact_sum(record.cost for record in before), exact_sum(record.cost for record in now))

    def _is_in_time(self, record: UsageRecord) -> bool:
        until = self.comparison.until
        return until is None or (record.day is not None and record.day.day <= until.day)

    def _twins(self) -> set[tuple[ProviderName, str]]:
        """Titles that several rows of a provider bear in one month."""
        found = set()
        for month in (self.now, self.before):
            titles = [(row.provider, row.title) for row in month.rows]
            found |= {one for one in titles if titles.count(one) > 1}
        return found


def _short(key: str) -> str:
    """Enough of an id to tell it from others."""
    return key if len(key) <= _KEY else f"{key[: _KEY - 6]}…{key[-5:]}"


def _grouped(month: MonthLedger, key: Callable[[LedgerRow, UsageRecord], K]) -> dict[K, list[_Fact]]:
    found: dict[K, list[_Fact]] = {}
    for row in month.rows:
        for record in row.records:
            found.setdefault(key(row, record), []).append((row, record))
    return found


def _dearest_first(line: Line) -> tuple[bool, Decimal, str, str, str]:
    provider = line.provider.value if line.provider is not None else ""
    return line.cost is None, (line.cost or _ZERO).copy_negate(), provider, line.name, line.detail
