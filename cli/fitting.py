"""Tables for a terminal of any width: whole columns give way, and no figure is ever cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.box import ROUNDED
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from usage.language.reader import phrase

_LONGEST_WORD: Final = 20
"""Letters of a word that a column of text keeps together; an address or an id may be longer than any screen."""
_WORD: Final = re.compile("[\\S\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+\\s*")
"""What stays on one line, and the space behind it."""
_WIDE: Final = 10_000


class Lines(Console):
    """Ends lines between words on a terminal; elsewhere a sentence is a line, whatever its length. Cuts nothing."""

    def print(self, *objects: Any, **how: Any) -> None:
        """As rich does; `soft_wrap` leaves a sentence in one line where there is no terminal."""
        if not (how.get("soft_wrap") and self.is_terminal):
            super().print(*objects, **{"crop": False, **how})
            return
        for one in objects:
            text = self.render_str(one, highlight=how.get("highlight")) if isinstance(one, str) else one
            for line in _between_words(text, self.width):
                super().print(line, **how)


def _between_words(text: Text, width: int) -> Iterator[Text]:
    """Lines of a text. A word that is longer than a line, as addresses are, stays in one piece to be copied."""
    ends, used = list[int](), 0
    for word in _WORD.finditer(text.plain):
        if used and used + cell_len(word[0].rstrip()) > width:
            ends.append(word.start())
            used = 0
        used += cell_len(word[0])
    for line in text.divide(ends):
        line.rstrip()
        yield line


class FittingTable(Table):
    """Leaves columns out, in a fixed order, until the others fit, and says which.

    Args:
        gives_way: Headings of columns that may be left out, the first one to go first. What is then still too wide is
            printed all the same.
        how: As rich's tables take it.
    """

    def __init__(self, gives_way: Sequence[str], **how: Any) -> None:
        super().__init__(**how)
        self._gives_way = gives_way
        self._names: dict[int, str] = {}

    def add(self, name: str, **how: Any) -> None:
        """Add a column under a heading of the catalogue; `add_column` takes a text as it is."""
        self._names[len(self.columns)] = name
        self.add_column(phrase(name) if name else "", **how)

    def _name(self, column: Column) -> str:
        return self._names.get(column._index, str(column.header))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The columns that fit, and a line about the others."""
        if self.box is None:
            yield from super().__rich_console__(console, options)
            return
        columns, hidden = list(self.columns), list[str]()
        need = {column._index: _range(console, column) for column in columns}
        for name in self._gives_way:
            if _whole([need[column._index].minimum for column in columns]) <= options.max_width:
                break
            hidden += [str(column.header) for column in columns if name and self._name(column) == name]
            columns = [column for column in columns if self._name(column) != name]
        widths = _widths([need[column._index] for column in columns], options.max_width)
        yield from console.render(self._of(columns, widths), options.update(width=max(_whole(widths), 1)))
        if hidden:
            yield Text(phrase("Hidden at this width: {names}.", names=", ".join(hidden)), style="bright_black")

    def _of(self, columns: Sequence[Column], widths: Sequence[int]) -> Table:
        shown = Table(title=self.title, title_justify="left", title_style="bold", box=ROUNDED, pad_edge=False)
        for column, width in zip(columns, widths, strict=True):
            shown.add_column(
                column.header,
                justify=column.justify,
                width=width,
                no_wrap=column.no_wrap,
                overflow="fold" if column.max_width is None else "ellipsis",
            )
        for row in zip(*(column.cells for column in columns), strict=True):
            shown.add_row(*row)
        return shown


def _range(console: Console, column: Column) -> Measurement:
    """How narrow a column can be, and how wide it would like to be."""
    options = console.options.update(width=_WIDE)
    found = [Measurement.get(console, options, cell) for cell in (column.header, *column.cells)]
    widest = max(one.maximum for one in found)
    if column.max_width is not None:
        # Names that may be cut.
        return Measurement(min(column.min_width or 1, widest), min(column.max_width, widest))
    if column.no_wrap or column.justify == "right" or "UTC" in str(column.header):
        return Measurement(widest, widest)
    return Measurement(min(max(one.minimum for one in found), _LONGEST_WORD), widest)


def _whole(widths: Sequence[int]) -> int:
    """Width of a table: columns, what is between them, and its edges."""
    return sum(widths) + 3 * len(widths) - 1


def _widths(ranges: Sequence[Measurement], width: int) -> list[int]:
    """What is left beside the narrowest widths goes to those that want least, first; then evenly."""
    widths = [one.minimum for one in ranges]
    left = max(width - _whole(widths), 0)
    wanting = sorted(range(len(ranges)), key=lambda place: ranges[place].maximum - ranges[place].minimum)
    for number, place in enumerate(wanting):
        given = min(ranges[place].maximum - ranges[place].minimum, left // (len(wanting) - number))
        widths[place] += given
        left -= given
    return widths
