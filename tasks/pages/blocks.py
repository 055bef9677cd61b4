"""The telling of a month as blocks of a page in Notion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from notion.client.contents import Json, Picture, text
from notion.text import one_line
from reports.page.drawing.charts import png
from reports.page.figures.report import Report
from reports.page.telling.document import Cell, Document, Section, Table
from usage.language.words import Words
from usage.month import Month

_CELL: Final = 200
"""Letters of a cell."""
_LINE: Final = 1900
"""Letters of a sentence; Notion takes 2,000."""


def title_of(month: Month) -> str:
    """Title of the page, the same in every language: by it the page is found again."""
    return f"Usages LLM {month}"


def blocks_of(report: Report, document: Document, words: Words) -> list[Json | Picture]:
    """What the page holds, but for its mark."""
    return list(_blocks(report, document, words))


def _blocks(report: Report, document: Document, words: Words) -> Iterator[Json | Picture]:
    yield _block("heading_1", f"{document.title} ({document.state})")
    total = " / ".join(filter(None, (document.total, document.total_second)))
    yield _block("paragraph", f"{document.total_label}: {total}", bold=True)
    yield _block("paragraph", document.change)
    if document.notice:
        yield {"type": "callout", "callout": {"rich_text": text(document.notice), "color": "orange_background"}}
    yield _block("paragraph", document.proof, color="gray")
    for section in document.sections:
        yield from _section(report, section, words)
    yield _block("paragraph", document.footer, color="gray")


def _section(report: Report, section: Section, words: Words) -> Iterator[Json | Picture]:
    yield _block("heading_2", section.heading)
    yield from (_block("paragraph", sentence) for sentence in section.sentences)
    picture = png(report, section.picture, words, section.legend) if section.picture is not None else None
    if picture is not None and section.picture is not None:
        yield Picture(f"{section.picture}-{report.month.month}.png", picture)
    if section.table is not None:
        yield _table(section.table)


def _table(table: Table) -> Json:
    head = [text(one_line(column.text, _CELL)) for column in table.columns]
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    cells = [head, *([_cell(one) for one in row] for row in rows)]
    content: Mapping[str, Any] = {
        "table_width": len(table.columns),
        "has_column_header": True,
        "has_row_header": True,
        "children": [{"type": "table_row", "table_row": {"cells": row}} for row in cells],
    }
    return {"type": "table", "table": content}


def _cell(cell: Cell) -> list[dict[str, Any]]:
    words = f"{cell.text} · {cell.detail}" if cell.detail else cell.text
    (piece,) = text(one_line(words, _CELL) or "–", **({"bold": True} if cell.is_strong else {}))
    if cell.url.startswith("https://"):
        piece["text"]["link"] = {"url": cell.url}
    return [piece]


def _block(kind: str, sentence: str, **look: Any) -> Json:
    return {"type": kind, kind: {"rich_text": text(one_line(sentence, _LINE), **look)}}
