"""How far the writing of a month is, as a progress bar on the run's page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from usage.month import Month
from usage.progress import Event, RowsWritten, listening

WORTH_SHOWING: Final = 30
"""Fewer rows than these are written before anybody could look."""
_STEP: Final = 5.0
"""Percent between two updates: each is a request to Prefect's server."""


@contextmanager
def rows_shown(month: Month) -> Iterator[None]:
    """Show the rows that are written while the block runs."""
    bar = _Bar(month)
    with listening(bar.on):
        yield


class _Bar:
    def __init__(self, month: Month) -> None:
        self._month = month
        self._artifact: UUID | None = None
        self._shown = 0.0

    def on(self, event: Event) -> None:
        if not isinstance(event, RowsWritten) or event.month != self._month or event.total < WORTH_SHOWING:
            return
        percent = 100 * event.done / event.total
        if self._artifact is None:
            key, what = f"rows-{self._month}", f"{event.total} rows of {self._month} to Notion"
            created = create_progress_artifact(percent, key=key, description=what)
            self._artifact, self._shown = UUID(str(created)), percent
        elif percent >= self._shown + _STEP or event.done == event.total:
            update_progress_artifact(self._artifact, percent)
            self._shown = percent
