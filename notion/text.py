"""Text as Notion takes it: pieces of 2,000 characters, no control characters, nothing over the limits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from usage.language.folding import folded

PIECE: Final = 2000
"""UTF-16 code units in one rich-text item. Notion's limit is in characters; counted in UTF-16 units, an emoji is two,
the text fits under every reading."""
PIECES: Final = 100
"""Rich-text items in one property."""
TITLE_LIMIT: Final = 500
"""Our own limit for titles: longer ones can't be read in a table."""
CUT: Final = "…"


def pieces(text: str) -> list[str]:
    """The text cut to pieces that Notion takes, never inside a surrogate pair.

    Text over 200,000 units is cut, with `…` as its last character. Where pairs fall on the ends of pieces, these are a
    unit shorter, and text over 199,900 units may be cut.
    """
    cut = list(chunks(shorten(text, PIECE * PIECES)))
    return cut if len(cut) <= PIECES else list(chunks(shorten(text, (PIECE - 1) * PIECES)))


def chunks(text: str) -> Iterator[str]:
    """The whole text in pieces, however many; none of them ends inside a surrogate pair."""
    start, size = 0, 0
    for index, character in enumerate(text):
        width = units(character)
        if size + width > PIECE:
            yield text[start:index]
            start, size = index, 0
        size += width
    if text[start:]:
        yield text[start:]


def shorten(text: str, limit: int) -> str:
    """The text, or as much of it as fits in `limit` UTF-16 units with `…` at its end."""
    if units(text) <= limit:
        return text
    left = limit - units(CUT)
    size = 0
    for index, character in enumerate(text):
        size += units(character)
        if size > left:
            return text[:index] + CUT
    return text


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """Other people's text on one line: control characters and line breaks become spaces, runs of them one."""
    spaced = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    return shorten(" ".join(printable(spaced).split()), limit)


def printable(text: str) -> str:
    """The text without control characters (line breaks and tabs stay) and without halves of surrogate pairs."""
    return "".join(
        character for character in text if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def letters(name: str) -> str:
    """A name's letters and digits, for comparing: what people write as `Open AI`, `open-ai` or `OpenAI` is `openai`."""
    return "".join(character for character in folded(name) if character.isalnum())
