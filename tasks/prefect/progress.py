"""How far the writing of a month is: a progress bar on the run's page, and lines in its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.prefect.limits import if_reached
from usage.month import Month
from usage.outcomes.progress import Event, RowsWritten, listening

WORTH_SHOWING: Final = 30
"""Fewer rows than these are written before anybody could look."""
_STEP: Final = 5.0
"""Percent between two updates: each is a request to Prefect's server."""
_OURS: Final = ("notion", "tasks")
"""Loggers whose warnings are for the person who looks at the run."""

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


@contextmanager
def rows_shown(month: Month) -> Iterator[None]:
    """Show the rows that are written while the block runs, and pass warnings of this package on to the run's log."""
    log = get_run_logger()
    bar, warnings = _Bar(month, log), _ToLog(log)
    loggers = [logging.getLogger(name) for name in _OURS]
    for logger in loggers:
        logger.addHandler(warnings)
    try:
        with listening(bar.on):
            yield
    finally:
        for logger in loggers:
            logger.removeHandler(warnings)


class _ToLog(logging.Handler):
    """Passes records on to another log. Months that are written side by side share what concerns Notion."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, "%s", record.getMessage())


class _Bar:
    def __init__(self, month: Month, log: Log) -> None:
        self._month, self._log = month, log
        self._artifact: UUID | None = None
        self._begun = False
        self._shown = 0.0

    def on(self, event: Event) -> None:
        if not isinstance(event, RowsWritten) or event.month != self._month or event.total < WORTH_SHOWING:
            return
        percent = 100 * event.done / event.total
        if self._begun and percent < self._shown + _STEP and event.done < event.total:
            return
        # The rows are what counts: a bar that can't be drawn is none.
        with if_reached("the bar of the rows that are written"):
            self._draw(percent, event.words)
        self._begun, self._shown = True, percent

    def _draw(self, percent: float, words: str) -> None:
        if not self._begun:
            self._log.info("%s", words)
            created = create_progress_artifact(percent, key=f"rows-{self._month}", description=words)
            self._artifact = UUID(str(created))
        elif self._artifact is not None:
            update_progress_artifact(self._artifact, percent, description=words)
