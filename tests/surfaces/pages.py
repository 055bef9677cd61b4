"""What the page of a month shows of its rows, read back from HTML and from Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

COLUMNS = ("Tokens", "Requests", "Cost, US$")
Line = tuple[str, ...]
"""Tokens, requests and cost, as people read them."""


@dataclass(frozen=True)
class Shown:
    """A page's figures."""

    total: str
    """The large one at its head."""
    lines: Sequence[Line]
    """Of the table by project: one for each row of *Usages*, as far as the page shows them one by one."""
    others: Line | None
    """The line that stands for all others."""
    sum: Line


class _Reader(HTMLParser):
    """Cells of the tables in each section, and the text of the page's total."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[list[str]]]] = {}
        self.total, self._section, self._open = "", "", ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "section":
            self._section = given.get("id") or ""
        elif tag == "table":
            self.tables.setdefault(self._section, []).append([])
        elif tag == "tr":
            self.tables[self._section][-1].append([])
        elif tag in ("th", "td"):
            self.tables[self._section][-1][-1].append("")
            self._open = tag
        elif given.get("class") == "total":
            self._open = "total"

    def handle_endtag(self, tag: str) -> None:
        if self._open in (tag, "total"):
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "total":
            self.total += data.strip()
        elif self._open:
            self.tables[self._section][-1][-1][-1] += data.strip()


def read_html(page: str) -> Shown:
    reader = _Reader()
    reader.feed(page)
    (head, *rows, total), *more = reader.tables["projects"]
    others = _figures(head, rows.pop()) if more else None
    rows += [row for table in more for row in table[1:]]
    return Shown(reader.total, [_figures(head, row) for row in rows], others, _figures(head, total))


def read_markdown(page: str) -> Shown:
    table = re.search(r"## By project\n\n((?:\|.*\n)+)", page)
    total = re.search(r"Total cost: \*\*(.*?)\*\*", page)
    assert table is not None
    assert total is not None
    head, _, *rows, last = [_cells(line) for line in table[1].splitlines()]
    others = _figures(head, rows.pop()) if re.fullmatch(r"\d+ others?", rows[-1][0]) else None
    return Shown(_plain(total[1]), [_figures(head, row) for row in rows], others, _figures(head, last))


def _cells(line: str) -> list[str]:
    return [_plain(cell).strip().strip("*") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _figures(head: Sequence[str], row: Sequence[str]) -> Line:
    return tuple(row[head.index(column)] for column in COLUMNS)
