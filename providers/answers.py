"""One answer of an API: its body decoded without losing a digit, read as the model that is expected."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from usage.collector import collector_paused
from usage.contract import broken
from usage.errors import ContractError

M = TypeVar("M", bound=BaseModel)

_HALF_A_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""Where this does not occur in a body, no text of it has a lone surrogate: half of a character, which no other program
takes."""
_SMALL: Final = 65_536
"""Bytes. An error is short; a report that is longer is not decoded twice to look for one."""
_ERRORS: Final = ("error", "errors", "err_code", "detail")
"""Fields that hold what went wrong, by one or the other of the five APIs."""
_FIGURES: Final = ("data", "rows", "results")
_A_CODE: Final = re.compile(r"[a-z][a-z_]{2,40}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, headers, raw body and the path it came from."""

    path: str
    status: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        """The decoded body, numbers with a point as `Decimal`, halves of characters replaced.

        Raises:
            ContractError: The body is not JSON.
        """
        try:
            decoded = json.loads(self.content, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise ContractError(
                f"{self.path} a répondu {self._what()} au lieu de JSON (HTTP {self.status}).", status=self.status
            ) from None
        return _whole_characters(decoded) if _HALF_A_CHARACTER.search(self.content) else decoded

    def parse(self, model: type[M]) -> M:
        """The body as `model`.

        Raises:
            ContractError: Not JSON, a required field is missing, or a field has the wrong type. The message has the
                field's path and what was expected, not the value.
        """
        with collector_paused():
            return parse(self.json(), model, self.path)

    def instead(self) -> str | None:
        """What a successful answer holds in place of figures, in French; None where it may hold them.

        Gateways were seen to send their error pages, and servers their error objects, under 200.
        """
        if len(self.content) > _SMALL:
            ends = self.content[:_SMALL].lstrip()[:1], self.content[-_SMALL:].rstrip()[-1:]
            return None if ends in ((b"{", b"}"), (b"[", b"]")) else f"{self._what()} au lieu de JSON"
        try:
            return _error_in(json.loads(self.content, parse_constant=_no_constant))
        except (ValueError, RecursionError):
            return f"{self._what()} au lieu de JSON"

    def _what(self) -> str:
        return "une page HTML" if self.content[:_SMALL].lstrip()[:1] == b"<" else "un corps illisible ou coupé"


def parse(data: object, model: type[M], where: str) -> M:
    """Decoded JSON as `model`; see `Answer.parse`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ContractError(f"{where} ne répond plus comme prévu : {broken(error)}.") from None


def _error_in(decoded: Any) -> str | None:
    if not isinstance(decoded, dict) or any(name in decoded for name in _FIGURES):
        return None
    found = next((decoded[name] for name in _ERRORS if decoded.get(name)), None)
    if found is None:
        return None
    words = [found.get(name) for name in ("code", "type", "status")] if isinstance(found, dict) else [found]
    # A code is the API's own word; anything longer may repeat what was sent, and is not shown.
    code = next((word for word in words if isinstance(word, str) and _A_CODE.fullmatch(word)), None)
    return f"une erreur ({code}) au lieu de chiffres" if code else "une erreur au lieu de chiffres"


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_characters(one) for one in value]
    if isinstance(value, dict):
        return {_whole_characters(name): _whole_characters(one) for name, one in value.items()}
    return value


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not JSON")
