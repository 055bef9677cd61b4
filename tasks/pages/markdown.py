"""Markdown for the artifacts. Names of projects and accounts are other people's text: shown, never obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from notion.text import one_line
from usage.language.words import Words
from usage.names import Status

NOTHING: Final = "–"
"""In place of a figure that isn't available; never 0."""
MARKS: Final = {
    Status.SUCCES: "🟢",
    Status.DONNEES_INDISPONIBLES: "⚪",
    Status.PARTIEL: "🟠",
    Status.ECHEC: "🔴",
}


def escape(text: str) -> str:
    """Other people's text on one line, without a meaning in Markdown or HTML, also within a table's cell."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~<>&:@])", r"\\\1", one_line(text, 2000))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """A table; the first `left` columns are texts, the others figures. Cells are Markdown already."""
    marks = [":---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, marks, *rows))


def link(text: str, address: str) -> str:
    """A link to an address that Notion gave."""
    safe = re.sub(r"[^\w\-./:?=&%~#+,]", "", address)
    return f"[{escape(text)}]({safe})" if safe.startswith("https://") else escape(text)


def page_address(text: str, address: str) -> str:
    """A link within Prefect's own pages, which many serve without TLS; the text alone where there is no address."""
    safe = re.sub(r"[^\w\-./:?=&%~#+,\[\]]", "", address)
    return f"[{escape(text)}](<{safe}>)" if safe.startswith(("http://", "https://")) else escape(text)


def change(now: Decimal | None, before: Decimal | None, words: Words) -> str:
    """The difference to an earlier amount, with its share where there is one."""
    if now is None or before is None:
        return NOTHING
    difference = now - before
    shown = words.amount(difference)
    shown = f"+{shown}" if difference >= 0 else shown
    # From a credit to a cost there is no share.
    if not before or before < 0 < now:
        return shown
    return f"{shown} ({words.percent(difference / abs(before), signed=True)})"
