"""Notion's rate limit, held by all threads and all processes of a machine that use one connection.

Notion publishes two limits: three requests a second on average, and a fixed number per rolling 60 seconds (180 on the
smaller plans). Requests spaced evenly keep both. The next free moment is kept in a small SQLite file, which brings the
lock between processes with it.
"""

from __future__ import annotations

import getpass
import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_MARGIN: Final = 1.01
"""A hundredth slower than allowed: the server's clock and ours see the same requests at slightly different moments."""
_LONGEST_QUEUE: Final = 600.0
"""Seconds; a reservation further ahead than this was left by a clock that has been put back."""


class Pace:
    """Spaces requests evenly.

    Args:
        key: What shares the limit: the connection's token. Only its hash is kept.
        per_minute: The plan's budget. Up to 180, requests are also held to three a second.
        folder: Where the shared file lies; the temporary folder by default.
        clock, sleep: Replaced in tests; seconds.
    """

    def __init__(
        self,
        key: str,
        per_minute: int,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.interval = 60.0 / per_minute * _MARGIN
        self._key = hashlib.sha256(b"llm-usage" + key.encode()).hexdigest()[:16]
        self._file = (folder or Path(tempfile.gettempdir())) / f"llm-usage-pace-{_user()}.sqlite"
        self._clock, self._sleep = clock, sleep

    def wait(self) -> None:
        """Wait for this request's turn."""
        turn = self._reserve(0.0)
        self._sleep(max(0.0, turn - self._clock()))

    def pause(self, seconds: float) -> None:
        """Let nobody ask for some time: the server said so."""
        self._reserve(seconds)

    def _reserve(self, pause: float) -> float:
        connection = sqlite3.connect(self._file, timeout=60, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS pace (key TEXT PRIMARY KEY, next REAL NOT NULL)")
            row = connection.execute("SELECT next FROM pace WHERE key = ?", (self._key,)).fetchone()
            now = self._clock()
            reserved = row[0] if row is not None and row[0] < now + _LONGEST_QUEUE else now
            turn = max(now + pause, reserved)
            following = turn if pause else turn + self.interval
            connection.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", (self._key, following))
            connection.execute("COMMIT")
        finally:
            connection.close()
        return turn


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "nobody"
