"""One question to an API and its answer, as they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `path` relative to the API's address, the query's parameters, the JSON that is sent ("" for none).

    There is no header in it, and so no key.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer: `at` is when it came, UTC, by the clock of this machine; `content` is unpacked."""

    question: Question
    status: int
    at: datetime
    content: bytes


Listener = Callable[[Exchange], None]
"""Is told exchanges as they come."""
