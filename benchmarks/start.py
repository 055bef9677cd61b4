"""A collection without a running Prefect server, side by side with an empty Prefect flow: where the time goes.

    python -m benchmarks.start [RUNS]

Each command runs by turns, in processes of its own, with a Prefect folder that was used before, and standard error on a
terminal: `llm-usage collect` and an empty flow, both without a server and with one that runs already. The collection
asks the stand-ins of all providers and of Notion on this machine. What is printed are medians of RUNS (5). Processor
time is user and system, of the command and of all that it starts; it says more than time by the clock where other
programs want the machine as well. Linux alone: it looks at processes in `/proc`.

The budget: until the first provider is asked, an empty flow plus 1 s at most.
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.prefect_server.server import OwnServer
from sandbox.everything import Sandbox

RUNS: Final = 5
BUDGET: Final = 1.0
_ROOT: Final = Path(__file__).parent.parent
_TICKS: Final = os.sysconf("SC_CLK_TCK")

COLLECT: Final = ("-m", "cli.main", "collect")
EMPTY: Final = (
    "-c",
    "import os, sys; from prefect import flow, task\n@flow\ndef empty(): open(sys.argv[1], 'w').close()\nempty()",
)
"""Makes a file when the flow begins."""


@dataclass(frozen=True)
class Run:
    """Seconds since the command was started, by the clock and of the processor."""

    sign: float
    """Something stands on the terminal."""
    server: float | None
    """Another process has begun."""
    begun: float
    """The first provider is asked; the empty flow begins."""
    begun_processor: float
    ended: float
    ended_processor: float


def main(runs: int = RUNS) -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        folder = Path(name)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= sandbox.environment()
        environment |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PYTHONPATH": str(_ROOT)}
        # Its own patience with an empty flow's server is 20 s, which a busy machine needs for a first start.
        environment |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180"}
        environment |= {f"XDG_{kind}_HOME": f"{folder}/{kind.lower()}" for kind in ("STATE", "DATA", "CONFIG")}
        setup = [sys.executable, "-m", "cli.main", "setup"]
        subprocess.run(setup, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        os.environ["PREFECT_HOME"] = f"{folder}/running"
        running = OwnServer()
        try:
            running.wait()
            there = {"PREFECT_API_URL": running.api_url, "PREFECT_API_AUTH_STRING": running.auth_string}
            kinds = {
                "collect": _collecting(sandbox, environment | {"PREFECT_HOME": f"{folder}/ours"}, folder),
                "empty flow": _empty(environment | {"PREFECT_HOME": f"{folder}/empty"}, folder),
                "collect, server runs": _collecting(sandbox, environment | there, folder),
                "empty flow, server runs": _empty(environment | there, folder),
            }
            _measure(kinds, runs)
        finally:
            running.stop()


def _measure(kinds: Mapping[str, Callable[[], Run]], runs: int) -> None:
    for kind, run in kinds.items():
        # The first start on a machine creates the database.
        cold = run()
        told = f"begins after {cold.begun:.1f} s, processor {cold.ended_processor:.1f} s"
        print(f"first of all, {kind}: {told}", flush=True)
    seen: dict[str, list[Run]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for kind, run in kinds.items():
            seen[kind].append(run())
    _print(seen, runs)


def _print(seen: Mapping[str, list[Run]], runs: int) -> None:
    def median(kind: str, value: Callable[[Run], float | None]) -> float | None:
        known = [one for one in map(value, seen[kind]) if one is not None]
        return statistics.median(known) if known else None

    def cells(value: Callable[[Run], float | None]) -> str:
        found = [median(kind, value) for kind in seen]
        return " | ".join("–" if one is None else f"{one:.2f}" for one in found)

    print(f"\n| seconds since the command, median of {runs} | {' | '.join(seen)} |")
    print(f"|---|{'---:|' * len(seen)}")
    print(f"| first sign on a terminal | {cells(lambda run: run.sign)} |")
    print(f"| server's process begun | {cells(lambda run: run.server)} |")
    print(f"| first provider asked; flow begun | {cells(lambda run: run.begun)} |")
    print(f"| … processor until then | {cells(lambda run: run.begun_processor)} |")
    print(f"| command ended | {cells(lambda run: run.ended)} |")
    print(f"| … processor in all | {cells(lambda run: run.ended_processor)} |")
    ours, theirs = (median(kind, lambda run: run.begun) for kind in ("collect", "empty flow"))
    print(f"\nfirst provider asked after {ours:.2f} s; budget {theirs:.2f} + {BUDGET:.0f} s")


def _collecting(sandbox: Sandbox, environment: Mapping[str, str], folder: Path) -> Callable[[], Run]:
    providers = [api.name for api in sandbox.providers]

    def run() -> Run:
        sandbox.journal.clear()
        return _observed(COLLECT, environment, folder, lambda: any(map(sandbox.journal.requests, providers)))

    return run


def _empty(environment: Mapping[str, str], folder: Path) -> Callable[[], Run]:
    begun = folder / "begun"

    def run() -> Run:
        begun.unlink(missing_ok=True)
        return _observed((*EMPTY, str(begun)), environment, folder, begun.exists)

    return run


def _observed(command: tuple[str, ...], environment: Mapping[str, str], folder: Path, began: Callable[[], bool]) -> Run:
    """Run a command and look at it from outside."""
    ours, its = pty.openpty()
    signs: list[float] = []
    start = time.monotonic()
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, *command], env=dict(environment), cwd=folder, stdout=subprocess.DEVNULL, stderr=its
    )
    os.close(its)
    reading = threading.Thread(target=_note_signs, args=(ours, signs), daemon=True)
    reading.start()
    server: float | None = None
    while not began():
        if process.poll() is not None:
            raise RuntimeError(f"{command} ended with status {process.returncode} before it had begun")
        if server is None and len(_family(process.pid)) > 1:
            server = time.monotonic() - start
        time.sleep(0.005)
    begun, used = time.monotonic() - start, sum(map(_processor, _family(process.pid)))
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    reading.join()
    os.close(ours)
    if process.returncode:
        raise RuntimeError(f"{command} ended with status {process.returncode}")
    return Run(signs[0] - start, server, begun, used, ended, usage.ru_utime + usage.ru_stime)


def _note_signs(terminal: int, signs: list[float]) -> None:
    """Note when something is written to a terminal, until its other end is closed."""
    while True:
        try:
            if not os.read(terminal, 65536):
                return
        except OSError:
            # How Linux says that nobody has the other end any more.
            return
        signs.append(time.monotonic())


def _family(pid: int) -> list[int]:
    """A process and those that it has started, where they still run."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _processor(pid: int) -> float:
    """Seconds of the processor that a process has used, those of its ended children included."""
    try:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, numbers[11:15])) / _TICKS


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
