"""What a month takes in the archive: bytes of the records, of the answers and of the entry, and seconds to keep them.

    python -m benchmarks.archive_sizes [lines …]

The month is OpenAI's costs as in `benchmarks.large_answer`: lines of days, projects, keys, models and kinds, with
amounts of sixteen digits that repeat nowhere. 3,000 lines are an ordinary month of a team, 248,000 the largest answer
that was seen. It is kept twice: the second reading says the same, a day later, and adds an entry.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import FolderStore
from benchmarks.large_answer import LINES
from benchmarks.openai_month import MONTH, costs
from usage.money import exact_sum
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Question
from usage.records.record import UsageRecord

ORDINARY = 3_000
SOURCE = Source(provider=ProviderName.OPENAI)
AT = datetime(2026, 2, 5, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Sizes:
    """Of one month; bytes, but for the counts and the seconds."""

    lines: int
    came: int
    """The answers as they came."""
    rows: int
    """Records, by day."""
    records: int
    answers: int
    entry: int
    again: int
    """What a second reading added that said the same."""
    seconds: float
    """Of the processor, to keep the first one."""


def measure(lines: int, folder: Path) -> Sizes:
    """Keep a month of so many lines in a folder, twice."""
    body, total = costs(lines)
    records = tuple(_records(json.loads(body, parse_float=Decimal)))
    archive = Archive(FolderStore(folder))
    begun = process_time()
    entry = _keep(archive, records, (body, total), AT)
    seconds = process_time() - begun
    before = _size(folder)
    _keep(archive, records, (body, total), AT + timedelta(days=1))
    return Sizes(
        lines=lines,
        came=len(body) + len(total),
        rows=len(records),
        records=entry.records.size,
        answers=entry.answers.size,
        entry=before - entry.records.size - entry.answers.size,
        again=_size(folder) - before,
        seconds=seconds,
    )


def _keep(archive: Archive, records: tuple[UsageRecord, ...], bodies: tuple[bytes, ...], at: datetime) -> Any:
    log = AnswerLog()
    for body in bodies:
        log.add(Exchange(Question("GET", "/organization/costs"), 200, at, body))
    return archive.keep(SourceReport(source=SOURCE, month=MONTH, read_at=at, records=records, days_read=31), log)


def _records(page: Any) -> Iterator[UsageRecord]:
    """One for each day, project, key and model."""
    amounts: dict[tuple[date, str, str, str], list[Decimal]] = {}
    for bucket in page["data"]:
        day = datetime.fromtimestamp(bucket["start_time"], UTC).date()
        for line in bucket["results"]:
            model = line["line_item"].partition(",")[0]
            key = day, line["project_id"], line["api_key_id"], model
            amounts.setdefault(key, []).append(Decimal(line["amount"]["value"]))
    for (day, project, api_key, model), values in amounts.items():
        yield UsageRecord(day=day, project=project, api_key=api_key, model=model, cost=exact_sum(values))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Print a line for each month."""
    print("   lines   came MB     rows  records kB  answers kB  entry kB  again kB  seconds")
    for lines in [int(word) for word in sys.argv[1:]] or [ORDINARY, LINES]:
        with tempfile.TemporaryDirectory() as folder:
            one = measure(lines, Path(folder) / "archive")
        print(
            f"{one.lines:8} {one.came / 1e6:9.1f} {one.rows:8} {one.records / 1e3:11.0f} {one.answers / 1e3:11.0f} "
            f"{one.entry / 1e3:9.1f} {one.again / 1e3:9.1f} {one.seconds:8.2f}"
        )


if __name__ == "__main__":
    main()
