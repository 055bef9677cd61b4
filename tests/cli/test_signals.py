"""Ctrl-C and SIGTERM: whatever the program is doing, it ends at once with one sentence and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from sandbox.everything import Sandbox
from sandbox.faults import Fault, Kind
from tests.cli.programs import Program

Ends = Callable[..., None]

_PROCESSES = Path("/proc")
pytestmark = pytest.mark.skipif(not (_PROCESSES / "self").exists(), reason="looks for processes where Linux lists them")

STATUSES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
BOTH = pytest.mark.parametrize(("number", "status"), STATUSES, ids=["INT", "TERM"])


@pytest.fixture
def hanging() -> Iterator[socket.socket]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def set_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    sandbox.journal.clear()


def processes(program: Program) -> list[str]:
    """Command lines of what runs with the program's Prefect folder."""
    found = []
    for process in _PROCESSES.glob("[0-9]*"):
        try:
            if f"PREFECT_HOME={program.home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            # It has ended meanwhile, or is somebody else's.
            continue
    return found


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.02)


def stop(process: subprocess.Popen[str], number: signal.Signals, status: int, program: Program) -> None:
    """Send the signal and look at how the program ends."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert out == ""
    assert err.startswith("llm-usage: stopped (")
    assert err.count("\n") == 1
    assert processes(program) == []


def watches_signals(process: subprocess.Popen[str]) -> bool:
    """Whether it has come to where it takes signals into its own hands."""
    told = (_PROCESSES / str(process.pid) / "status").read_text()
    (blocked,) = re.findall(r"^SigBlk:\s*([0-9a-f]+)$", told, re.MULTILINE)
    return bool(int(blocked, 16) >> (signal.SIGTERM - 1) & 1)


def imports_libraries(process: subprocess.Popen[str]) -> bool:
    """Whether it has begun to load what takes long."""
    return "pydantic_core" in (_PROCESSES / str(process.pid) / "maps").read_text()


@BOTH
@pytest.mark.parametrize("so_far", [watches_signals, imports_libraries])
def test_at_the_start(
    program: Program, set_up: None, number: signal.Signals, status: int, so_far: Callable[..., bool]
) -> None:
    process = program.start("collect")
    until(lambda: so_far(process))
    stop(process, number, status, program)


def test_where_a_shell_has_ignored_it(program: Program, hanging: socket.socket) -> None:
    """`llm-usage collect &` in a script starts it with SIGINT ignored."""
    program.variables["NOTION_BASE_URL"] = address(hanging)
    process = program.start("status", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    connection, _ = hanging.accept()
    with connection:
        stop(process, signal.SIGINT, 130, program)


def test_while_a_provider_hangs_and_the_server_is_our_own(
    program: Program, sandbox: Sandbox, set_up: None, prefect_api: str, hanging: socket.socket
) -> None:
    program.used_before()
    program.variables["OPENROUTER_BASE_URL"] = address(hanging)
    process = program.start("collect", "--json")
    until(lambda: sandbox.journal.requests("deepgram"))
    assert any("cli.prefect_server" in line for line in processes(program))
    stop(process, signal.SIGINT, 130, program)


@BOTH
@pytest.mark.usefixtures("set_up")
def test_the_run_does_not_go_on_for_ever(
    program: Program, sandbox: Sandbox, prefect_api: str, number: signal.Signals, status: int
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    sandbox.faults.add(
        Fault(api="elevenlabs", kind=Kind.STATUS, status=503, headers={"retry-after": "60"}, times=-1),
    )
    program.use(prefect_api)
    process = program.start("collect", "--provider", "elevenlabs")
    until(lambda: sandbox.journal.requests("elevenlabs"))
    stop(process, number, status, program)
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
    assert run.state_name == "Cancelled"


def test_while_rows_are_written(program: Program, sandbox: Sandbox, set_up: None, prefect_api: str) -> None:
    program.use(prefect_api)
    program.variables["NOTION_REQUESTS_PER_MINUTE"] = "600"
    process = program.start("collect", "--provider", "openai")
    until(lambda: len(sandbox.journal.requests("notion", method="POST", path="/pages")) >= 2)
    stop(process, signal.SIGTERM, 143, program)

    def rows() -> list[Any]:
        return sandbox.notion.store.database("Usages LLM").rows()

    begun = len(rows())
    program.variables["NOTION_REQUESTS_PER_MINUTE"] = "60000"
    assert program.run("collect", "--provider", "openai").status == 0
    keys = [(row.title, row.value("Projet/API Key")) for row in rows()]
    assert len(keys) == len(set(keys)) > begun >= 2


def test_the_server_ends_by_itself_when_we_are_killed(program: Program, set_up: None) -> None:
    process = program.start("collect")
    until(lambda: any("cli.prefect_server" in line for line in processes(program)))
    process.kill()
    process.communicate()
    until(lambda: processes(program) == [], 15)


def test_demo_leaves_no_folder(program: Program) -> None:
    process = program.start("demo", stdout=subprocess.DEVNULL)
    until(lambda: list(program.folder.glob("llm-usage-demo-*/*.db")))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert err.startswith("llm-usage: stopped (")
    assert list(program.folder.glob("llm-usage-demo-*")) == []
    assert processes(program) == []


FALLS_OVER = """
import threading
import cli.main
from cli.prefect_server.ending import if_stopped

gone, never = threading.Event(), threading.Event()

def tidy_up():
    gone.set()
    never.wait(1)

def main(arguments):
    with if_stopped(tidy_up):
        print("ready", flush=True)
        gone.wait()
    return 1

cli.main.main = main
cli.main.entry()
"""
"""A command that fails over what is tidied away, before all of it is."""


def test_what_fails_while_it_is_stopped_does_not_say_so(program: Program) -> None:
    program.code = FALLS_OVER
    process = program.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert err.startswith("llm-usage: stopped (")


def test_a_reader_that_goes_away(program: Program, set_up: None) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = program.start("status", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, "")
