"""Reads the parameters of a request, and refuses what does not belong there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Sequence


class Refused(Exception):
    """The request is not one that the API answers.

    Args:
        message: What is wrong, for people.
        status: HTTP status.
        param: The parameter at fault, if one is.
        code: The provider's own word for it, if it has one.
        body: The whole answer, where the provider has several shapes; text is served as `text/plain`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        body: object = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code, self.body = message, status, param, code, body


class Query:
    """The parameters of one request. Each is taken once; `finish` refuses those that nobody took."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._left: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._left[name].append(value)
        without_page = sorted((name, value) for name, value in pairs if name != "page")
        self.scope = hashlib.sha256(json.dumps(without_page).encode()).hexdigest()[:16]
        """Stands for all parameters but `page`: a cursor is good for these only."""

    def text(self, name: str) -> str | None:
        """One value or none."""
        values = self._left.pop(name, [])
        if len(values) > 1:
            raise Refused(f"'{name}' may be given once.", param=name)
        return values[0] if values else None

    def integer(self, name: str, *, low: int = 0, high: int | None = None) -> int | None:
        """A whole number between `low` and `high`, both included."""
        text = self.text(name)
        if text is None:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise Refused(f"'{name}' has to be an integer.", param=name)
        if int(text) < low or (high is not None and int(text) > high):
            bound = f"at least {low}" if high is None else f"between {low} and {high}"
            raise Refused(f"'{name}' has to be {bound}.", param=name)
        return int(text)

    def flag(self, name: str) -> bool | None:
        """`true` or `false`."""
        text = self.choice(name, ("true", "false"))
        return None if text is None else text == "true"

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the allowed words."""
        text = self.text(name)
        if text is not None and text not in allowed:
            raise Refused(f"'{name}' has to be one of {', '.join(sorted(allowed))}.", param=name)
        return text

    def many(self, *spellings: str, allowed: Collection[str] | None = None) -> list[str]:
        """A repeated parameter, under any of its spellings."""
        values = [value for name in spellings for value in self._left.pop(name, [])]
        for value in values:
            if allowed is not None and value not in allowed:
                raise Refused(f"'{spellings[0]}' does not know '{value}'.", param=spellings[0])
        return values

    def finish(self) -> None:
        """Refuse parameters that the endpoint does not have."""
        for name in self._left:
            raise Refused(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def seal(position: str, *, scope: str, edition: str = "") -> str:
    """An opaque cursor, good for one set of parameters and one edition of the data."""
    return "page_" + base64.urlsafe_b64encode(json.dumps([position, scope, edition]).encode()).decode()


def unseal(cursor: str, *, scope: str, edition: str = "") -> str:
    """The position in a cursor.

    Raises:
        Refused: 400 when the cursor is not ours or the parameters have changed, 410 when the data has.
    """
    try:
        position, of_scope, of_edition = json.loads(base64.b64decode(cursor.removeprefix("page_"), b"-_", True))
    except (binascii.Error, ValueError, TypeError):
        raise Refused("The page token is not valid.", param="page") from None
    if of_scope != scope:
        raise Refused("The page token belongs to a request with other parameters.", param="page")
    if of_edition != edition:
        raise Refused("The data has been refreshed since this page token was given out.", status=410, param="page")
    return str(position)
