"""What the writing of many rows, and a warning, look like to a person who waits."""

from __future__ import annotations

import logging

import pytest

from cli.display import Display
from usage.month import Month
from usage.outcomes.progress import RowsWritten, tell

WARNING = "Notion accorde à cette connexion moins de 600 demandes [par minute]."


def test_two_thousand_rows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    with Display(quiet=False) as display:
        tell(RowsWritten(Month(2026, 1), 1, 2000, 1999 / 3))
        display.refresh()
        assert "1 of 2,000 rows written, about 11 min left at Notion’s rate" in capsys.readouterr().err


@pytest.mark.parametrize(("quiet", "expected"), [(False, f"note: {WARNING}\n"), (True, "")])
def test_warnings(quiet: bool, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=quiet):
        logging.getLogger("notion.client.connection").warning("%s", WARNING)
        logging.getLogger("tasks.prefect.limits").info("not for people")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", expected)
    assert logging.getLogger("notion").handlers == []
