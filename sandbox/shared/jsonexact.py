"""JSON whose amounts keep every digit: a `Decimal` becomes a number literal, never a float on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

_MARK: Final = "\ue000decimal "
_MARKED: Final = re.compile(f'"{_MARK}([^"]*)"')


def dumps(value: object) -> bytes:
    """Serialise dict, list, tuple, str, int, float, bool, None and finite `Decimal` to UTF-8 JSON.

    `Decimal("1.2300")` is written `1.2300`, and `Decimal("1E-7")` as `0.0000001`: exactly its digits, trailing zeros
    included.

    Raises:
        TypeError: for any other type.
        ValueError: for NaN and infinities, which JSON has no word for.
    """
    # Python's own writer is quick, and knows no decimals: they go through it as marked texts, which lose their quotes.
    text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _MARKED.sub(r"\1", text).encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"JSON has no literal for {value}")
        return f"{_MARK}{value:f}"
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON has no word for {type(value).__name__}")


class ExactJSONResponse(Response):
    """A Starlette response with an exact JSON body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Serialise with `dumps`."""
        return dumps(content)
