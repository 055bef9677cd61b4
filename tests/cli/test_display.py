"""Progress on a terminal, silence elsewhere."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from contextvars import copy_context

import pytest

from cli.display import Display, in_bytes, literal
from cli.main import main
from sandbox.everything import Sandbox
from tests.cli.programs import Program
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.progress import PageRead, RowsWritten, SourceBegun, SourceEnded, tell

SOURCE, MONTH = Source(provider=ProviderName.OPENAI, account="labo"), Month(2026, 1)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has rich take anything for a terminal."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


def seen(capsys: pytest.CaptureFixture[str]) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("size", "english", "french"),
    [
        (0, "0 B", "0 o"),
        (15_230, "15.2 kB", "15,2 ko"),
        (10**6, "1.0 MB", "1,0 Mo"),
        (10**13, "10000.0 GB", "10000,0 Go"),
    ],
)
def test_sizes_are_written_as_people_do(size: int, english: str, french: str) -> None:
    assert in_bytes(size) == Sentence(en=english, fr=french)


def test_what_is_shown(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False) as display:
        tell(SourceBegun(SOURCE, MONTH))
        display.refresh()
        assert re.search(r"openai/labo 2026-01 .* asking", seen(capsys))
        tell(PageRead(SOURCE, MONTH))
        tell(PageRead(SOURCE, MONTH))
        display.refresh()
        assert re.search(r"openai/labo 2026-01 .* 2 pages", seen(capsys))
        tell(SourceEnded(SOURCE, MONTH, Status.PARTIEL))
        tell(RowsWritten(MONTH, 10, 50, 13.4))
        display.refresh()
        text = seen(capsys)
        assert re.search(r"openai/labo 2026-01 .* Partial", text)
        assert re.search(r"Notion 2026-01 .* 10 of 50 rows written, about 13 s left at Notion’s rate", text)
        tell(RowsWritten(MONTH, 50, 50, 0))
        display.refresh()
        assert re.search(r"50 of 50 rows written\s*$", seen(capsys))
    tell(SourceBegun(SOURCE, MONTH))


def test_a_source_that_is_tried_again_begins_anew(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False) as display:
        for event in (SourceBegun(SOURCE, MONTH), PageRead(SOURCE, MONTH), SourceEnded(SOURCE, MONTH, Status.ECHEC)):
            tell(event)
        tell(SourceBegun(SOURCE, MONTH))
        display.refresh()
        assert re.search(r"openai/labo 2026-01 .* asking", seen(capsys))


@pytest.mark.usefixtures("terminal")
def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=True) as display:
        tell(SourceBegun(SOURCE, MONTH))
        display.refresh()
    assert capsys.readouterr().err == ""


def test_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False) as display:
        tell(SourceBegun(SOURCE, MONTH))
        display.refresh()
    assert capsys.readouterr().err == ""


def test_other_peoples_text() -> None:
    assert literal("[red]a[/red]\x1b[2J\n\u202eb\u2066").plain == "[red]a[/red] [2J b"


def test_events_from_many_threads(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> None:
        for _ in range(200):
            tell(PageRead(SOURCE, MONTH))

    with Display(quiet=False) as display:
        # Prefect's threads take the context along like this.
        threads = [threading.Thread(target=copy_context().run, args=(read,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        display.refresh()
        assert "1000 pages" in seen(capsys)


@pytest.mark.parametrize(
    ("size", "english", "french"),
    [(0, "0 B", "0 o"), (21_100, "21.1 kB", "21,1 ko"), (3 * 10**6, "3.0 MB", "3,0 Mo"), (10**9, "1.0 GB", "1,0 Go")],
)
def test_sizes_in_both_languages(size: int, english: str, french: str) -> None:
    assert (in_bytes(size).en, in_bytes(size).fr) == (english, french)


def test_on_a_real_terminal(
    program: Program, sandbox: Sandbox, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pty = pytest.importorskip("pty", reason="pseudo-terminals are a thing of Unix")
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    program.use(prefect_api)
    program.variables |= {"TERM": "xterm", "COLUMNS": "120"}
    program.variables["NOTION_REQUESTS_PER_MINUTE"] = "600"
    master, slave = pty.openpty()
    process = program.start("collect", "--provider", "elevenlabs", stderr=slave)
    os.close(slave)
    text = ""
    # An OSError is how Linux says that nobody holds the other end any more.
    with open(master, "rb", buffering=0) as screen, suppress(OSError):
        while data := screen.read(65536):
            text += data.decode(errors="replace")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "\x1b" not in out
    assert "elevenlabs 2026-01" in text
    assert re.search(r"of 11 rows written, about \d s left", text)
