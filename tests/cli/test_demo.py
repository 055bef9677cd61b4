"""The demo on a terminal: it says where its page is and waits, and ends cleanly however it is ended."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.programs import Program

pty = pytest.importorskip("pty", reason="pseudo-terminals are a thing of Unix")

WAITS = """
import sys
from cli.commands.demo import _folder, _wait
from cli.display import out
from cli.prefect_server.ending import watch_signals
watch_signals()
with _folder() as folder:
    print(folder)
    _wait(out(), "http://127.0.0.1:1")
    print("went on")
"""


# In a session of its own a program takes the terminal as its own, so that Ctrl-C reaches it and nobody else.
CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.said = ""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *command],
            cwd=folder,
            env=environment | {"TERM": "xterm", "COLUMNS": "150", "LINES": "50"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, words: str) -> None:
        """Read until it has said something."""
        while words not in self.said:
            self.said += self._read()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit status."""
        try:
            while True:
                self.said += self._read()
        except EOFError:
            os.close(self._master)
            return self.process.wait(60)

    def _read(self) -> str:
        ready, _, _ = select.select([self._master], [], [], 120)
        assert ready, f"it hangs after: {self.said}"
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # How Linux says that nobody holds the other end any more.
            data = b""
        if not data:
            raise EOFError(self.said)
        return data.decode(errors="replace")


@pytest.mark.parametrize(
    ("end", "status"), [("\n", 0), ("\x04", 0), ("\x03", 130), (signal.SIGTERM, 143)], ids=["Enter", "^D", "^C", "TERM"]
)
def test_however_it_is_ended(program: Program, end: str | signal.Signals, status: int) -> None:
    terminal = Terminal([sys.executable, "-c", WAITS], program.folder, program.environment)
    terminal.until("Press Enter")
    assert "http://127.0.0.1:1" in terminal.said
    assert list(program.folder.glob("llm-usage-demo-*"))
    if isinstance(end, str):
        terminal.type(end)
    else:
        terminal.process.send_signal(end)
    assert terminal.end() == status
    assert ("went on" in terminal.said) == (status == 0)
    assert "Traceback" not in terminal.said
    assert list(program.folder.glob("llm-usage-demo-*")) == []


def test_the_page_is_there_while_it_waits(program: Program) -> None:
    # Its other world at the same time: the job takes half a minute.
    terminal = Terminal([sys.executable, "-m", "cli.main", "demo", "--awkward"], program.folder, program.environment)
    terminal.until("Press Enter")
    (address,) = set(re.findall(r"http://127\.0\.0\.1:\d+", terminal.said))
    page = httpx.get(address).text
    assert "Services LLM" in page
    assert "OpenRouter - Collecte" in page
    assert "مساعد الدعم" in page
    assert "Chatbot Mairie" not in page
    terminal.type("\n")
    assert terminal.end() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_without_a_terminal_it_does_not_wait(program: Program) -> None:
    program.variables["LLM_USAGE_ARCHIVE"] = str(program.folder / "mine")
    told = program.run("demo")
    assert (told.status, "Press Enter" in told.out) == (0, False)
    assert "0 rows were created" in told.out
    # Somebody's projects and clients, and what moved since the month before.
    assert re.search(r"Chatbot Mairie +Ville de Clairval", told.out)
    assert "most of it" in told.out
    # It ends with the page of the month, which stays.
    page = Path(told.out.splitlines()[-1])
    text = page.read_text("utf-8")
    page.unlink()
    assert all(f">{heading}<" in text for heading in ("Budgets", "By Client", "By Équipe", "7 months"))
    # Neither what is mine nor where it would lie otherwise is touched.
    assert not [name for name in ("mine", "data") if (program.folder / name).exists()]


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_its_extra_it_says_what_to_install(program: Program, package: str) -> None:
    script = f"import sys; sys.modules['{package}'] = None; from cli.main import entry; entry()"
    ended = subprocess.run(
        [sys.executable, "-c", script, "demo"],
        cwd=program.folder,
        env=program.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert package in line
    assert "pip install '.[demo]'" in line
