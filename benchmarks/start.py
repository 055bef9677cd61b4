"""From the command to the first provider request, without a running Prefect server: where the time goes.

    python -m benchmarks.start

Runs `llm-usage collect` against the sandbox, by turns with an empty Prefect flow, each in a process of its own with a
Prefect folder that was used before, and prints medians. The budget: an empty flow plus 1 s.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.everything import Sandbox

RUNS = 7
BUDGET = 1.0
_ROOT = Path(__file__).parent.parent

EMPTY_FLOW = """
import json, sys, time
from prefect import flow
imported = time.time()
@flow
def empty():
    began.append(time.time())
began = []
empty()
print(json.dumps({"Prefect imported": imported, "flow begins": began[0]}))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Sandbox() as sandbox:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= sandbox.environment()
        environment |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PYTHONPATH": str(_ROOT)}
        environment |= {f"XDG_{kind}_HOME": f"{folder}/{kind.lower()}" for kind in ("STATE", "DATA")}
        homes = {name: environment | {"PREFECT_HOME": f"{folder}/{name}"} for name in ("ours", "empty")}
        subprocess.run(
            [sys.executable, "-m", "cli.main", "setup"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        ours: list[dict[str, float]] = []
        empty: list[dict[str, float]] = []
        for _ in range(RUNS + 1):
            ours.append(_collect(sandbox, homes["ours"], folder))
            empty.append(_measured([sys.executable, "-c", EMPTY_FLOW], homes["empty"], folder))
        # The first start creates the database.
        print(f"cold: {ours[0]['first provider request']:.1f} s, an empty flow {empty[0]['flow begins']:.1f} s")
        _report("llm-usage collect, warm", ours[1:])
        _report("an empty Prefect flow, warm", empty[1:])
        mine, theirs = _median(ours[1:], "first provider request"), _median(empty[1:], "flow begins")
        print(f"\nfirst provider request after {mine:.2f} s; budget {theirs:.2f} + {BUDGET:.0f} s")


def _collect(sandbox: Sandbox, environment: dict[str, str], folder: str) -> dict[str, float]:
    sandbox.journal.clear()
    seen: list[float] = []
    providers = [api.name for api in sandbox.providers]

    def watch() -> None:
        while not any(sandbox.journal.requests(name) for name in providers):
            time.sleep(0.002)
        seen.append(time.time())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    begun = time.time()
    marks = _measured([sys.executable, "-m", "benchmarks.start", "traced"], environment, folder)
    watching.join()
    return marks | {"first provider request": seen[0] - begun}


def _measured(command: list[str], environment: dict[str, str], folder: str) -> dict[str, float]:
    """Seconds from the start of the command to each mark that it prints."""
    begun = time.time()
    done = subprocess.run(  # noqa: S603  # our own module
        command, env=environment, cwd=folder, check=True, capture_output=True, text=True
    )
    ended = time.time()
    marks: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {name: instant - begun for name, instant in marks.items()} | {"command ended": ended - begun}


def _report(title: str, runs: list[dict[str, float]]) -> None:
    print(f"\n{title} (median of {len(runs)}, seconds since the command)")
    for name in sorted(runs[0], key=lambda name: _median(runs, name)):
        print(f"  {_median(runs, name):6.2f}  {name}")


def _median(runs: list[dict[str, float]], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def traced() -> None:
    """`llm-usage collect` with a look at the clock in between."""
    marks = {"Python is up": time.time()}

    def marked(name: str, call: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            if before:
                marks.setdefault(name, time.time())
            try:
                return call(*arguments, **named)
            finally:
                marks.setdefault(name, time.time())

        return run

    # How long these imports take is part of the question.
    import cli.commands.collect  # noqa: PLC0415
    import cli.importing  # noqa: PLC0415
    import cli.prefect_server.server  # noqa: PLC0415
    import tasks.session  # noqa: PLC0415
    from cli.main import main as command  # noqa: PLC0415

    marks["the command's own imports"] = time.time()
    server: Any = cli.prefect_server.server.OwnServer
    server.__init__ = marked("server process begun", server.__init__, before=True)
    server.wait = marked("server answers", server.wait)
    importing: Any = cli.importing.Importing
    importing._import = marked("flow and Prefect imported", importing._import)
    session: Any = tasks.session
    session._open = marked("Notion has answered", session._open)
    open_session = session.open_session

    def in_command_or_flow(request: Any) -> Any:
        if "Notion has answered" in marks:
            marks.setdefault("flow begins", time.time())
        return open_session(request)

    session.open_session = in_command_or_flow
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until this process ends
    command(["collect", "--json"])
    sys.stdout = sys.__stdout__
    print(json.dumps(marks))


if __name__ == "__main__":
    traced() if sys.argv[1:] == ["traced"] else main()
