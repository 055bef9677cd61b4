"""Notion's rate limit, held by all threads and all processes of a machine that use one connection.

Notion publishes two limits: three requests a second on average, and a fixed number per rolling 60 seconds (180 on the
smaller plans). Requests spaced evenly keep both. The next free moment is kept in a small SQLite file, which brings the
lock between processes with it. So is a budget that turns out to be smaller than the setting.

The file lies in a folder of the user's own: whoever could write it could hold every request up. Where it can't be used,
the process keeps to the limit by itself, and says so.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.machine.private import private_file, private_folder, state_folder

_log: Final = logging.getLogger(__name__)

T = TypeVar("T")

_MARGIN: Final = 1.01
"""A hundredth slower than allowed: the server's clock and ours see the same requests at slightly different moments."""
_LONGEST_QUEUE: Final = 600.0
"""Seconds; a reservation further ahead than this was left by a clock that has been put back."""
_SLOW_FOR: Final = 3600.0
"""Seconds after which the setting is tried again: the plan may have changed, or the other program may have ended."""
_FILE: Final = "notion-pace.sqlite"
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS pace (key TEXT PRIMARY KEY, next REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS slowed (key TEXT PRIMARY KEY, per_minute INTEGER NOT NULL, until REAL NOT NULL)",
)


class Pace:
    """Spaces requests evenly.

    Args:
        key: What shares the limit: the connection's token. Only its hash is kept.
        per_minute: The plan's budget. Up to 180, requests are also held to three a second.
        folder: Where the shared file lies; the user's state folder by default.
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
        self._folder, self._file = folder, Path(_FILE)
        self._clock, self._sleep = clock, sleep
        self._alone: sqlite3.Connection | None = None
        """The table of this process alone, where there is no file to share."""
        self._lock = Lock()

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
        until = self._clock() + _SLOW_FOR
        self._transact(
            lambda table: table.execute(
                "INSERT OR REPLACE INTO slowed VALUES (?, ?, ?)", (self._key, per_minute, until)
            )
        )
        self.per_minute = min(self._budget, per_minute)

    def _reserve(self, pause: float) -> float:
        return self._transact(lambda table: self._take_turn(table, pause))

    def _take_turn(self, table: sqlite3.Connection, pause: float) -> float:
        now = self._clock()
        slowed = table.execute("SELECT per_minute, until FROM slowed WHERE key = ?", (self._key,)).fetchone()
        self.per_minute = self._believed_budget(slowed, now)
        row = table.execute("SELECT next FROM pace WHERE key = ?", (self._key,)).fetchone()
        reserved = row[0] if row is not None and _is_moment(row[0], now, now + _LONGEST_QUEUE) else now
        turn = max(now + pause, reserved)
        following = turn if pause else turn + self.interval
        table.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", (self._key, following))
        return turn

    def _believed_budget(self, slowed: tuple[object, object] | None, now: float) -> int:
        if slowed is None:
            return self._budget
        per_minute, until = slowed
        if isinstance(per_minute, int) and per_minute > 0 and _is_moment(until, now, now + _SLOW_FOR):
            return min(self._budget, per_minute)
        return self._budget

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work on the table in one transaction that keeps everybody else waiting."""
        with self._lock:
            if self._alone is None:
                try:
                    with closing(self._open_file()) as table:
                        return _in_transaction(table, work)
                except (sqlite3.Error, OSError) as error:
                    self._go_alone(error)
            assert self._alone is not None  # noqa: S101  # `_go_alone` has made it
            return _in_transaction(self._alone, work)

    def _open_file(self) -> sqlite3.Connection:
        folder = state_folder() if self._folder is None else private_folder(self._folder)
        self._file = folder / _FILE
        table = sqlite3.connect(private_file(self._file), timeout=60, isolation_level=None)
        # Waiting for the disk would cost each request more than all the rest; after a power cut nothing in it counts.
        table.execute("PRAGMA synchronous = OFF")
        return table

    def _go_alone(self, error: sqlite3.Error | OSError) -> None:
        place, why = (error.filename, reason_of(error)) if isinstance(error, OSError) else (self._file, str(error))
        sentence = say(
            "{place} can't be used ({why}): Notion's rate is kept by this run alone, not together with others of this "
            "user",
            place=place,
            why=why,
        )
        _log.warning("%s", sentence)
        # One request after the other takes its turn: threads may share the connection.
        self._alone = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._alone.close)


def _in_transaction(table: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    table.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        table.execute(statement)
    found = work(table)
    table.execute("COMMIT")
    return found


def _is_moment(value: object, after: float, before: float) -> bool:
    """Whether a moment lies within bounds: what is kept in a file may be anything."""
    return isinstance(value, int | float) and after < value <= before
