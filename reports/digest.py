"""The digest: a month in ten lines at most, for a mail or a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final

from reports.comparison import MOST_SHOWN, Comparison, Mover, compare
from reports.currency import Rates
from reports.grouping import Group, Grouping, group_by
from reports.ledger import Ledger, LedgerRow, MonthLedger, SourceMonth
from reports.planning.budgets import Budgets
from reports.planning.outlook import BudgetState, Outlook, Standing, look_ahead
from reports.planning.surprises import Surprise
from usage.language.words import Words
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import MonthState

MOST_LINES: Final = 10
_MOST_IN_A_LINE: Final = 2
"""Budgets or surprises that share a line."""
_MOST_MISSING: Final = 4
MOST_COLUMNS: Final = 3
"""People's own columns that find room."""
_MOST_VALUES: Final = 3
"""Of one column that are told."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a digest is written: what is done to other people's names, to links and to whole lines."""

    name: Callable[[str], str]
    link: Callable[[Words, str, str], str]
    """From a language, a word and an address."""
    head: Callable[[str], str]
    """Makes the first line of a sentence."""
    item: Callable[[str], str]
    """Makes another line."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What there is to say of a month."""

    month: Month
    now: datetime
    state: MonthState | None
    comparison: Comparison
    outlook: Outlook
    top: tuple[LedgerRow, ...]
    """The dearest rows, told where nothing can be compared."""
    sources: tuple[SourceMonth, ...]
    absent: tuple[SourceMonth, ...]
    """Sources of the month before that this one does not have."""
    url: str
    """Of *Usages*."""
    by: tuple[Grouping, ...] = ()
    """The month's rows by people's own columns."""
    rates: Rates = field(default_factory=Rates)
    """The second currency."""

    @property
    def is_running(self) -> bool:
        """Whether the month goes on."""
        return self.month.is_running(self.now)


def make_digest(
    ledger: Ledger, month: Month, budgets: Budgets, *, by: Iterable[str] = (), rates: Rates | None = None
) -> Digest:
    """What there is to say of a month.

    Args:
        ledger: The month and those before it, as many as `look_ahead` wants.
        month: The month.
        budgets: All budgets.
        by: People's own columns to tell the month by, by their exact names; `MOST_COLUMNS` at most.
        rates: A second currency, and its rate of the month.
    """
    now, before = ledger.month(month), ledger.month(month.previous())
    with_cost = [(row.cost, row) for row in now.rows if row.cost]
    top = sorted(with_cost, key=lambda pair: (-pair[0], pair[1].provider.value, pair[1].title))
    return Digest(
        month=month,
        now=ledger.now,
        state=now.state(ledger.now),
        comparison=compare(ledger, month),
        outlook=look_ahead(ledger, month, budgets),
        top=tuple(row for _, row in top[:MOST_SHOWN]),
        sources=now.sources,
        absent=_absent(now, before),
        url=ledger.url,
        by=tuple(group_by(now.rows, column) for column in by),
        rates=rates or Rates(),
    )


def _absent(now: MonthLedger, before: MonthLedger) -> tuple[SourceMonth, ...]:
    known = {(one.provider, one.account) for one in now.sources}
    return tuple(one for one in before.sources if (one.provider, one.account) not in known)


def digest_lines(digest: Digest, words: Words, style: Style, run_url: str = "") -> tuple[str, ...]:
    """The lines, ten at most: where there is more to say, fewer rows are told.

    Args:
        digest: What there is to say.
        words: In which language.
        style: How it is written.
        run_url: Page of the run that tells it; empty where nobody can open it.
    """
    return tuple(_Writer(digest, words, style).lines(run_url))


def alarm_line(state: BudgetState, words: Words, style: Style, show: Callable[[Decimal], str] | None = None) -> str:
    """One sentence about a budget that is passed or will be.

    Args:
        state: The budget and what became of it.
        words: The language.
        style: How it is written.
        show: Writes an amount of US dollars; None: in dollars alone.
    """
    name = style.name(state.budget.subject.label) or words("everything")
    spent, amount = map(show or words.dollars, (state.spent, state.budget.amount))
    if state.standing is Standing.COMING and state.day is not None:
        return words(
            "Budget for {name}: will be passed on {day}; {spent} of {amount} so far.",
            name=name,
            day=words.day(state.day),
            spent=spent,
            amount=amount,
        )
    if state.day is not None:
        day = words.day(state.day)
        return words(
            "Budget for {name}: passed on {day}; {spent} of {amount}.", name=name, day=day, spent=spent, amount=amount
        )
    return words("Budget for {name}: passed; {spent} of {amount}.", name=name, spent=spent, amount=amount)


class _Writer:
    def __init__(self, digest: Digest, words: Words, style: Style) -> None:
        self._digest, self._words, self._style = digest, words, style

    def lines(self, run_url: str) -> Iterator[str]:
        style = self._style
        links = (("Notion", self._digest.url), (self._words("Run"), run_url))
        above = [self._change()]
        below = [
            *map(self._column, self._digest.by),
            self._forecast(),
            self._budgets(),
            self._surprises(),
            " ".join(filter(None, (self._missing(), *self._rate()))),
            " · ".join(style.link(self._words, name, url) for name, url in links if url),
        ]
        room = MOST_LINES - 1 - sum(map(bool, (*above, *below)))
        yield style.head(self._head())
        yield from (style.item(line) for line in (*above, *islice(self._rows(), room), *below) if line)

    def _head(self) -> str:
        words, month = self._words, self._words.month(self._digest.month)
        total = self._both(self._digest.comparison.total)
        state = self._digest.state
        if state is None:
            return words("AI usage in {month}: not collected.", month=month)
        if self._digest.is_running:
            day, days = words.whole(self._digest.now.day), words.whole(self._digest.month.days)
            return words(
                "AI usage in {month}: {total}, day {day} of {days}.", month=month, total=total, day=day, days=days
            )
        if state is MonthState.CLOSED:
            return words("AI usage in {month}: {total}, closed.", month=month, total=total)
        if state is MonthState.SETTLED:
            return words("AI usage in {month}: {total}, not proven whole.", month=month, total=total)
        return words("AI usage in {month}: {total}, late figures may still come.", month=month, total=total)

    def _change(self) -> str:
        words, comparison = self._words, self._digest.comparison
        if self._digest.state is None:
            return ""
        before = words.month(comparison.month.previous())
        if comparison.cost is None or comparison.cost.amount is None:
            return self._and_left_out(words("Nothing to compare with in {month}.", month=before))
        change, share = words.signed(comparison.cost.amount), comparison.cost.share
        if share is not None:
            change = f"{change} ({words.percent(share, signed=True)})"
        if comparison.until is None:
            said = words("{change} against {month}.", change=change, month=before)
        else:
            day = words.day(comparison.until)
            said = words(
                "{change} against the same days of {month}, up to {day}.", change=change, month=before, day=day
            )
        return self._and_left_out(said)

    def _and_left_out(self, said: str) -> str:
        names = _labels(self._digest.comparison.left_out)
        return (
            f"{said} {self._words('Not compared, as their days are not known: {names}.', names=names)}"
            if names
            else said
        )

    def _rows(self) -> Iterator[str]:
        if self._digest.comparison.cost is None:
            for row in self._digest.top:
                yield self._words("{row}: {cost}.", row=self._row(row), cost=self._both(row.cost))
            return
        for mover in self._digest.comparison.movers[:MOST_SHOWN]:
            yield self._mover(mover)

    def _mover(self, mover: Mover) -> str:
        words, row = self._words, self._row(mover.row)
        change, cost = words.signed(mover.cost.amount), self._both(mover.cost.now or Decimal(0))
        if not mover.model or mover.model_cost.amount is None:
            return words("{row}: {change}, now {cost}.", row=row, change=change, cost=cost)
        return words(
            "{row}: {change}, now {cost}; {model} {part}.",
            row=row,
            change=change,
            cost=cost,
            model=self._style.name(mover.model),
            part=words.signed(mover.model_cost.amount),
        )

    def _column(self, grouping: Grouping) -> str:
        """The dearest values of one column, and what has none."""
        words, column = self._words, self._style.name(grouping.column)
        groups = [f"{self._style.name(one.name)} {self._part(grouping, one)}" for one in grouping.groups[:_MOST_VALUES]]
        more = len(grouping.groups) - _MOST_VALUES
        if more > 0:
            groups.append(words.count("and {number} other value", "and {number} other values", more))
        told, without = ", ".join(groups), grouping.without
        if not without.cost:
            return words("{column}: {groups}. No {column}: nothing.", column=column, groups=told)
        part = self._part(grouping, without)
        return words("{column}: {groups}. No {column}: {part}.", column=column, groups=told, part=part)

    def _part(self, grouping: Grouping, group: Group) -> str:
        """A group's cost, and in brackets what that is in the second currency, and of the whole."""
        words, share = self._words, grouping.share(group)
        other = self._digest.rates.both(group.cost, self._digest.month).other
        beside = [] if other is None else [words.money(other, self._digest.rates.currency)]
        beside += [] if share is None else [words.percent(share)]
        cost = words.dollars(group.cost)
        return f"{cost} ({', '.join(beside)})" if beside else cost

    def _both(self, amount: Decimal | None) -> str:
        """An amount of the month in both currencies."""
        rates = self._digest.rates
        return rates.show(rates.both(amount, self._digest.month), self._words)

    def _rate(self) -> tuple[str, ...]:
        """The rate, or why there is none; nothing without a second currency."""
        digest = self._digest
        return () if digest.state is None else digest.rates.sentences(self._words, [digest.month])

    def _forecast(self) -> str:
        words, ahead = self._words, self._digest.outlook.forecast
        if ahead is None:
            return ""
        said = words(
            "Forecast of the month's end: {expected}, between {low} and {high} (daily rate of working days and of "
            "weekends, from {days} days).",
            expected=self._both(ahead.expected),
            low=words.dollars(ahead.low),
            high=words.dollars(ahead.high),
            days=words.whole(ahead.days_read),
        )
        if ahead.as_they_stand:
            said += " " + words("Without days, counted as they stand: {names}.", names=_labels(ahead.as_they_stand))
        return said

    def _budgets(self) -> str:
        words, states, known = self._words, self._digest.outlook.budgets, self._digest.outlook.known
        alarming = self._digest.outlook.alarming
        said = [alarm_line(state, words, self._style, self._both) for state in alarming[:_MOST_IN_A_LINE]]
        more = len(alarming) - _MOST_IN_A_LINE
        if more > 0:
            said.append(
                words.count(
                    "{number} more budget is passed or will be.", "{number} more budgets are passed or will be.", more
                )
            )
        if known and not alarming and self._digest.state is not None:
            said.append(words.count("The budget is kept.", "The {number} budgets are kept.", len(known)))
        unknown = [self._style.name(state.budget.subject.label) for state in states if not state.is_known]
        if unknown:
            said.append(words("A budget names what no row has: {names}.", names=", ".join(unknown[:_MOST_IN_A_LINE])))
        return " ".join(said)

    def _surprises(self) -> str:
        words, found = self._words, self._digest.outlook.surprises
        said = [self._surprise(one) for one in found[:_MOST_IN_A_LINE]]
        more = len(found) - _MOST_IN_A_LINE
        if more > 0:
            said.append(words.count("{number} more surprise.", "{number} more surprises.", more))
        return " ".join(said)

    def _surprise(self, surprise: Surprise) -> str:
        words = self._words
        row, cost, usual = self._row(surprise.row), words.dollars(surprise.cost), words.dollars(surprise.usual)
        model = self._style.name(surprise.model) or words("no model")
        if surprise.day is None:
            return words(
                "Surprise: {row}, {cost} in the month, {usual} are usual ({model}).",
                row=row,
                cost=cost,
                usual=usual,
                model=model,
            )
        day = words.day(surprise.day)
        return words(
            "Surprise: {row}, {cost} on {day}, {usual} are usual ({model}).",
            row=row,
            cost=cost,
            day=day,
            usual=usual,
            model=model,
        )

    def _missing(self) -> str:
        words = self._words
        if self._digest.state is None:
            return ""
        found = [said for one in self._digest.sources if (said := self._lack(one))]
        found += [words("{source} (not collected)", source=self._source(one)) for one in self._digest.absent]
        if not found:
            return words("Nothing is missing.")
        shown, more = found[:_MOST_MISSING], len(found) - _MOST_MISSING
        said = words("Missing: {sources}.", sources=", ".join(shown))
        return said if more <= 0 else f"{said} {words.count('{number} more source.', '{number} more sources.', more)}"

    def _lack(self, one: SourceMonth) -> str:
        words, source = self._words, self._source(one)
        if one.status is Status.ECHEC:
            return words("{source} (could not be read)", source=source)
        days = len(one.proof.missing_days) if one.proof is not None else 0
        if days and not self._digest.is_running:
            return words.count("{source} ({number} day)", "{source} ({number} days)", days, source=source)
        if one.proof is not None and one.proof.control_agrees is False:
            return words("{source} (is not the provider's own total)", source=source)
        if one.status is Status.PARTIEL:
            return words("{source} (a part)", source=source)
        if one.status is Status.DONNEES_INDISPONIBLES:
            return words("{source} (not offered by the provider)", source=source)
        return ""

    def _row(self, row: LedgerRow) -> str:
        return f"{row.provider.label} – {self._style.name(row.title)}"

    def _source(self, one: SourceMonth) -> str:
        return f"{one.provider.label} {self._style.name(one.account)}".strip()


def _labels(names: Sequence[ProviderName]) -> str:
    return ", ".join(name.label for name in names)
