"""JSON whose amounts keep every digit: a `Decimal` becomes a number literal, never a float on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.responses import Response


def dumps(value: object) -> bytes:
    """Serialise dict, list, tuple, str, int, float, bool, None and finite `Decimal` to UTF-8 JSON.

    `Decimal("1.2300")` is written `1.2300`, and `Decimal("1E-7")` as `0.0000001`: exactly its digits, trailing zeros
    included.

    Raises:
        TypeError: for any other type, and for a mapping key that is not text.
        ValueError: for NaN and infinities, which JSON has no word for.
    """
    return _text(value).encode()


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"JSON has no literal for {value}")
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a JSON object has text keys, not {type(key).__name__}")
    return json.dumps(key, ensure_ascii=False)


class ExactJSONResponse(Response):
    """A Starlette response with an exact JSON body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Serialise with `dumps`."""
        return dumps(content)
