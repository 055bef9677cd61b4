"""What the figures rest on, in one line; what is missing, and what was corrected."""

from __future__ import annotations

from functools import reduce
from typing import Final

from reports.page.figures.evidence import Correction, Missing
from reports.page.figures.report import Report
from reports.page.telling.amounts import Amounts
from reports.page.telling.document import Cell, Column, Section, Table
from usage.language.words import Words
from usage.money import difference
from usage.names import ProviderName, Status
from usage.outcomes.proof import MonthState

_SHOWN: Final = 12
"""Corrections that stand in the table."""


class EvidenceTeller:
    """Tells the proof of a month."""

    def __init__(self, report: Report, words: Words, amounts: Amounts) -> None:
        self._report, self._words, self._amounts = report, words, amounts

    def state(self) -> str:
        """How far the month has come, in a word or two."""
        words, month = self._words, self._report.month.month
        if month.is_running(self._report.now):
            return words("running")
        return {
            MonthState.OPEN: words("provisional"),
            MonthState.SETTLED: words("settled, not proven"),
            MonthState.CLOSED: words("closed"),
            None: words("without figures"),
        }[self._report.evidence.state]

    def notice(self) -> str:
        """What to know before the figures are used; empty where there is nothing."""
        count = sum(one.status is not Status.DONNEES_INDISPONIBLES for one in self._report.missing)
        if not count:
            return ""
        return self._words.count(
            "Something is missing: {number} source could not be read whole.",
            "Something is missing: {number} sources could not be read whole.",
            count,
        )

    def proof(self) -> str:
        """In one line."""
        words, evidence = self._words, self._report.evidence
        if not evidence.read:
            return words("No source was read: there is no proof.")
        read = words.count(
            "{whole} of {number} source read whole",
            "{whole} of {number} sources read whole",
            evidence.sources,
            whole=words.whole(evidence.whole),
        )
        parts = [read]
        if evidence.agree:
            parts.append(
                words.count(
                    "the provider’s own total agrees for {number}",
                    "the providers’ own totals agree for {number}",
                    evidence.agree,
                )
            )
        if evidence.differ:
            parts.append(words.count("it differs for {number}", "they differ for {number}", evidence.differ))
        if evidence.figures_of is not None:
            parts.append(words("figures as of {day}", day=words.day(evidence.figures_of.date())))
        return reduce(lambda first, second: words("{first}; {second}", first=first, second=second), parts) + "."

    def missing(self) -> Section | None:
        """What is missing and why; nothing where all is there."""
        words, missing = self._words, self._report.missing
        if not missing:
            return None
        table = Table(
            caption=words("What is missing, and why"),
            columns=(
                Column(words("Source"), is_figure=False),
                Column(words("Why"), is_figure=False),
            ),
            rows=tuple(self._missing(one) for one in missing),
        )
        sentence = words(
            "The figures on this page are those that could be read. What is not known is a dash, never a zero."
        )
        return Section(
            key="missing",
            heading=words("What is missing, and why"),
            sentences=(sentence,),
            table=table,
            is_warning=bool(self.notice()),
        )

    def _missing(self, one: Missing) -> tuple[Cell, ...]:
        words = self._words
        status = {
            Status.SUCCES: words("days missing"),
            Status.DONNEES_INDISPONIBLES: words("not offered"),
            Status.PARTIEL: words("incomplete"),
            Status.ECHEC: words("not read"),
            None: words("not read"),
        }[one.status]
        days = words("Days missing: {days}.", days=", ".join(words.day(day) for day in one.days)) if one.days else ""
        return (
            Cell(_source(one.provider, one.account), is_name=True, provider=one.provider, detail=status),
            Cell(
                one.log,
                is_name=True,
                detail=days,
                language="" if one.language is words.language else one.language.value,
            ),
        )

    def corrections(self) -> Section | None:
        """What changed in months that were over; nothing where nobody keeps readings."""
        words, corrections = self._words, self._report.corrections
        if corrections is None:
            return None
        since = words.day(self._report.month.month.first_day)
        heading = words("Corrections")
        if not corrections:
            sentence = words("No figure of a month that was over has changed since {day}.", day=since)
            return Section(key="corrections", heading=heading, sentences=(sentence,))
        sentence = words.count(
            "{number} figure of a month that was over has changed since {day}.",
            "{number} figures of months that were over have changed since {day}.",
            len(corrections),
            day=since,
        )
        table = Table(
            caption=heading,
            columns=(
                Column(words("Source and month"), is_figure=False),
                Column(words("Most on"), is_figure=False),
                Column(words("Read on"), is_figure=False, is_minor=True),
                Column(words("Before"), is_minor=True),
                Column(words("Now"), is_minor=True),
                Column(words("Change, US$")),
            ),
            rows=tuple(self._correction(one) for one in corrections[:_SHOWN]),
        )
        return Section(key="corrections", heading=heading, sentences=(sentence,), table=table)

    def _correction(self, one: Correction) -> tuple[Cell, ...]:
        words, amounts = self._words, self._amounts
        names = self._report.names
        owner = next((names[key] for key in one.owners if key in names), "".join(one.owners[:1]))
        most = ", ".join(filter(None, (words.day(one.day) if one.day else "", owner, one.what)))
        known = one.old is not None and one.new is not None
        moved = difference(one.new, one.old) if known and one.new is not None and one.old is not None else None
        return (
            Cell(
                _source(one.provider, one.account), is_name=True, provider=one.provider, detail=words.month(one.month)
            ),
            Cell(most, is_name=True),
            Cell(words.day(one.read_at.date())),
            Cell(amounts.cell(one.old)),
            Cell(amounts.cell(one.new)),
            Cell(amounts.signed(moved), is_strong=True),
        )


def _source(provider: ProviderName, account: str) -> str:
    return f"{provider.label} ({account})" if account else provider.label
