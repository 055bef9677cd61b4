"""A large JSON object read in pieces: element by element of one of its lists, so that memory holds one element's values
and not those of all.

Ten bytes of JSON easily become a hundred in memory: 150 MB that are decoded at once are more than a gigabyte.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from decimal import DecimalException
from typing import Final

from usage.peers.bodies import (
    DIGITS_LIMIT,
    NotJsonError,
    TooDeepError,
    TooLongNumberError,
    check_shape,
    decoder,
    mended,
)

_WINDOW: Final = 2**23
"""Bytes that are made text at once, at least."""


def elements(content: bytes, name: str) -> Iterator[object]:
    """Read a body as JSON, piece by piece. Numbers with a point or an exponent become `Decimal`.

    Yields an object `{name: [element]}` for each element of the list `name`, then the object itself with an empty list.
    A body that is no object, or has no such list, comes in one piece.

    Raises:
        UnreadableError: As `usage.peers.bodies.decode`; maybe after some of the pieces.
    """
    check_shape(content)
    text = _Text(content)
    if text.next() != "{":
        yield text.value()
        text.end()
        return
    rest: dict[str, object] = {}
    for _ in text.items("{", "}"):
        field = text.name()
        if field == name and text.next() == "[":
            rest[field] = []
            for _ in text.items("[", "]"):
                yield {field: [text.value()]}
        else:
            rest[field] = text.value()
    text.end()
    yield rest


class _Text:
    """The text of a body, of which a window is kept from the place that is being read."""

    def __init__(self, content: bytes) -> None:
        self._content, self._fed = content, 0
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._decoder = decoder(content)
        self._window, self._at, self._usual = "", 0, 0

    def next(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \t\r\n":
                    return self._window[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, *expected: str) -> str:
        """The next character, which has to be one of these."""
        found = self.next()
        if found not in expected:
            raise NotJsonError("no JSON", is_html=found == "<")
        self._at += 1
        return found

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Come to each item between two brackets; whoever asks reads it."""
        self.take(opening)
        if self.next() == closing:
            self.take(closing)
            return
        while True:
            yield
            if self.take(",", closing) == closing:
                return

    def name(self) -> str:
        """The name of a field."""
        if self.next() != '"':
            raise NotJsonError("no JSON")
        found = self.value()
        self.take(":")
        return str(found)

    def value(self) -> object:
        """The next value."""
        is_html = self.next() == "<"
        # Elements of one list are about as large as each other: one that is cut off has to be read again.
        if len(self._window) - self._at < self._usual * 5 // 4:
            self._more()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._window, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise NotJsonError("no JSON", is_html=is_html) from None
            except RecursionError:
                raise TooDeepError("no end of levels") from None
            except DecimalException:
                raise TooLongNumberError(f"more than {DIGITS_LIMIT} digits") from None
            else:
                # What ends with the window may go on behind it, as a number does.
                if end < len(self._window) or not self._more():
                    break
        raw, self._at = self._window[self._at : end], end
        self._usual = max(self._usual, len(raw))
        whole = mended(raw)
        return found if whole is raw else self._decoder.decode(whole)

    def end(self) -> None:
        """Nothing may follow."""
        if self.next():
            raise NotJsonError("more than one value")

    def _more(self) -> bool:
        """Widen the window by at least as much as is unread in it; whether there was more."""
        if self._fed == len(self._content):
            return False
        unread = len(self._window) - self._at
        upto = min(len(self._content), self._fed + max(_WINDOW, unread, self._usual))
        piece = self._utf8.decode(self._content[self._fed : upto], upto == len(self._content))
        self._window, self._at, self._fed = self._window[self._at :] + piece, 0, upto
        return True
