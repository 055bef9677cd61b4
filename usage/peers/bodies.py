"""What other programs send us, read within bounds: a body that unpacks to more than memory holds, JSON that is nested
without end or has values without number, numbers of thousands of digits, halves of surrogate pairs in names.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from itertools import chain
from typing import Final, NoReturn

BODY_LIMIT: Final = 256 * 1024 * 1024
"""Decoded bytes of one answer; the largest real one seen has 150 MB."""
DEPTH_LIMIT: Final = 100
"""Arrays and objects within each other; real answers have fewer than ten."""
VALUES_LIMIT: Final = 8_000_000
"""Values in one body, which take up to 200 bytes of memory each; the largest real answer seen has four million."""
DIGITS_LIMIT: Final = 400
"""Digits of a whole number, or of an exact one with its exponent counted: more than a double can hold."""

ENCODINGS: Final = "gzip"
"""What to put into `Accept-Encoding`: no other one is unpacked here."""

_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b'{}[]"'))
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_PIECE: Final = 2**20
_MANY_DIGITS: Final = b"0" * (DIGITS_LIMIT + 1)
# Of so many digits in a row, every twentieth byte shows at least that many. Nothing else has them but by chance.
_STEP: Final = 20
_FEWER_DIGITS: Final = b"0" * ((DIGITS_LIMIT + 1) // _STEP)
# From the first backslash of a row on: an even number of them stands for themselves.
_SURROGATE: Final = re.compile(
    r"\\(?<!\\\\)(?:\\\\)*+"
    r"(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)


class UnreadableError(ValueError):
    """A body that can't be read. Root of the errors here; the message is for developers and never has the body."""


class NotJsonError(UnreadableError):
    """The body is not JSON, or was cut short; `is_html` where it is a page for people."""

    def __init__(self, message: str, *, is_html: bool = False) -> None:
        super().__init__(message)
        self.is_html = is_html


class TooDeepError(UnreadableError):
    """Arrays and objects are nested deeper than `DEPTH_LIMIT`."""


class TooManyError(UnreadableError):
    """There are more than `VALUES_LIMIT` values."""


class TooLongNumberError(UnreadableError):
    """A number has more than `DIGITS_LIMIT` digits."""


class TooLargeError(UnreadableError):
    """The body has more decoded bytes than are taken."""


def decode(content: bytes, *, exact: bool = True) -> object:
    """Read a body as JSON.

    Halves of surrogate pairs, and bytes that are no UTF-8, become U+FFFD: one odd name is no reason to lose the rest.

    Args:
        content: The body, unpacked.
        exact: Whether numbers with a point or an exponent become `Decimal`; else the nearest double.

    Raises:
        NotJsonError: It is not JSON. `NaN` and infinities are none either.
        TooManyError: It has too many values.
        TooDeepError: It is nested too deep.
        TooLongNumberError: A number is too long.
    """
    check_shape(content)
    text = mended(content.decode("utf-8-sig", errors="replace"))
    try:
        return decoder(content, exact=exact).decode(text)
    except UnreadableError:
        raise
    except RecursionError:
        raise TooDeepError("no end of levels") from None
    except DecimalException:
        raise TooLongNumberError(f"more than {DIGITS_LIMIT} digits") from None
    except ValueError:
        raise NotJsonError("no JSON", is_html=text.lstrip()[:1] == "<") from None


def check_shape(content: bytes) -> None:
    """Look whether a body would take too much memory or too many levels, before any of it is decoded.

    Raises:
        TooManyError: It has too many values.
        TooDeepError: It is nested too deep.
    """
    check_count(content)
    if _is_too_deep(content):
        raise TooDeepError(f"more than {DEPTH_LIMIT} levels")


def check_count(content: bytes) -> None:
    """Look whether a body would take too much memory, before any of it is decoded.

    Raises:
        TooManyError: It has too many values.
    """
    # At least as many as there are values: those in texts count as well, of which no real answer has so many.
    if len(content) > VALUES_LIMIT and sum(content.count(sign) for sign in (b",", b"[", b"{")) > VALUES_LIMIT:
        raise TooManyError(f"more than {VALUES_LIMIT} values")


def decoder(content: bytes, *, exact: bool = True) -> json.JSONDecoder:
    """A decoder for the texts of a body, which reads numbers within bounds.

    It raises `UnreadableError`, and `DecimalException` where an exact number is too long.
    """
    # Counting the digits of each number takes as long as reading it: done where some text has that many of them.
    whole = _integer if has_many_digits(content) else int
    return json.JSONDecoder(parse_float=exactly() if exact else float, parse_int=whole, parse_constant=_no_constant)


def mended(text: str) -> str:
    """JSON with U+FFFD in place of halves of surrogate pairs."""
    halves = (found for found in _SURROGATE.finditer(text) if found["half"])
    first = next(halves, None)
    if first is None:
        return text
    # Piece by piece, as there may be millions: a list of the pieces would be many times larger than the text.
    whole, done = io.StringIO(), 0
    for half in chain([first], halves):
        whole.write(text[done : half.start("half")])
        whole.write("ufffd")
        done = half.end("half")
    whole.write(text[done:])
    return whole.getvalue()


class Body:
    """The bytes of one answer, unpacked as they come in, and never more of them than `limit`.

    Unpacked here and not by the client: that one unpacks a piece at once, however large it becomes, and as often as the
    answer's header asks.

    Args:
        encoding: The answer's `Content-Encoding`.
        limit: Bytes.

    Raises:
        NotJsonError: The encoding is not one that was asked for.
    """

    def __init__(self, encoding: str = "", limit: int = BODY_LIMIT) -> None:
        kind = encoding.strip().lower()
        if kind not in ("", "identity", "gzip", "x-gzip"):
            raise NotJsonError(f"packed as {kind[:40]!r}, which was not asked for")
        self._limit, self._size = limit, 0
        # Hands out what it holds without another copy, of 150 MB where it comes to that.
        self._kept = io.BytesIO()
        self._unpacker = zlib.decompressobj(31) if kind.endswith("gzip") else None

    def add(self, piece: bytes) -> None:
        """Take the next bytes as they came.

        Raises:
            TooLargeError: The body has more than `limit` bytes.
            NotJsonError: It can't be unpacked.
        """
        if self._unpacker is None:
            self._keep(piece)
            return
        while piece:
            if self._unpacker.eof:
                # Files in this format may follow each other in one body.
                self._unpacker = zlib.decompressobj(31)
            try:
                # One byte more than fits: so that too much is seen without being unpacked.
                self._keep(self._unpacker.decompress(piece, self._limit - self._size + 1))
            except zlib.error:
                raise NotJsonError("can't be unpacked") from None
            piece = self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def content(self) -> bytes:
        """All that came.

        Raises:
            NotJsonError: The end is missing.
        """
        if self._unpacker is not None and self._size and not self._unpacker.eof:
            raise NotJsonError("cut short")
        return self._kept.getvalue()

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise TooLargeError(f"more than {self._limit} bytes")
        self._kept.write(piece)


def _is_too_deep(content: bytes) -> bool:
    """Whether brackets stand deeper within each other than is taken. In whole passes over the bytes, as an answer may
    have millions of brackets.
    """
    # Escapes go first: of `\n"` and `\u00e9"` without their letters an escaped quote would be left.
    left = content.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in content else content
    left = left.translate(_BRACKETS, delete=_ALL_BUT_BRACKETS).replace(b'""', b"")
    left = re.sub(rb'"[^"]*"', b"", left)
    for _ in range(DEPTH_LIMIT):
        if not left:
            return False
        # Each pass takes the innermost level away.
        shorter = left.replace(b"[]", b"")
        if len(shorter) == len(left):
            break
        left = shorter
    return left.count(b"[") > DEPTH_LIMIT or b"[]" in left


def has_many_digits(content: bytes) -> bool:
    """Whether more digits than are taken stand in a row; a piece at a time, as it takes a copy."""
    if _FEWER_DIGITS not in content[::_STEP].translate(_DIGITS):
        return False
    pieces = (content[start : start + _PIECE + DIGITS_LIMIT] for start in range(0, len(content), _PIECE))
    return any(_MANY_DIGITS in piece.translate(_DIGITS) for piece in pieces)


def exactly() -> Callable[[str], Decimal]:
    """Gives what reads a number with all its digits, and refuses one that has too many (`DecimalException`)."""
    signals = [InvalidOperation, Inexact, Overflow, Subnormal]
    limits = Context(prec=DIGITS_LIMIT, Emin=-DIGITS_LIMIT, Emax=DIGITS_LIMIT, traps=signals)
    return limits.create_decimal


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_LIMIT:
        raise TooLongNumberError(f"more than {DIGITS_LIMIT} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is no JSON")
