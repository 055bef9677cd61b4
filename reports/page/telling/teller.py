"""The telling: the figures of a month in sentences and tables of one language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reports.comparison import MOST_SHOWN, Comparison, Mover
from reports.page.figures.report import Report
from reports.page.telling.amounts import Amounts, SecondCurrency
from reports.page.telling.document import Cell, Column, Direction, Document, Section, Table, row_cell
from reports.page.telling.evidence import EvidenceTeller
from reports.page.telling.outlook import OutlookTeller
from reports.page.telling.over_time import OverTime
from reports.page.telling.shares import SharesTeller
from usage.language.words import Words
from usage.money import exact_sum, whole_sum
from usage.names import ProviderName
from usage.outcomes.proof import MonthState

_MOVED: Final = 2 * MOST_SHOWN
"""Rows in the table of what moved most."""


def tell(report: Report, words: Words, second: SecondCurrency | None = None) -> Document:
    """Tell a month.

    Args:
        report: Its figures.
        words: The language.
        second: A currency beside US dollars.
    """
    return _Teller(report, words, Amounts(words, report.month.month, second)).document()


class _Teller:
    def __init__(self, report: Report, words: Words, amounts: Amounts) -> None:
        self._report, self._words, self._amounts = report, words, amounts
        self._evidence = EvidenceTeller(report, words, self._amounts)

    def document(self) -> Document:
        report, words = self._report, self._words
        comparison = report.comparison
        return Document(
            language=words.language.value,
            title=words("Language models in {month}", month=words.month(report.month.month)),
            subtitle=words("What every project used and cost"),
            state=self._evidence.state(),
            state_key=(report.evidence.state or MonthState.OPEN).value,
            total=words.dollars(comparison.total),
            total_second=self._amounts.second_told(comparison.total),
            total_label=words("Cost so far") if self._is_running else words("Total cost"),
            change=self._change(),
            direction=_direction(comparison),
            facts=self._facts(),
            notice=self._evidence.notice(),
            proof=self._evidence.proof(),
            sections=tuple(self._sections()),
            footer=self._footer(),
            made=words("Made on {day} by llm-usage from the rows in Notion.", day=words.day(report.now.date())),
            url=report.url,
            url_label=words("Open the rows in Notion"),
        )

    @property
    def _is_running(self) -> bool:
        return self._report.month.month.is_running(self._report.now)

    def _sections(self) -> Iterable[Section]:
        report, words = self._report, self._words
        shares, times = SharesTeller(report, words, self._amounts), OverTime(report, words, self._amounts)
        outlook = OutlookTeller(report, words, self._amounts)
        found = [
            self._evidence.missing(),
            self._moved(),
            outlook.surprises(),
            outlook.outlook(),
            shares.providers(),
            shares.projects(),
            shares.models(),
            *(shares.own(column, breakdown) for column, breakdown in report.own),
            times.months(),
            times.days(),
            self._evidence.corrections(),
        ]
        return (one for one in found if one is not None)

    def _change(self) -> str:
        comparison, words = self._report.comparison, self._words
        before = words.month(comparison.month.previous())
        if comparison.cost is None:
            if comparison.left_out or comparison.unread:
                return words("Nothing of {month} can be compared: its days are not known", month=before)
            if self._is_running and any(one.is_collected for one in self._report.months[:-1]):
                return words("No whole day to compare with {month} yet", month=before)
            return words("{month} was not collected: nothing to compare with", month=before)
        change = self._amounts.change(comparison.cost)
        if comparison.until is None:
            told = words("{change} against {month}", change=change, month=before)
        else:
            told = words.count(
                "{change} on its first day, against that of {month}",
                "{change} over its first {number} days, against those of {month}",
                comparison.until.day,
                change=change,
                month=before,
            )
        without = [name for name in ProviderName if name in (*comparison.left_out, *comparison.unread)]
        if not without:
            return told
        names = ", ".join(one.label for one in without)
        return words("{change} (without {providers}, which can’t be compared)", change=told, providers=names)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        words, rows = self._words, self._report.month.rows
        return (
            (words("Tokens in"), words.whole(whole_sum(row.tokens_input for row in rows))),
            (words("Tokens out"), words.whole(whole_sum(row.tokens_output for row in rows))),
            (words("Requests"), words.whole(whole_sum(row.requests for row in rows))),
            (words("Projects and keys"), words.whole(len(rows))),
        )

    def _moved(self) -> Section | None:
        words, movers = self._words, self._report.comparison.movers
        if not movers:
            return None
        shown = movers[:_MOVED]
        change = exact_sum(one.cost.amount for one in movers)
        part = exact_sum(one.cost.amount for one in shown)
        sentence = words.count("{number} project changed.", "{number} projects or keys changed.", len(movers))
        if len(movers) > len(shown):
            sentence = words(
                "{all} projects or keys changed, by {change} together; these {shown} make {part} of it.",
                all=words.whole(len(movers)),
                shown=words.whole(len(shown)),
                change=self._amounts.moved(change),
                part=self._amounts.moved(part),
            )
        table = Table(
            caption=words("What moved most"),
            columns=(
                Column(words("Project or key"), is_figure=False),
                Column(words("Model that did it"), is_figure=False),
                Column(words("Before"), is_minor=True),
                Column(words("Now"), is_minor=True),
                Column(words("Change, US$")),
            ),
            rows=tuple(self._mover(one) for one in shown),
        )
        return Section(key="moved", heading=words("What moved most"), sentences=(sentence,), table=table)

    def _mover(self, mover: Mover) -> tuple[Cell, ...]:
        model = mover.model or self._words("not told by model")
        detail = self._amounts.signed(mover.model_cost.amount) if mover.model else ""
        return (
            row_cell(mover.row),
            Cell(model, is_name=True, detail=detail),
            Cell(self._amounts.cell(mover.cost.before)),
            Cell(self._amounts.cell(mover.cost.now)),
            Cell(self._amounts.signed(mover.cost.amount), is_strong=True),
        )

    def _footer(self) -> str:
        rounded = self._words(
            "Amounts are US dollars, rounded to the cent for reading; sums are made of every digit that the providers "
            "give. Months and days are UTC."
        )
        second = self._amounts.second
        return " ".join((rounded, *(second.sentences if second is not None else ())))


def _direction(comparison: Comparison) -> Direction | None:
    if comparison.cost is None or comparison.cost.amount is None:
        return None
    amount = comparison.cost.amount
    return Direction.RISE if amount > 0 else Direction.FALL if amount < 0 else Direction.LEVEL
