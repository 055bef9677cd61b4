"""What a person sees of a month that is being written, on the run's page and in its log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prefect import get_run_logger, task
from prefect.artifacts import Artifact

from tasks.prefect.progress import show_rows
from usage.month import Month
from usage.outcomes.progress import RowsWritten, tell

MONTH = Month(2026, 1)
RATE = 60 / 180


class Kept(logging.Handler):
    """Keeps what is written to the run's log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


def written(rows: int, *, month: Month = MONTH, warning: str = "") -> list[tuple[str, str]]:
    """The run's log while so many rows of a month are written."""
    kept = Kept()

    @task
    def publish() -> None:
        log: Any = get_run_logger()
        log.logger.addHandler(kept)
        try:
            with show_rows(MONTH):
                for done in range(1, rows + 1):
                    tell(RowsWritten(month, done, rows, (rows - done) * RATE))
                if warning:
                    logging.getLogger("notion.client.connection").warning("%s", warning)
                    logging.getLogger("notion.client.connection").info("nothing to worry about")
        finally:
            log.logger.removeHandler(kept)

    publish()
    return [line for line in kept.lines if line[1].startswith(("1 of", warning or "-"))]


def artifact() -> Any:
    return Artifact.get("rows-2026-01")


def test_two_thousand_rows_tell_how_long_they_take(prefect_api: str) -> None:
    assert written(2000) == [("INFO", "1 of 2,000 rows written, about 11 min left at Notion’s rate")]
    shown = artifact()
    assert (shown.data, shown.description) == (100, "2,000 of 2,000 rows written")


@pytest.mark.parametrize(("rows", "month"), [(29, MONTH), (2000, MONTH.previous())], ids=["few", "another month's"])
def test_what_is_not_worth_a_line(prefect_api: str, rows: int, month: Month) -> None:
    assert written(rows, month=month) == []


def test_the_bar_moves_in_steps(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[float] = []
    monkeypatch.setattr(
        "tasks.prefect.progress.update_progress_artifact", lambda _id, percent, **_more: moved.append(percent)
    )
    written(2000)
    assert len(moved) == 20
    assert moved[-1] == 100


def test_warnings_reach_the_run_s_log(prefect_api: str) -> None:
    sentence = "Notion limite cette connexion."
    assert written(0, warning=sentence) == [("WARNING", sentence)]
    assert logging.getLogger("notion").handlers == logging.getLogger("tasks").handlers == []
