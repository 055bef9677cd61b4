"""The telling of a month in Markdown, as a page of the run: charts are pictures in data addresses."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from reports.page.drawing.charts import png
from reports.page.figures.report import Report
from reports.page.telling.document import Cell, Document, Section, Table
from tasks.pages.markdown import escape, link, table
from usage.language.words import Words


def as_markdown(report: Report, document: Document, words: Words) -> str:
    """The page of a month.

    Args:
        report: Its figures, for the charts.
        document: The telling.
        words: The language of both.
    """
    parts = [
        f"# {escape(document.title)}",
        f"{escape(document.total_label)}: **{escape(document.total)}** {escape(document.total_second)} "
        f"({escape(document.state)})",
        escape(document.change),
        *([f"**{escape(document.notice)}**"] if document.notice else []),
        escape(document.proof),
        *(part for section in document.sections for part in _section(report, section, words)),
        escape(document.footer),
        escape(document.made),
        *([link(document.url_label, document.url)] if document.url else []),
    ]
    return "\n\n".join(parts)


def _section(report: Report, section: Section, words: Words) -> Iterator[str]:
    yield f"## {escape(section.heading)}"
    yield from (escape(sentence) for sentence in section.sentences)
    picture = png(report, section.picture, words, section.legend) if section.picture is not None else None
    if picture is not None:
        address = "data:image/png;base64," + base64.b64encode(picture).decode()
        yield f"![{escape(section.heading)}]({address})"
    if section.table is not None:
        yield _table(section.table)


def _table(shown: Table) -> str:
    head = [escape(column.text) for column in shown.columns]
    rows = [*shown.rows, *([shown.total] if shown.total is not None else [])]
    left = next((place for place, column in enumerate(shown.columns) if column.is_figure), len(head))
    return table(head, [[_cell(cell) for cell in row] for row in rows], left=left)


def _cell(cell: Cell) -> str:
    words = link(cell.text, cell.url) if cell.url else escape(cell.text)
    words = f"**{words}**" if cell.is_strong else words
    return f"{words} {escape(cell.detail)}" if cell.detail else words
