"""500,000 lines of OpenAI's costs report, from JSON text to finished rows: seconds, peak memory, share of each step.

    python -m benchmarks.openai_rows [lines]

A page holds one day of the month; pages are made one at a time, and making them is not counted. The budget is 10 s and
1 GiB on one core: seconds are those of the processor, over all threads, so other work on the machine counts little.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from providers.openai.parse import CostPage, Outline
from providers.openai.reports import CostSink
from providers.shared.answers import Answer, parse
from usage.machine.memory import without_garbage_collection
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.outcomes.rows import LabelledReport, build_rows
from usage.peers.pieces import elements

SECONDS, BYTES = 10.0, 2**30
"""The budget."""
MONTH = Month(2026, 1)
SOURCE = Source(provider=ProviderName.OPENAI)
PROJECTS, KEYS, MODELS = 200, 10, 8
KINDS = ("input", "cached input", "output")


class Steps:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Add the time that the block takes to a step."""
        begin = time.process_time()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - begin


def page(day: int, lines: int) -> bytes:
    """The answer of one day, amounts in both spellings that were seen."""
    draw = random.Random(day)
    results = []
    for number in range(lines):
        project, rest = number % PROJECTS, number // PROJECTS
        value = f"{draw.randrange(10**12)}.{draw.randrange(10**16):016d}"
        results.append(
            '{"object":"organization.costs.result","amount":{"value":'
            + (f'"{value}"' if number % 2 else value)
            + f',"currency":"usd"}},"line_item":"gpt-4o-{rest % MODELS}, {KINDS[rest % len(KINDS)]}",'
            f'"project_id":"proj_{project:024d}","api_key_id":"key_{project:08d}{rest % KEYS:08d}",'
            f'"quantity":{draw.randrange(10**6)},"quantity_unit":"tokens",'
            '"organization_id":"org-benchmark","organization_name":"Benchmark"}'
        )
    start = int(MONTH.start.timestamp()) + day * 86_400
    more = day + 1 < MONTH.days
    turn = {"has_more": more, "next_page": f"page_{day + 1}" if more else None}
    return (
        f'{{"object":"page","data":[{{"object":"bucket","start_time":{start},"end_time":{start + 86_400},'
        f'"results":[{",".join(results)}]}}],{json.dumps(turn)[1:]}'
    ).encode()


def run(lines: int, steps: Steps) -> int:
    """Take all pages in and return how many rows they come to."""
    sink = CostSink(MONTH)
    for day in range(MONTH.days):
        share = lines // MONTH.days + (day < lines % MONTH.days)
        answer = Answer("/organization/costs", 200, httpx.Headers(), page(day, share))
        outline = Outline()
        with without_garbage_collection():
            # The two halves of `answer.parts`.
            pieces = elements(answer.content, "data")
            while True:
                with steps.measure("json"):
                    piece = next(pieces, None)
                if piece is None:
                    break
                with steps.measure("models"):
                    read = parse(piece, CostPage, answer.path)
                with steps.measure("records and sums"):
                    outline.add(read)
                    sink.add(read)
        outline.next_page(int(MONTH.end.timestamp()))
    with steps.measure("records and sums"):
        records = sink.figures(by_key=True).records
    with steps.measure("rows"):
        report = SourceReport(source=SOURCE, month=MONTH, read_at=datetime.now(UTC), records=records)
        rows = build_rows([LabelledReport(report, Grain.API_KEY, "")])
    return len(rows[SOURCE])


def main() -> int:
    """Print the figures; 1 when the budget is missed."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    steps = Steps()
    rows = run(lines, steps)
    total = sum(steps.seconds.values())
    # Kibibytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{lines} lines, {rows} rows: {total:.2f} s, peak memory {peak / 2**20:.0f} MiB")
    for step, seconds in steps.seconds.items():
        print(f"  {step:<18}{seconds:6.2f} s {seconds / total:6.1%}")
    kept = total <= SECONDS and peak <= BYTES
    print(f"budget of {SECONDS:.0f} s and {BYTES / 2**20:.0f} MiB: {'kept' if kept else 'missed'}")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
