"""One answer of an API: its body decoded without losing a digit, read as the model that is expected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from usage.errors import ContractError, TransientError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.machine.memory import without_garbage_collection
from usage.peers import quick
from usage.peers.bodies import (
    DEPTH_LIMIT,
    DIGITS_LIMIT,
    VALUES_LIMIT,
    NotJsonError,
    TooDeepError,
    TooManyError,
    UnreadableError,
    decode,
)
from usage.peers.contract import describe_breach, unexpected
from usage.peers.pieces import elements

M = TypeVar("M", bound=BaseModel)

_SMALL: Final = 65_536
"""Bytes. An error is short; a report that is longer is not decoded twice to look for one."""
_ERRORS: Final = ("error", "errors", "err_code", "detail")
"""Fields that hold what went wrong, by one or the other of the five APIs."""
_FIGURES: Final = ("data", "rows", "results")
_A_CODE: Final = re.compile(r"[a-z][a-z_]{2,40}")


class SmallerPagesError(TransientError):
    """An answer is larger than its asker takes, or was not kept because it was: the same has to be asked in smaller
    pages, where there are any."""


class ApiModel(BaseModel):
    """Base of the models of raw answers: fields that are not known are ignored, so that an API may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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
            ContractError: The body is not JSON, or none that can be worked with.
        """
        try:
            return decode(self.content)
        except UnreadableError as error:
            raise self._unread(error) from None

    def parse(self, model: type[M]) -> M:
        """The body as `model`.

        Raises:
            ContractError: Not JSON, a required field is missing, or a field has the wrong type. The message has the
                field's path and what was expected, not the value.
        """
        with without_garbage_collection():
            return parse(self.json(), model, self.path)

    def parts(self, model: type[M], name: str) -> Iterator[M]:
        """The body as models with one element each of the list `name`, and a last one with all other fields.

        For answers that may be too large to be held as models at once. Where all is as it should be the parts only look
        like the model: see `usage.peers.quick`.

        Raises:
            ContractError: As `parse`; maybe after some of the parts.
        """
        try:
            found = quick.parts(self.content, model, name)
            if found is None:
                for piece in elements(self.content, name):
                    yield parse(piece, model, self.path)
                return
            for part in found:
                yield parse({name: [decode(part)]}, model, self.path) if isinstance(part, quick.Odd) else part
        except UnreadableError as error:
            raise self._unread(error) from None

    def instead(self) -> Sentence | None:
        """What a successful answer holds in place of figures; None where it may hold them.

        Gateways were seen to send their error pages, and servers their error objects, under 200.
        """
        if len(self.content) > _SMALL:
            first, last = self.content[:_SMALL].lstrip()[:1], self.content[-_SMALL:].rstrip()[-1:]
            is_whole = (first, last) in ((b"{", b"}"), (b"[", b"]"))
            return None if is_whole else instead_of_json(NotJsonError("cut", is_html=first == b"<"))
        try:
            return _error_in(decode(self.content))
        except UnreadableError as error:
            return instead_of_json(error)

    def _unread(self, error: UnreadableError) -> ContractError:
        sentence = say(
            "{path} answered {what} (HTTP {status}).",
            path=self.path,
            what=instead_of_json(error),
            status=str(self.status),
        )
        return ContractError(sentence, status=self.status)


def instead_of_json(error: UnreadableError) -> Sentence:
    """What an answer that can't be read holds."""
    if isinstance(error, NotJsonError):
        if error.is_html:
            return say("an HTML page instead of JSON")
        return say("an unreadable or cut body instead of JSON")
    if isinstance(error, TooDeepError):
        return say("JSON nested deeper than {number} levels", number=DEPTH_LIMIT)
    if isinstance(error, TooManyError):
        return say("JSON of more than {number} million values", number=VALUES_LIMIT // 10**6)
    return say("a number of more than {number} digits", number=DIGITS_LIMIT)


def parse(data: object, model: type[M], where: str) -> M:
    """Decoded JSON as `model`; see `Answer.parse`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ContractError(unexpected(where, describe_breach(error))) from None


def _error_in(decoded: Any) -> Sentence | None:
    if not isinstance(decoded, dict) or any(name in decoded for name in _FIGURES):
        return None
    found = next((decoded[name] for name in _ERRORS if decoded.get(name)), None)
    if found is None:
        return None
    words = [found.get(name) for name in ("code", "type", "status")] if isinstance(found, dict) else [found]
    # A code is the API's own word; anything longer may repeat what was sent, and is not shown.
    code = next((word for word in words if isinstance(word, str) and _A_CODE.fullmatch(word)), None)
    return say("an error ({code}) instead of figures", code=code) if code else say("an error instead of figures")
