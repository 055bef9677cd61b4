"""The tables of who spent what: by provider, project, model, and people's own columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from reports.comparison import Change
from reports.page.figures.pictures import Picture
from reports.page.figures.report import Report
from reports.page.figures.shares import Breakdown, Line
from reports.page.telling.amounts import Amounts, SecondCurrency
from reports.page.telling.document import Cell, Column, Section, Table
from usage.language.words import NOTHING, Words
from usage.money import exact_sum, whole_sum
from usage.names import ProviderName

SHOWN: Final = 12
"""Lines of a table that stand there at once; the others are one line, and folded away."""
_LEAST: Final = Decimal("0.005")
"""Share that is written as a whole percent."""


class SharesTeller:
    """Tells breakdowns."""

    def __init__(self, report: Report, words: Words, amounts: Amounts) -> None:
        self._report, self._words, self._amounts = report, words, amounts

    def providers(self) -> Section | None:
        """By provider."""
        words, breakdown = self._words, self._report.providers
        legend = tuple(one.provider for one in breakdown.lines if one.provider is not None and one.cost)
        return self._section("providers", words("By provider"), words("Provider"), breakdown, legend=legend)

    def projects(self) -> Section | None:
        """By project or key."""
        words = self._words
        return self._section("projects", words("By project"), words("Project or key"), self._report.projects)

    def models(self) -> Section | None:
        """By model or item."""
        words = self._words
        return self._section("models", words("By model"), words("Model or item"), self._report.models)

    def own(self, column: str, breakdown: Breakdown) -> Section | None:
        """By what people wrote in a column of their own."""
        words, nameless = self._words, breakdown.nameless
        share = None if nameless is None else breakdown.share(nameless)
        if nameless is None:
            told = words("Every row with a cost has one.")
        elif share is None:
            told = words("{amount} of the cost has none.", amount=self._amounts.told(nameless.cost))
        else:
            told = words(
                "{share} of the cost, {amount}, has none.",
                share=self._percent(share),
                amount=self._amounts.told(nameless.cost),
            )
        return self._section(f"own-{column}", words("By {column}", column=column), column, breakdown, told)

    def _section(
        self,
        key: str,
        heading: str,
        head: str,
        breakdown: Breakdown,
        sentence: str = "",
        *,
        legend: tuple[ProviderName, ...] = (),
    ) -> Section | None:
        if not breakdown.lines:
            return None
        return Section(
            key=key,
            heading=heading,
            sentences=(sentence,) if sentence else (),
            picture=Picture.PROVIDERS if len(legend) > 1 else None,
            legend=legend,
            table=self._table(heading, head, breakdown),
        )

    def _table(self, caption: str, head: str, breakdown: Breakdown) -> Table:
        words = self._words
        with_usage = any(line.tokens is not None or line.requests is not None for line in breakdown.lines)
        with_change = self._report.comparison.cost is not None
        columns = [Column(head, is_figure=False)]
        columns += [Column(words("Tokens"), is_minor=True), Column(words("Requests"), is_minor=True)] * with_usage
        columns += [Column(words("Change"), is_minor=bool(self._second))] * with_change
        columns += [Column(words("Share"), is_minor=True), Column(words("Cost, US$"))]
        columns += [Column(words("Cost, {currency}", currency=one.code)) for one in self._second]
        lines = breakdown.lines
        shown = lines if len(lines) <= SHOWN + 1 else lines[:SHOWN]
        rest = lines[len(shown) :]
        rows = [self._row(line, breakdown.share(line), len(columns)) for line in shown]
        if rest:
            others = words.count("{number} other", "{number} others", len(rest))
            rows.append(self._row(_together(rest, others), breakdown.share(*rest), len(columns), is_name=False))
        total = _together(lines, words("Total"))
        return Table(
            caption=caption,
            columns=tuple(columns),
            rows=tuple(rows),
            total=self._row(total, breakdown.share(*lines), len(columns), is_name=False),
            more=tuple(self._row(line, breakdown.share(line), len(columns)) for line in rest),
            more_caption=words.count("The {number} other", "The {number} others", len(rest)) if rest else "",
        )

    def _row(self, line: Line, share: Decimal | None, width: int, *, is_name: bool = True) -> tuple[Cell, ...]:
        name = Cell(
            line.name or self._words("(none)"),
            is_name=is_name and bool(line.name),
            provider=line.provider,
            share=share if is_name else None,
            detail=", ".join(filter(None, (self._whose(line), line.detail))),
            url=line.url,
        )
        words, with_change = self._words, self._report.comparison.cost is not None
        usage = [Cell(words.whole(line.tokens)), Cell(words.whole(line.requests))]
        change = Cell(self._amounts.signed(None if line.change is None else line.change.amount))
        money = [Cell(self._percent(share)), Cell(self._amounts.cell(line.cost), is_strong=True)]
        money += [Cell(self._amounts.second_cell(line.cost)) for _ in self._second]
        with_usage = width == 1 + 2 + with_change + len(money)
        return (name, *(usage if with_usage else []), *([change] if with_change else []), *money)

    def _whose(self, line: Line) -> str:
        """The provider of a line that is not named after it: a colour alone would not tell."""
        return "" if line.provider is None or line.name == line.provider.label else line.provider.label

    @property
    def _second(self) -> tuple[SecondCurrency, ...]:
        return () if self._amounts.second is None else (self._amounts.second,)

    def _percent(self, share: Decimal | None) -> str:
        if share is None:
            return NOTHING
        if 0 < share < _LEAST:
            return f"<{self._words.percent(Decimal('0.01'))}"
        return self._words.percent(share)


def _together(lines: tuple[Line, ...], name: str) -> Line:
    """Several lines as one."""
    changes = [line.change for line in lines if line.change is not None]
    return Line(
        name=name,
        provider=None,
        cost=exact_sum(line.cost for line in lines),
        change=Change(exact_sum(one.before for one in changes), exact_sum(one.now for one in changes))
        if changes
        else None,
        tokens=whole_sum(line.tokens for line in lines),
        requests=whole_sum(line.requests for line in lines),
    )
