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
from usage.outcomes.progress import Event, RowsWritten, listening, passing_warnings

WORTH_SHOWING: Final = 30
"""Fewer rows than these are written before anybody could look."""
_STEP: Final = 5.0
"""Percent between two updates: each is a request to Prefect's server."""

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


@contextmanager
def show_rows(month: Month) -> Iterator[None]:
    """Show the rows that are written while the block runs, and pass warnings of this package on to the run's log."""
    log = get_run_logger()

    def show(warning: logging.LogRecord) -> None:
        log.log(warning.levelno, "%s", warning.getMessage())

    with passing_warnings(show), listening(_Bar(month, log).on):
        yield


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
            self._draw(percent, str(event.sentence))
        self._begun, self._shown = True, percent

    def _draw(self, percent: float, words: str) -> None:
        if not self._begun:
            self._log.info("%s", words)
            created = create_progress_artifact(percent, key=f"rows-{self._month}", description=words)
            self._artifact = UUID(str(created))
        elif self._artifact is not None:
            update_progress_artifact(self._artifact, percent, description=words)
