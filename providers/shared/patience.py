"""How long requests are tried, and how all requests of one key slow down together.

- What may pass (408, 409, 425, 5xx, time-outs, cut connections): at most 5 tries and 120 seconds for one request.
- 429 says that nothing is wrong but the pace. A limit counts by the minute, and the answer often does not tell how long
  to wait (OpenAI) or asks for no wait at all, time after time (seen at Anthropic): five tries within seconds would lose
  a month that one minute more would have brought. So a request is tried 7 times within 300 seconds, with waits of 2, 6,
  18, 54 and then 60 seconds, or as long as the answer asks. While one request waits, all others of the same key wait as
  well: they count towards the same limit.
- A wait of over 120 seconds that an answer asks for is a failure that says so.
- A source is read for 15 minutes at most, waits included.
- An answer has at most 256 MiB, unpacked.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from usage.errors import StaleCursorError, TransientError
from usage.peers.bodies import BODY_LIMIT

TRIES: Final = 5
PATIENCE: Final = 120.0
"""Seconds that one request may take, waits included, and the longest `Retry-After` that is obeyed."""
RATE_TRIES: Final = 7
RATE_PATIENCE: Final = 300.0
"""Seconds that one request may wait for a rate limit."""
SOURCE_PATIENCE: Final = 900.0
"""Seconds that the reading of one source and month may take; no request is sent after that."""
LONGEST_READING: Final = SOURCE_PATIENCE + PATIENCE
"""Seconds until a source is given up, whatever is still under way."""
_LONGEST_STEP: Final = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How long one request, and a source as a whole, is tried, and how many bytes of an unpacked answer are taken.
    `sleep` and `clock` (seconds) are replaced in tests.
    """

    tries: int = TRIES
    patience: float = PATIENCE
    rate_tries: int = RATE_TRIES
    rate_patience: float = RATE_PATIENCE
    source_patience: float = SOURCE_PATIENCE
    most_bytes: int = BODY_LIMIT
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True)
class Pace:
    """When the next request of one key may be sent, by the clock of its `Retry`. A backfill's months share one."""

    free_at: float | None = None

    def hold(self, until: float) -> None:
        """No request of this key before that moment."""
        self.free_at = until if self.free_at is None else max(self.free_at, until)

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent."""
        return 0.0 if self.free_at is None else max(0.0, self.free_at - now)


@dataclass(slots=True)
class Tries:
    """The tries of one request."""

    retry: Retry
    failed: int = 0
    limited: int = 0
    _spent: float = 0.0
    _waited: float = 0.0

    def wait_after(self, error: TransientError, took: float) -> float | None:
        """Seconds until the next try; None when there is none.

        Args:
            error: Why this one failed.
            took: Seconds that it took.
        """
        if error.final or isinstance(error, StaleCursorError):
            return None
        if error.status == 429:
            self.limited += 1
            wait = self._for_the_limit(error.retry_after)
            self._waited += wait
            given_up = self.limited >= self.retry.rate_tries or self._waited > self.retry.rate_patience
        else:
            self.failed += 1
            wait = self._for_what_passes(error.retry_after)
            self._spent += took + wait
            given_up = self.failed >= self.retry.tries or self._spent > self.retry.patience
        return None if given_up else wait

    def _for_what_passes(self, asked: float | None) -> float:
        step = _spread(min(8.0, 0.5 * 2.0**self.failed))
        # A little more than asked, so that clients that were sent away together don't come back together.
        return step if asked is None else asked + step / 10

    def _for_the_limit(self, asked: float | None) -> float:
        step: float = min(_LONGEST_STEP, 2.0 * 3.0 ** (self.limited - 1))
        # One who is asked to wait 0 seconds, over and over, is not told the truth.
        floor = step if asked is None else max(asked, step / 2)
        return floor + _spread(min(floor, 8.0)) / 10


def _spread(most: float) -> float:
    return random.uniform(0, most)  # noqa: S311  # waits need no secrecy
