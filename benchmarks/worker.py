"""What a run costs on a worker: from the click to the first provider request, and a month against plain Python.

    python -m benchmarks.worker [runs]

Starts PostgreSQL, a Prefect server and two workers as the tests do, with all keys of the sandbox, and prints medians.
The month stands in Notion already, so that every run does the same: it reads all sources and writes their own rows. The
workers look for runs every second; Prefect's default is ten (`PREFECT_WORKER_QUERY_SECONDS`).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from tests.team.plain import collect_plainly
from tests.team.team import Team, running_team
from usage.month import Month
from usage.settings import load_settings

RUNS = 7
MONTH = "2026-01"
Marks = dict[str, float]


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_team(Path(folder)) as team:
        _on_worker(team)
        by_worker, by_command, alone = [], [], []
        # By turns, so that whatever else the machine does falls on all of them.
        for _ in range(runs):
            by_worker.append(_on_worker(team))
            by_command.append(_seconds(team, "cli.main", "collect", "--month", MONTH, "--json"))
            alone.append(_plainly(team))
        print(f"a run on a warm worker (median of {runs}, seconds since the click)")
        for name in by_worker[0]:
            print(f"  {_median([marks[name] for marks in by_worker]):6.2f}  {name}")
        whole, month = _median([marks["run over"] for marks in by_worker]), _median([inner for inner, _ in alone])
        print("\nthe same month, seconds from start to end")
        print(f"  {whole:6.2f}  on a worker")
        print(f"  {_median(by_command):6.2f}  llm-usage collect, with the same server")
        print(f"  {_median([outer for _, outer in alone]):6.2f}  without Prefect, in a process of its own")
        print(f"  {month:6.2f}  of that after Python and its packages are there")
        print(f"\nPrefect and the worker add {whole - month:.2f} s to a month")


def _on_worker(team: Team) -> Marks:
    team.sandbox.journal.clear()
    seen: list[float] = []
    providers = [api.name for api in team.sandbox.providers]

    def watch() -> None:
        while not any(team.sandbox.journal.requests(name) for name in providers):
            time.sleep(0.005)
        seen.append(time.time())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    click = time.time()
    run = team.start("collect", month=MONTH)
    ended = team.ended(run)
    watching.join()
    if ended["state_type"] != "COMPLETED":
        raise SystemExit(f"the run is {ended['state']}")
    states = team.api("GET", f"/flow_run_states/?flow_run_id={run}")
    moments = {state["name"]: datetime.fromisoformat(state["timestamp"]).timestamp() for state in states}
    return {
        "a worker takes it": moments["Pending"] - click,
        "the flow begins": moments["Running"] - click,
        "first provider request": seen[0] - click,
        "run over": moments["Completed"] - click,
    }


def _seconds(team: Team, module: str, *arguments: str) -> float:
    begun = time.time()
    done = team.command(*arguments, program=module)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.time() - begun


def _plainly(team: Team) -> tuple[float, float]:
    """Seconds for the month, and for its whole process."""
    begun = time.time()
    done = subprocess.run(  # our own module
        [sys.executable, "-m", "benchmarks.worker", "plain"],
        env=team.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout), time.time() - begun


def plain() -> None:
    """The month without Prefect; prints its seconds."""
    begun = time.perf_counter()
    collect_plainly(load_settings(), Month.parse(MONTH))
    print(time.perf_counter() - begun)


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds)


if __name__ == "__main__":
    if sys.argv[1:] == ["plain"]:
        plain()
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else RUNS)
