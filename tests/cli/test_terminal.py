"""What a person sees on a terminal of whatever width: a pseudo-terminal, with the program in a process of its own."""

from __future__ import annotations

import io
import os
import pty
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.box import ROUNDED

from cli.display import literal
from cli.fitting import FittingTable, Lines
from cli.main import main
from sandbox.everything import Sandbox
from tests.cli.programs import Program
from usage.language.choice import Language
from usage.language.words import Words


def shown(program: Program, *arguments: str, columns: int = 80) -> tuple[int, str]:
    """Exit status of a command on a terminal, and what stands on it, without colours and cursor movements."""
    program.variables |= {"COLUMNS": str(columns), "TERM": "xterm"}
    ours, its = pty.openpty()
    process = program.start(*arguments, stdin=its, stdout=its, stderr=its)
    os.close(its)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            # How Linux says that nobody has the other end any more.
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.decode()).replace("\r", "")
    return process.wait(timeout=60), plain


@pytest.fixture
def collected(
    program: Program,
    sandbox: Sandbox,
    prefect_api: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Program:
    """A month stands in Notion."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    capsys.readouterr()
    program.use(prefect_api)
    assert program.run("collect", "--month", "2026-01").status == 0
    return program


def test_tables_and_sentences_of_a_narrow_terminal(collected: Program) -> None:
    wide = shown(collected, "status", "--month", "2026-01", columns=200)[1]
    costs = re.findall(r"│ +([\d,]+\.\d\d) │", wide)
    assert len(costs) > 4
    for columns in (60, 40):
        for command in (("status", "--month", "2026-01"), ("archive",), ("check",)):
            status, text = shown(collected, *command, columns=columns)
            assert status == 0
            lines = text.splitlines()
            # First of all, before anything is imported.
            assert lines[0].endswith(" …")
            # A path is one word, and stays one.
            assert all(len(line) <= columns or " " not in line for line in lines), text
            assert "…" not in "".join(lines[1:])
            if command[0] == "status":
                assert [cost for cost in costs if cost not in text] == []
                assert "Hidden at this width: Last attempt" in " ".join(text.split())


WATCHED = """
import sys
from importlib.abc import MetaPathFinder

LATE = {"apprise", "jinja2", "matplotlib", "numpy", "pandas", "pyarrow"}

class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "prefect":
            print("<prefect>", file=sys.stderr, flush=True)

def wait_and_tell(self):
    wait(self)
    print("<run begins>", *LATE & sys.modules.keys(), file=sys.stderr, flush=True)

sys.meta_path.insert(0, Watch())
from cli.main import entry
from cli.importing import Importing

wait, Importing.wait = Importing.wait, wait_and_tell
entry()
"""
"""Tells when Prefect is imported, and which packages that are needed later are there when the run begins."""


def test_the_first_line_comes_before_prefect_and_what_is_needed_late_after_the_run_begins(collected: Program) -> None:
    collected.code = WATCHED
    status, text = shown(collected, "collect", "--month", "2026-01", "--provider", "elevenlabs", "--dry-run")
    assert status == 0
    said = [line for line in text.splitlines() if line.endswith(" …") or line.startswith("<")]
    assert said == ["Asking Notion and the providers …", "<prefect>", "<run begins>"]


def test_where_to_look_stands_at_the_end_of_a_collection(collected: Program, prefect_api: str) -> None:
    arguments = ("collect", "--month", "2026-01", "--provider", "elevenlabs")
    status, text = shown(collected, *arguments, columns=60)
    assert status == 0
    *_, notion, run = text.splitlines()
    assert notion.startswith("In Notion: https://")
    assert re.fullmatch(rf"The run in Prefect: {prefect_api.removesuffix('/api')}/runs/flow-run/[0-9a-f-]{{36}}", run)
    # Neither in a file nor in a pipe.
    assert "https://" not in collected.run(*arguments).out


def test_nothing_begins_where_no_terminal_is(collected: Program, tmp_path: Path) -> None:
    assert collected.run("archive").err == ""
    assert shown(collected, "archive", "--json")[1].startswith("{")


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=6).map(" ".join)
FIGURES = st.integers(0, 10**15).map(lambda number: f"{number:,}")


@given(st.lists(st.tuples(WORDS, FIGURES, FIGURES, WORDS), min_size=1, max_size=5), st.integers(20, 120))
def test_no_figure_is_cut_whatever_the_width(rows: list[Any], width: int) -> None:
    file = io.StringIO()
    console = Lines(file=file, width=width, force_terminal=True, color_system=None)
    table = FittingTable(("Note", "Second"), title="T", box=ROUNDED, pad_edge=False)
    for name in ("Name", "First", "Second", "Note"):
        table.add_column(name, justify="left" if name in ("Name", "Note") else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    text = file.getvalue()
    hidden = "".join(re.findall(r"(?s)Hidden at this\s+width:.*", text))
    assert all(first in text for _, first, _, _ in rows)
    assert ("Second" in hidden) or all(second in text for _, _, second, _ in rows)
    assert "…" not in text


@given(st.lists(st.text("abcdefgh.", min_size=1, max_size=30), min_size=1, max_size=40), st.integers(20, 120))
def test_lines_end_between_words(words: list[str], width: int) -> None:
    file = io.StringIO()
    console = Lines(file=file, width=width, force_terminal=True, color_system=None)
    console.print(" ".join(words), soft_wrap=True, markup=False, highlight=False)
    lines = file.getvalue().splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or " " not in line for line in lines)


@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=8), st.integers(20, 60))
def test_no_line_ends_within_an_amount(amounts: list[Decimal], width: int) -> None:
    told = [Words(Language.FR).dollars(amount) for amount in amounts]
    sentence = " – ".join(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", io.StringIO())
        patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        on_a_terminal = literal(sentence)
    file = io.StringIO()
    Lines(file=file, width=width, force_terminal=True, color_system=None).print(on_a_terminal, soft_wrap=True)
    lines = file.getvalue().replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}").splitlines()
    assert all(
        any(amount.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}") in line for line in lines)
        for amount in told
    )


def test_who_searches_a_file_finds_amounts_with_ordinary_spaces() -> None:
    assert literal(Words(Language.FR).dollars(Decimal("1180.85"))).plain == "1 180,85 $US"
