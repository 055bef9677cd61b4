"""Progress and results on a terminal; plain lines where there is none. Other people's names are shown, not obeyed."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from rich.box import ROUNDED
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from cli.fitting import FittingTable, Lines
from notion.text import one_line
from usage.language.marks import headings, to_say
from usage.language.reader import phrase, reader_words
from usage.language.saying import decimal, say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Source, Status
from usage.outcomes.naming import status_name
from usage.outcomes.progress import Event, PageRead, RowsWritten, SourceBegun, SourceEnded, listening, passing_warnings
from usage.outcomes.result import MonthResult
from usage.outcomes.told import Told

if TYPE_CHECKING:
    from usage.language.words import Words

_BIDI = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Characters that turn the direction of what follows."""

_UNBREAKABLE: Final = re.compile("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]")

STYLES = {
    Status.SUCCES: "green",
    Status.DONNEES_INDISPONIBLES: "bright_black",
    Status.PARTIEL: "yellow",
    Status.ECHEC: "red",
}


def literal(text: Sentence | str) -> Text:
    """Text as it is, a sentence in the language of the terminal.

    No markup, no control characters, nothing that turns the line round. On a terminal, spaces at which no line may end
    stay, as within `1 180,85 $US`; for whoever searches a file, they are ordinary ones.
    """
    bound = _UNBREAKABLE.split(str(text).translate(_BIDI))
    between = "\N{NO-BREAK SPACE}" if sys.stdout.isatty() else " "
    return Text(between.join(one_line(part, 2000) for part in bound))


def out() -> Console:
    """Standard output: as wide as the terminal, or wide enough for every table where there is none."""
    return Lines(width=None if sys.stdout.isatty() else 200)


def new_table(title: str, gives_way: Sequence[str] = ()) -> FittingTable:
    """An empty table; without lines around it where it is not for a terminal.

    Args:
        title: Above it.
        gives_way: Headings of the columns that a narrow terminal does without, the least important one first.
    """
    box = ROUNDED if sys.stdout.isatty() else None
    return FittingTable(gives_way, title=title, title_justify="left", title_style="bold", box=box, pad_edge=False)


_ACTIONS: Final = {
    "create": to_say("create"),
    "update": to_say("update"),
    "trash": to_say("trash"),
}
"""What a plan does with a row."""


class Display:
    """Shows what happens while the block runs; silent when `quiet`.

    All goes to standard error, so that standard output holds results alone: progress where that is a terminal, and
    this package's warnings in any case.
    """

    def __init__(self, *, quiet: bool) -> None:
        console = Lines(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self._lines: dict[Source | None, TaskID] = {}
        self._pages: dict[Source, int] = {}
        self._lock = Lock()
        self._console, self._quiet = console, quiet
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        """Begin to listen."""
        if not self._quiet:
            self._listening.enter_context(passing_warnings(self._note))
        self._listening.enter_context(listening(self.on))
        self._listening.enter_context(self._progress)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the progress lines away."""
        self._listening.close()

    def on(self, event: Event) -> None:
        """Show one event; they come from several threads."""
        with self._lock:
            if isinstance(event, SourceBegun):
                self._pages[event.source] = 0
                self._begin(event.source)
                self._show(event.source, event.month, phrase("asking"))
            elif isinstance(event, PageRead):
                self._pages[event.source] = self._pages.get(event.source, 0) + 1
                self._show(event.source, event.month, phrase("{number} pages", number=self._pages[event.source]))
            elif isinstance(event, SourceEnded):
                self._show(event.source, event.month, str(status_name(event.status)), done=1, total=1)
            elif isinstance(event, RowsWritten):
                self._show(None, event.month, str(event.sentence), done=event.done, total=event.total)

    def _note(self, warning: logging.LogRecord) -> None:
        """Show a warning above the progress lines."""
        self._console.print(note(warning.getMessage()), soft_wrap=True)

    def refresh(self) -> None:
        """Draw now, not at the next tenth of a second."""
        self._progress.refresh()

    def _begin(self, source: Source | None) -> None:
        """A line of its own, in place of the one that ended: a bar that is full can't be emptied again."""
        if source in self._lines:
            self._progress.remove_task(self._lines[source])
        self._lines[source] = self._progress.add_task("", total=None, note="")

    def _show(self, source: Source | None, month: Month, note: str, *, done: int = 0, total: int | None = None) -> None:
        """`None` in place of a source is Notion."""
        if source not in self._lines:
            self._begin(source)
        what = f"{source or 'Notion'} {month}"
        self._progress.update(self._lines[source], description=what, note=note, completed=done, total=total)


def print_result(result: MonthResult, *, beside: bool = True, words: Words | None = None) -> None:
    """A table of sources, the plan of a dry run, what was written, and the month beside the one before.

    Args:
        result: What a month came to.
        beside: Whether it is told beside the month before.
        words: How figures are written; None: as in that comparison.
    """
    console, words = out(), words or words_of(result.comparison)
    console.print(_sources_table(result, words))
    if result.plan is not None:
        console.print(_plan_table(result, words))
    console.print(_counts(result), soft_wrap=True)
    if result.problem:
        console.print(literal(result.problem), style="red", soft_wrap=True)
    for sentence in (*(one.sentence for one in result.to_rerun), *result.left_alone):
        console.print(literal(sentence), style="yellow", soft_wrap=True)
    if beside:
        print_beside(result.comparison)


def _counts(result: MonthResult) -> str:
    """What was done in Notion, or would be."""
    counts = result.notion
    numbers = counts.model_dump(include={"created", "updated", "trashed", "unchanged", "requests"})
    if result.plan is not None:
        return phrase(
            "Notion: {created} rows would be created, {updated} updated, {trashed} trashed, {unchanged} unchanged "
            "({requests} requests).",
            **numbers,
        )
    return phrase(
        "Notion: {created} rows were created, {updated} updated, {trashed} trashed, {unchanged} unchanged "
        "({requests} requests).",
        **numbers,
    )


def print_beside(told: Told | None) -> None:
    """A month beside the one before."""
    for number, line in enumerate(() if told is None else told.lines):
        out().print(literal(line), style="" if number else "bold", soft_wrap=True)


def words_of(told: Told | None) -> Words:
    """How figures are written above a comparison: as in its sentences."""
    from usage.language.words import Words  # noqa: PLC0415  # Babel is slow to import

    return reader_words() if told is None else Words(told.language)


def print_problem(result: MonthResult) -> None:
    """On standard error, why Notion could not be written: beside JSON, which has no place for it."""
    if result.problem:
        print("llm-usage:", literal(result.problem), file=sys.stderr)


def print_notes(results: Sequence[MonthResult]) -> None:
    """On standard error, each once, what may keep a provider away in silence."""
    print_lines(dict.fromkeys(sentence for result in results for sentence in result.warnings))


def print_lines(sentences: Iterable[Sentence | str]) -> None:
    """Remarks, on standard error: beside results."""
    console = Lines(stderr=True)
    for sentence in sentences:
        console.print(note(sentence), soft_wrap=True)


@contextmanager
def noting_warnings() -> Iterator[None]:
    """Show this package's warnings on standard error while the block runs, marked as remarks, each once."""
    seen: set[str] = set()

    def show(warning: logging.LogRecord) -> None:
        sentence = warning.getMessage()
        if sentence not in seen:
            print_lines([sentence])
        seen.add(sentence)

    with passing_warnings(show):
        yield


def in_bytes(size: int) -> Sentence:
    """A size for people: `21.1 kB`, `21,1 ko`."""
    units = ((to_say("{size} GB"), 10**9), (to_say("{size} MB"), 10**6), (to_say("{size} kB"), 10**3))
    for unit, factor in units:
        if size >= factor:
            return say(unit, size=decimal(f"{size / factor:.1f}"))
    return say("{size} B", size=size)


def note(sentence: Sentence | str) -> Text:
    """A remark, marked as one."""
    return Text(phrase("note: "), style="yellow") + literal(sentence)


def _sources_table(result: MonthResult, words: Words) -> Table:
    table = new_table(str(result.heading), headings("Requests", "Tokens out", "Tokens in", "Rows", "Status"))
    for name in headings("Source", "Status", "Cost USD", "Tokens in", "Tokens out", "Requests", "Rows"):
        if name == "Status":
            table.add(name, min_width=7, overflow="fold")
        else:
            table.add(name, justify="left" if name == "Source" else "right", no_wrap=True)
    for one in result.sources:
        counts = (one.tokens_input, one.tokens_output, one.requests, one.rows)
        status = Text(str(status_name(one.status)), style=STYLES[one.status])
        table.add_row(literal(one.source.name), status, _money(one.cost_usd, words), *map(words.whole, counts))
    return table


def _plan_table(result: MonthResult, words: Words) -> Table:
    table = new_table(phrase("Plan"), headings("Columns", "Why"))
    for name in headings("Do", "Row", "Cost USD", "Columns", "Why"):
        table.add(name, justify="right" if name == "Cost USD" else "left")
    for step in result.plan or ():
        if step.action != "keep":
            columns = ", ".join((*step.fields, *step.carried))
            table.add_row(
                phrase(_ACTIONS[step.action]),
                literal(step.row),
                _money(step.cost_usd, words),
                literal(columns),
                literal(step.why),
            )
    return table


def _money(cost: str | None, words: Words) -> str:
    """To the cent; `--json` has every digit."""
    return words.amount(None if cost is None else Decimal(cost))
