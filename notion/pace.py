"""Notion's rate limit, held by all threads and all processes of a machine that use one connection.

Notion publishes two limits: three requests a second on average, and a fixed number per rolling 60 seconds (180 on the
smaller plans). Requests spaced evenly keep both. The next free moment is kept in a small SQLite file, which brings the
lock between processes with it. So is a budget that turns out to be smaller than the setting.
"""

from __future__ import annotations

import getpass
import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from usage.errors import NotionError

_MARGIN: Final = 1.01
"""A hundredth slower than allowed: the server's clock and ours see the same requests at slightly different moments."""
_LONGEST_QUEUE: Final = 600.0
"""Seconds; a reservation further ahead than this was left by a clock that has been put back."""
_SLOW_FOR: Final = 3600.0
"""Seconds after which the setting is tried again: the plan may have changed, or the other program may have ended."""
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS pace (key TEXT PRIMARY KEY, next REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS slowed (key TEXT PRIMARY KEY, per_minute INTEGER NOT NULL, until REAL NOT NULL)",
)


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
        self.per_minute = per_minute
        """Requests a minute that are kept to: the budget, or less where Notion has shown that it is less."""
        self._budget = per_minute
        self._key = hashlib.sha256(b"llm-usage" + key.encode()).hexdigest()[:16]
        self._file = (folder or Path(tempfile.gettempdir())) / f"llm-usage-pace-{_user()}.sqlite"
        self._clock, self._sleep = clock, sleep

    @property
    def interval(self) -> float:
        """Seconds from one request to the next."""
        return 60.0 / self.per_minute * _MARGIN

    def wait(self) -> None:
        """Wait for this request's turn."""
        turn = self._reserve(0.0)
        self._sleep(max(0.0, turn - self._clock()))

    def pause(self, seconds: float) -> None:
        """Let nobody ask for some time: the server said so."""
        self._reserve(seconds)

    def slow(self, per_minute: int) -> None:
        """Keep everybody who shares the limit to fewer requests a minute, for an hour: the plan has no more."""
        with self._table() as table:
            until = self._clock() + _SLOW_FOR
            table.execute("INSERT OR REPLACE INTO slowed VALUES (?, ?, ?)", (self._key, per_minute, until))
        self.per_minute = min(self._budget, per_minute)

    def _reserve(self, pause: float) -> float:
        with self._table() as table:
            now = self._clock()
            slowed = table.execute("SELECT per_minute, until FROM slowed WHERE key = ?", (self._key,)).fetchone()
            is_slowed = slowed is not None and now < slowed[1] <= now + _SLOW_FOR
            self.per_minute = min(self._budget, slowed[0]) if is_slowed else self._budget
            row = table.execute("SELECT next FROM pace WHERE key = ?", (self._key,)).fetchone()
            reserved = row[0] if row is not None and row[0] < now + _LONGEST_QUEUE else now
            turn = max(now + pause, reserved)
            following = turn if pause else turn + self.interval
            table.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", (self._key, following))
        return turn

    @contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        """The shared file, in one transaction that keeps everybody else waiting.

        Raises:
            NotionError: The file can't be used.
        """
        try:
            with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for table in _TABLES:
                    connection.execute(table)
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            # The temporary folder is everybody's: the name may be taken.
            raise NotionError(
                f"Le fichier {self._file}, qui règle le rythme des demandes à Notion, est inutilisable ({error}) : "
                "supprimez-le, ou nommez un autre dossier dans TMPDIR."
            ) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "nobody"
