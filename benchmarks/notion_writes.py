"""Writing to Notion at the rate limit: seconds against the least they can be, and requests against the budget.

    python -m benchmarks.notion_writes [writes] [requests per minute]

Against the stand-in on a loopback port, so that the pace alone decides. The least is writes / rate; the budget is 1.05
times that. Requests are those of 200 rows of five sources: the first collection, the same once more, ten rows changed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path

from notion.client.gateway import Gateway
from notion.client.pace import Pace
from notion.setup.databases import set_up
from notion.workspace import Workspace
from sandbox.notion import NotionApi
from sandbox.server import Server
from sandbox.shared.standin import now
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.rows import Totals, UsageRow
from usage.records.breakdown import BreakdownEntry
from usage.settings import KEY_VARIABLES, Settings, load_settings

RATIO = 1.05
"""The budget: wall time to writes / allowed rate."""
MONTH = Month(2026, 1)
READ_AT = datetime(2026, 2, 5, 8, tzinfo=UTC)
ROWS, SOURCES = 200, len(ProviderName)


def outcomes(rows: int, *, run: int = 0, changed: int = 0) -> list[SourceOutcome]:
    """So many rows, spread evenly over five sources; the first `changed` of them cost a cent more."""
    numbers = range(rows)
    return [
        SourceOutcome(
            source=Source(provider=provider),
            month=MONTH,
            label="",
            attempted_at=READ_AT + timedelta(days=run),
            status=Status.SUCCES,
            rerun=False,
            log="31 jours lus.",
            rule=provider.spec.grains.rule(provider.spec.grains.default),
            rows=tuple(_row(number, number < changed) for number in numbers[place::SOURCES]),
            complete=True,
        )
        for place, provider in enumerate(ProviderName)
    ]


def _row(number: int, has_changed: bool) -> UsageRow:
    cost = Decimal(number + has_changed) / 100
    return UsageRow(
        key=f"proj_{number:04d}",
        workspace="",
        name=f"Projet {number}",
        models=("gpt-4o",),
        totals=Totals(cost=cost, tokens_input=1000, tokens_output=500, requests=10),
        breakdown=(BreakdownEntry(model="gpt-4o", cost=cost, requests=10, tokens_input=1000, tokens_output=500),),
        status=Status.SUCCES,
        log="Coûts du rapport.",
    )


@contextmanager
def databases() -> Iterator[Settings]:
    """A Notion with both databases."""
    api = NotionApi(now)
    with Server([api]) as server:
        keys = dict.fromkeys(KEY_VARIABLES.values(), "secret")
        settings = load_settings(server.environment() | keys, ())
        gateway = Gateway(settings.notion)
        set_up(gateway, settings.notion, frozenset(ProviderName))
        gateway.close()
        yield settings


def collect(settings: Settings, brought: Sequence[SourceOutcome], pace: Pace | None = None) -> tuple[float, int]:
    """Seconds of writing, and requests of all."""
    gateway = Gateway(settings.notion, pace=pace)
    workspace = Workspace(settings, frozenset(ProviderName), gateway)
    plan = workspace.plan(MONTH, brought)
    begin = time.perf_counter()
    done = workspace.publish(plan, unfiltered=True)
    seconds = time.perf_counter() - begin
    workspace.close()
    return seconds, done.counts.requests


def main() -> int:
    """Print the figures; 1 when a budget is missed."""
    writes = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    with databases() as settings, tempfile.TemporaryDirectory() as folder:
        seconds, _ = collect(settings, outcomes(writes - SOURCES), Pace("benchmark", rate, folder=Path(folder)))
    least = writes * 60 / rate
    print(f"{writes} writes at {rate} a minute: {seconds:.2f} s, least {least:.2f} s, ratio {seconds / least:.3f}")
    kept = seconds <= RATIO * least
    steps = (("first", 0, 0, ROWS), ("again", 1, 0, 0), ("10 changed", 2, 10, 10))
    with databases() as settings:
        for name, run, changed, written in steps:
            _, requests = collect(settings, outcomes(ROWS, run=run, changed=changed))
            budget = written + SOURCES + ceil((ROWS + SOURCES) / 100) + 8
            print(f"{ROWS} rows of {SOURCES} sources, {name}: {requests} requests, budget {budget}")
            kept = kept and requests <= budget
    print(f"budgets: {'kept' if kept else 'missed'}")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
