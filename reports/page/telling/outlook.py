"""Budgets, forecast and surprises in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reports.page.figures.pictures import Picture
from reports.page.figures.report import Report
from reports.page.telling.amounts import Amounts
from reports.page.telling.document import Cell, Column, Section, Table, row_cell
from reports.planning.forecast import FIRST_DAY, Forecast
from reports.planning.outlook import BudgetState, Outlook, Standing
from reports.planning.surprises import Surprise
from usage.language.words import Words

_SHOWN = 8
"""Surprises that stand in the table: more would be none."""


class OutlookTeller:
    """Tells where a month goes, and what nobody had expected."""

    def __init__(self, report: Report, words: Words, amounts: Amounts) -> None:
        self._report, self._words, self._amounts = report, words, amounts
        self._is_running = report.month.month.is_running(report.now)

    def outlook(self) -> Section | None:
        """Budgets and forecast; nothing of a month that is over and has no budget."""
        outlook, words = self._report.outlook, self._words
        if outlook is None or not (self._is_running or outlook.budgets):
            return None
        is_drawn = outlook.forecast is not None or outlook.budget is not None
        return Section(
            key="outlook",
            heading=words("Budget and forecast") if self._is_running else words("Budgets"),
            sentences=tuple(self._sentences(outlook)),
            picture=Picture.OUTLOOK if is_drawn else None,
            table=self._budgets(outlook) if outlook.budgets else None,
        )

    def _sentences(self, outlook: Outlook) -> Iterator[str]:
        words = self._words
        if outlook.forecast is not None:
            yield from self._forecast(outlook.forecast)
        elif self._is_running and self._report.now.day < FIRST_DAY:
            yield words("A forecast is made from day {day} of the month on.", day=words.whole(FIRST_DAY))
        elif self._is_running:
            yield words("No forecast: too few days of this month are known.")
        alarming = len(outlook.alarming)
        if outlook.known and not alarming:
            yield words.count("The budget is kept.", "The {number} budgets are kept.", len(outlook.known))
        elif alarming and self._is_running:
            yield words.count(
                "{number} budget is passed or will be.", "{number} budgets are passed or will be.", alarming
            )
        elif alarming:
            yield words.count("{number} budget is passed.", "{number} budgets are passed.", alarming)

    def _forecast(self, forecast: Forecast) -> Iterator[str]:
        words, amounts = self._words, self._amounts
        yield words(
            "Expected at the month’s end: {likely}, between {low} and {high}.",
            likely=amounts.told(forecast.expected),
            low=amounts.told(forecast.low),
            high=amounts.told(forecast.high),
        )
        yield words.count(
            "Method: the daily rate of working days and of weekends, from {number} whole day of this month; eight "
            "months of ten are meant to end in that range.",
            "Method: the daily rate of working days and of weekends, from {number} whole days of this month; eight "
            "months of ten are meant to end in that range.",
            forecast.days_read,
        )
        if forecast.as_they_stand:
            names = ", ".join(one.label for one in forecast.as_they_stand)
            yield words("Without days, counted as they stand: {names}.", names=names)

    def _budgets(self, outlook: Outlook) -> Table:
        words = self._words
        return Table(
            caption=words("Budgets"),
            columns=(
                Column(words("Budget"), is_figure=False),
                Column(words("Passed on"), is_figure=False),
                Column(words("Spent"), is_minor=True),
                Column(words("Used"), is_minor=True),
                *([Column(words("Expected"), is_minor=True)] if self._is_running else []),
                Column(words("Budget, US$")),
            ),
            rows=tuple(self._budget(one) for one in outlook.budgets),
        )

    def _budget(self, state: BudgetState) -> tuple[Cell, ...]:
        words, amounts, name = self._words, self._amounts, state.budget.subject.label
        bar = None if state.share is None else min(max(state.share, Decimal(0)), Decimal(1))
        unknown = "" if state.is_known else words("no row has this name")
        expected = None if state.forecast is None else state.forecast.expected
        return (
            Cell(name or words("Whole month"), is_name=bool(name), share=bar, detail=unknown),
            self._standing(state),
            Cell(amounts.cell(state.spent), detail=amounts.second_told(state.spent)),
            Cell(words.percent(state.share)),
            *([Cell(amounts.cell(expected))] if self._is_running else []),
            Cell(amounts.cell(state.budget.amount), is_strong=True, detail=amounts.second_told(state.budget.amount)),
        )

    def _standing(self, state: BudgetState) -> Cell:
        words = self._words
        if state.standing is Standing.WITHIN:
            return Cell(words("not passed"))
        if state.day is None:
            return Cell(words("passed"), is_strong=True)
        expected = words("expected") if state.standing is Standing.COMING else ""
        return Cell(words.day(state.day), is_strong=True, detail=expected)

    def surprises(self) -> Section | None:
        """What left its own range; nothing where all is as usual."""
        outlook, words = self._report.outlook, self._words
        if outlook is None or not outlook.surprises:
            return None
        table = Table(
            caption=words("Surprises"),
            columns=(
                Column(words("Project or key"), is_figure=False),
                Column(words("When"), is_figure=False),
                Column(words("Model that did it"), is_figure=False, is_minor=True),
                Column(words("Usual"), is_minor=True),
                Column(words("Cost, US$")),
            ),
            rows=tuple(self._surprise(one) for one in outlook.surprises[:_SHOWN]),
        )
        sentence = words.count(
            "{number} project or key left its own usual range, on a day or in the month.",
            "{number} projects or keys left their own usual range, on a day or in the month.",
            len(outlook.surprises),
        )
        return Section(key="surprises", heading=words("Surprises"), sentences=(sentence,), table=table)

    def _surprise(self, one: Surprise) -> tuple[Cell, ...]:
        words, amounts = self._words, self._amounts
        when = words("the month") if one.day is None else words.day(one.day)
        return (
            row_cell(one.row),
            Cell(when),
            Cell(one.model or words("not told by model"), is_name=bool(one.model)),
            Cell(amounts.cell(one.usual)),
            Cell(amounts.cell(one.cost), is_strong=True),
        )
