"""One question to an API and its answer, as they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer. There is no header in it, and so no key.

    `path` is relative to the API's address, `params` are those of the query, `body` the JSON that was sent ("" for a
    GET), `content` the answer's body, unpacked.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    body: str
    status: int
    at: datetime
    """When the answer came, UTC, by the clock of this machine."""
    content: bytes

    @property
    def question(self) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
        """What was asked: by this an answer is found again."""
        return self.method, self.path, self.params, self.body


Listener = Callable[[Exchange], None]
"""Is told every exchange that ended a request."""
