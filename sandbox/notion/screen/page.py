"""The page at the sandbox's own address: its two Notion databases as a person would see them in a browser."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.notion.screen.tables import Table

_STYLE: Final = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_ICONS: Final = {
    "title": "Aa",
    "rich_text": "≡",
    "number": "#",
    "select": "◉",
    "date": "▦",
    "url": "↗",
    "relation": "⇄",
    "formula": "Σ",
    "rollup": "⌕",
}
_RIGHT: Final = ("number", "formula", "rollup")
_LONG: Final = 90
"""Characters of a cell that are shown; the whole text comes up when the pointer rests on it."""


def page(tables: Callable[[], list[Table]]) -> Starlette:
    """The page, drawn anew for each request."""

    async def show(_: Request) -> Response:
        return HTMLResponse(render(tables()))

    return Starlette(routes=[Route("/", show)])


def render(tables: list[Table]) -> str:
    """The whole page. Every name comes from other people and is escaped."""
    body = "".join(_table(table) for table in tables) or "<p>No database yet: run <code>llm-usage setup</code>.</p>"
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>llm-usage sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        "</head><body><header>Sandbox of llm-usage: invented figures, nothing leaves this machine.</header>"
        f"{body}</body></html>"
    )


def _table(table: Table) -> str:
    heads = "".join(
        f'<th class="{_side(kind)}"><i>{_ICONS.get(kind, "·")}</i> {escape(name)}</th>'
        for name, kind in zip(table.columns, table.kinds, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(_cell(table, *cell) for cell in zip(table.columns, table.kinds, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    count = f"<small>{len(table.rows)} rows</small>"
    return (
        f'<section><h1>{escape(table.title)} {count}</h1><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _cell(table: Table, column: str, kind: str, text: str) -> str:
    if kind == "select" and text:
        colour = table.colours.get((column, text), "default")
        return f'<td><span class="pill {escape(colour)}">{escape(text)}</span></td>'
    short = escape(text if len(text) <= _LONG else text[: _LONG - 1] + "…")
    more = f' title="{escape(text)}"' if len(text) > _LONG else ""
    # Right-to-left names keep to their own cell.
    return f'<td class="{_side(kind)} {escape(kind)}"{more}><bdi>{short}</bdi></td>'


def _side(kind: str) -> str:
    return "right" if kind in _RIGHT else "left"
