"""What is wrong with an answer that does not keep an API's contract, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from usage.language.saying import say, say_count
from usage.language.sentence import Sentence

_EXPECTED: Final[dict[str, Callable[[], Sentence]]] = {
    "missing": lambda: say("a value"),
    "string": lambda: say("a text"),
    "int": lambda: say("a whole number"),
    "float": lambda: say("a number"),
    "decimal": lambda: say("a number"),
    "bool": lambda: say("true or false"),
    "list": lambda: say("a list"),
    "tuple": lambda: say("a list"),
    "dict": lambda: say("an object"),
    "model": lambda: say("an object"),
    "date": lambda: say("a date"),
    "datetime": lambda: say("an instant"),
    "enum": lambda: say("one of the known values"),
}
"""By the first word of pydantic's kind of error."""


def describe_breach(error: ValidationError, *, below: int = 0) -> Sentence:
    """Path of the first field that is wrong, and what was expected there; never the value.

    `below` cuts that many steps from the path's beginning.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"][below:])
    field = Sentence.of(path) if path else say("(root)")
    kind = first["type"].split("_")[0]
    wanted = _EXPECTED[kind]() if kind in _EXPECTED else Sentence.of(first["type"])
    others = error.error_count() - 1
    if not others:
        return expected(field, wanted)
    return say_count(
        "field {field}, expected: {expected} (and {number} other)",
        "field {field}, expected: {expected} (and {number} others)",
        others,
        field=field,
        expected=wanted,
    )


def expected(field: Sentence | str, wanted: Sentence) -> Sentence:
    """That a field, told by its path, is not what was `wanted`: `a number`."""
    return say("field {field}, expected: {expected}", field=field, expected=wanted)


def unexpected(where: str, what: Sentence | str) -> Sentence:
    """That an API no longer keeps its contract: `where` it was asked, and `what` is wrong with the answer."""
    return say("{where} no longer answers as expected: {what}.", where=where, what=what)
