"""The months side by side, and the days of one month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from reports.page.figures.calendar import MonthCost
from reports.page.figures.pictures import Picture
from reports.page.figures.report import Report
from reports.page.telling.amounts import Amounts
from reports.page.telling.document import Cell, Column, Section, Table
from usage.language.words import Words
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName

_Costs = Mapping[ProviderName, Decimal]


class OverTime:
    """Tells months and days."""

    def __init__(self, report: Report, words: Words, amounts: Amounts) -> None:
        self._report, self._words, self._amounts = report, words, amounts

    def months(self) -> Section | None:
        """The months side by side; nothing where only one is asked for."""
        words, months = self._words, self._report.months
        known = [one for one in months if one.is_collected]
        if len(months) < 2 or not known:
            return None
        providers = _providers(one.costs for one in known)
        rows = tuple(self._month(one, providers) for one in reversed(months) if one.is_collected)
        heading = words.count("{number} month", "{number} months", len(months))
        gone = [one for one in months if not one.is_collected]
        lacking = words.count(
            "{number} of them was not collected: {months}.",
            "{number} of them were not collected: {months}.",
            len(gone),
            months=_listed(words.month(one.month) for one in gone),
        )
        return Section(
            key="months",
            heading=heading,
            sentences=(lacking,) if gone else (),
            picture=Picture.MONTHS,
            legend=providers,
            table=Table(
                caption=words("Cost by month and provider"),
                columns=self._columns(words("Month"), providers),
                rows=rows,
                total=self._row(
                    Cell(words("Total")),
                    _sum(one.costs for one in known),
                    [(one.total, one.month) for one in known],
                    providers,
                ),
            ),
        )

    def days(self) -> Section | None:
        """The days of the month; nothing where none is known."""
        words, days, month = self._words, self._report.days, self._report.month.month
        if not days.days:
            return None
        providers = _providers(one.costs for one in days.days)
        rows = [self._row(Cell(words.day(one.day)), one.costs, [(one.total, month)], providers) for one in days.days]
        sentences: tuple[str, ...] = ()
        if days.undated is not None:
            sentence = words(
                "{amount} of {providers} is told for the month alone, and not in the chart.",
                amount=self._amounts.told(days.undated),
                providers=", ".join(one.label for one in days.undated_providers),
            )
            sentences = (sentence,)
        known = [one for one in days.days if one.total]
        if known:
            dearest = max(known, key=lambda one: one.total or 0)
            told = words(
                "Dearest day: {day}, {amount}.", day=words.day(dearest.day), amount=self._amounts.told(dearest.total)
            )
            sentences = (told, *sentences)
        return Section(
            key="days",
            heading=words("Day by day"),
            sentences=sentences,
            picture=Picture.DAYS,
            legend=providers,
            table=Table(
                caption=words("Cost by day and provider"),
                columns=self._columns(words("Day (UTC)"), providers),
                rows=tuple(rows),
                total=self._row(
                    Cell(words("Total")),
                    _sum(one.costs for one in days.days),
                    [(exact_sum(one.total for one in days.days), month)],
                    providers,
                ),
                more_caption=words("The days as a table"),
                is_folded=True,
            ),
        )

    def _columns(self, first: str, providers: tuple[ProviderName, ...]) -> tuple[Column, ...]:
        parts = (Column(one.label, provider=one) for one in providers)
        second = self._amounts.second
        more = () if second is None else (Column(self._words("Total, {currency}", currency=second.code)),)
        return (Column(first, is_figure=False), Column(self._words("Total, US$")), *more, *parts)

    def _month(self, one: MonthCost, providers: tuple[ProviderName, ...]) -> tuple[Cell, ...]:
        detail = self._words("so far") if one.is_running else ""
        name = Cell(self._words.month(one.month), detail=detail, is_strong=one.month == self._report.month.month)
        return self._row(name, one.costs, [(one.total, one.month)], providers)

    def _row(
        self,
        name: Cell,
        costs: _Costs,
        totals: Sequence[tuple[Decimal | None, Month]],
        providers: tuple[ProviderName, ...],
    ) -> tuple[Cell, ...]:
        """`totals` are what the row adds up, each of a month with a rate of its own."""
        amounts = self._amounts
        parts = (Cell(amounts.cell(costs.get(one))) for one in providers)
        total = Cell(amounts.cell(exact_sum(amount for amount, _ in totals)), is_strong=True)
        more = () if amounts.second is None else (Cell(amounts.second_sum(totals)),)
        return (name, total, *more, *parts)


def _providers(costs: Iterable[_Costs]) -> tuple[ProviderName, ...]:
    """Those that any of them tells of, in their own order."""
    found = {provider for one in costs for provider in one}
    return tuple(name for name in ProviderName if name in found)


def _sum(costs: Iterable[_Costs]) -> _Costs:
    every = list(costs)
    sums = {name: exact_sum(one.get(name) for one in every) for name in ProviderName}
    return {name: total for name, total in sums.items() if total is not None}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
