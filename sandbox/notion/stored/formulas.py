"""Formulas: kept in Notion's opaque form, computed for arithmetic over properties and joined text.

What this small reader does not know (functions, comparisons) is answered as `unsupported`, which is how Notion answers
what it finds too complex to compute for the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.notion.stored.ids import decode_property_id, encode_property_id
from sandbox.notion.stored.records import SourceRecord

Scalar = float | str | bool | None
"""A computed value; None is empty."""

_PROP = re.compile(r"""prop\(\s*"((?:[^"\\]|\\.)*)"\s*\)""")
_OPAQUE = re.compile(r"\{\{notion:block_property:([^:}]+):[^:}]+:[^:}]+\}\}")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<prop>\{\{notion:block_property:[^}]+\}\})"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<sign>[-+*/()]))"""
)


class Unreadable(ValueError):
    """The expression is wrong: an unknown property, or nothing in it."""


class Unsupported(Exception):
    """The expression is beyond this reader."""


def opaque(expression: str, source: SourceRecord, space_id: str) -> str:
    """The expression as it is kept and read back: properties by id, so that renaming one does no harm.

    Raises:
        Unreadable: a property that does not exist, or an empty expression.
    """
    if not expression.strip():
        raise Unreadable("empty expression")

    def replace(match: re.Match[str]) -> str:
        name = re.sub(r"\\(.)", r"\1", match.group(1))
        found = source.find(name)
        if found is None:
            raise Unreadable(f"Undefined property {name}")
        return f"{{{{notion:block_property:{encode_property_id(found.id)}:{source.id}:{space_id}}}}}"

    return _PROP.sub(replace, expression)


def compute(expression: str, value_of: Callable[[str], Scalar], *, empty_is_zero: bool) -> Scalar:
    """The value of an opaque expression for one row; `value_of` gives a property's value by its id.

    Raises:
        Unsupported: something in it is beyond this reader.
    """
    return _Reader(_tokens(expression), value_of, empty_is_zero).all()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(expression: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if match is None or match.lastgroup is None:
            raise Unsupported
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent: sum, product, sign, atom."""

    def __init__(self, tokens: list[_Token], value_of: Callable[[str], Scalar], empty_is_zero: bool) -> None:
        self._tokens, self._value_of, self._empty_is_zero = tokens, value_of, empty_is_zero

    def all(self) -> Scalar:
        value = self._sum()
        if self._tokens:
            raise Unsupported
        return value

    def _sum(self) -> Scalar:
        value = self._product()
        while (sign := self._take("+-")) is not None:
            value = self._join(sign, value, self._product())
        return value

    def _product(self) -> Scalar:
        value = self._signed()
        while (sign := self._take("*/")) is not None:
            value = self._join(sign, value, self._signed())
        return value

    def _signed(self) -> Scalar:
        if self._take("-") is not None:
            return self._join("*", -1.0, self._signed())
        return self._atom()

    def _atom(self) -> Scalar:
        if not self._tokens:
            raise Unsupported
        if self._take("(") is not None:
            value = self._sum()
            if self._take(")") is None:
                raise Unsupported
            return value
        token = self._tokens.pop(0)
        if token.kind == "number":
            return float(token.text)
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind == "prop" and (match := _OPAQUE.fullmatch(token.text)):
            return self._value_of(decode_property_id(match.group(1)))
        if token.text in ("true", "false"):
            return token.text == "true"
        raise Unsupported

    def _take(self, signs: str) -> str | None:
        if self._tokens and self._tokens[0].kind == "sign" and self._tokens[0].text in signs:
            return self._tokens.pop(0).text
        return None

    def _join(self, sign: str, left: Scalar, right: Scalar) -> Scalar:
        if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
            return _as_text(left) + _as_text(right)
        if isinstance(left, str) or isinstance(right, str):
            raise Unsupported
        if (left is None and right is None) or (not self._empty_is_zero and (left is None or right is None)):
            return None
        one, other = float(left or 0), float(right or 0)
        if sign == "+":
            return one + other
        if sign == "-":
            return one - other
        if sign == "*":
            return one * other
        return one / other if other else None


def _as_text(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else value
