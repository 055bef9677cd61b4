"""What docs/EVIDENCE.md tells people to type, in an archive with corrections: it comes out to the last digit."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from msgspec.structs import replace

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import open_store
from tests.test_docs import ROOT, code_blocks, section, text_of
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Question
from usage.records.record import UsageRecord

PAGE: Final = ROOT / "docs" / "EVIDENCE.md"
DECEMBER, JANUARY = Month(2025, 12), Month(2026, 1)
OPENAI, DEEPGRAM = Source(provider=ProviderName.OPENAI), Source(provider=ProviderName.DEEPGRAM, account="prod")
TINY = Decimal("0.000000000000000000000001")
TOTAL = Decimal("12345678901.100000000000000000000001")
"""Of the two records of January: more digits than Python's own sums keep."""
ONE = UsageRecord(day=date(2026, 1, 3), project="p1", model="gpt-5", cost=Decimal("12345678901.1"), requests=7)
TWO = UsageRecord(day=date(2026, 1, 4), project="p2", item="Suppléments", cost=TINY)
HOURS = UsageRecord(model="nova-3", units=(("hours", Decimal("1.5")),))
EUROS = UsageRecord(day=date(2025, 12, 31), cost=Decimal("0.25"), units=(("cost_eur", Decimal("3.3")),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """January of OpenAI was read three times: corrected, and then the same again."""
    folder = tmp_path / "archive"
    archive = Archive(open_store(str(folder)))
    keep(archive, OPENAI, JANUARY, 2, replace(ONE, cost=Decimal(1)))
    keep(archive, OPENAI, JANUARY, 5, ONE, TWO)
    keep(archive, OPENAI, JANUARY, 6, ONE, TWO)
    keep(archive, DEEPGRAM, JANUARY, 2, HOURS)
    keep(archive, OPENAI, DECEMBER, 2, EUROS)
    monkeypatch.chdir(folder)
    return folder


def keep(archive: Archive, source: Source, month: Month, day: int, *records: UsageRecord) -> None:
    at = datetime(2026, 2, day, 8, tzinfo=UTC)
    answers = AnswerLog()
    answers.add(Exchange(Question("GET", "/costs", (("page", "1"),)), 200, at, repr(records).encode()))
    archive.keep(SourceReport(source=source, month=month, read_at=at, records=records), answers)


def queries() -> Iterator[str]:
    yield from code_blocks(text_of(PAGE), "sql")


def answers() -> list[list[tuple[Any, ...]]]:
    """Of all queries of the page, in its order."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return [connection.execute(query).fetchall() for query in queries()]


def test_every_query_of_duckdb(folder: Path) -> None:
    _, months, days, dearest, readings, said, *_ = answers()
    assert months == [
        ("2025-12", "openai", Decimal("0.25")),
        ("2026-01", "deepgram", None),
        ("2026-01", "openai", TOTAL),
    ]
    assert days == [(ONE.day, ONE.cost, 7), (TWO.day, TINY, None), (None, None, None)]
    assert [line[:3] for line in dearest] == [
        ("openai", "p1", "gpt-5"),
        ("openai", "p2", None),
        ("deepgram", None, "nova-3"),
    ]
    assert [(line[0], line[2].day, line[4]) for line in readings] == [
        ("deepgram", 2, None),
        ("openai", 2, 1),
        ("openai", 5, TOTAL),
        ("openai", 6, TOTAL),
    ]
    assert [(line[1], line[2], line[3]) for line in said] == [(200, "GET", "/costs")] * 2


def test_the_shares_of_costs_that_were_divided(folder: Path) -> None:
    def part(key: str, day: int, cost: str) -> UsageRecord:
        amount = Decimal(cost)
        return replace(ONE, day=date(2026, 1, day), api_key=key, cost=amount, allocated=amount)

    records = (part("a", 3, "0.5"), part("a", 4, "0.12"), part("b", 4, "0.38"), TWO)
    keep(Archive(open_store(str(folder))), OPENAI, JANUARY, 9, *records)
    divided = answers()[6]
    assert [(line[2], line[5], line[6]) for line in divided] == [
        ("a", Decimal("0.62"), 0.62),
        ("b", Decimal("0.38"), 0.38),
    ]


def test_every_file_for_excel(folder: Path) -> None:
    answers()
    with open("january.csv", encoding="utf-8", newline="") as file:
        lines = {line["project"]: line for line in csv.DictReader(file)}
    assert lines["p1"]["cost_usd"] == "12345678901.10"
    assert lines["p2"]["exact"] == f"USD {TINY:f}"
    assert (lines[""]["cost_usd"], lines[""]["exact"]) == ("", "")
    with open("couts.csv", encoding="utf-8", newline="") as file:
        costs = {(line["month"], line["project"]): line["cout_usd"] for line in csv.DictReader(file, delimiter=";")}
    assert costs["2026-01", "p1"] == "12345678901,10"
    assert costs["2025-12", ""] == "0,25"


def test_every_block_of_python(folder: Path) -> None:
    pandas, ours = (typed(block) for block in code_blocks(text_of(PAGE), "python"))
    assert str(TOTAL) in pandas
    assert "0.25" in pandas
    assert [line.split()[0] for line in ours.splitlines()] == ["deepgram/prod", *["openai"] * 3]
    assert [line.split()[-1] for line in ours.splitlines()] == ["None", "1", str(TOTAL), str(TOTAL)]


def typed(block: str) -> str:
    """What a block prints."""
    variables = os.environ | {"LLM_USAGE_ARCHIVE": str(Path.cwd()), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_figure_that_duckdb_can_t_hold_is_seen_and_pandas_has_it(folder: Path) -> None:
    keep(Archive(open_store(str(folder))), OPENAI, DECEMBER, 9, replace(EUROS, cost=Decimal("1e-30")))
    connection = duckdb.connect()
    connection.execute(next(queries()))
    types = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE usage)").fetchall())
    assert (types["cost"], types["cost_eur"]) == ("DOUBLE", "DECIMAL(38,24)")
    pandas = typed(code_blocks(text_of(PAGE), "python")[0])
    assert Decimal("1e-30") in [Decimal(line.split()[-1]) for line in pandas.splitlines() if "2025-12" in line]


def test_columns_are_named(folder: Path) -> None:
    connection = duckdb.connect()
    connection.execute(next(queries()))
    names = [name for (name,) in connection.execute("SELECT column_name FROM (DESCRIBE usage)").fetchall()]
    told = section(PAGE, "Asking it questions")
    assert [name for name in names[: names.index("missing_amounts") + 1] if f"`{name}`" not in told] == []


def test_sizes_are_those_of_the_benchmark() -> None:
    told = section(PAGE, "How large it gets")
    assert "python -m benchmarks.archive_sizes" in told
    from benchmarks.archive_sizes import ORDINARY
    from benchmarks.large_answer import LINES

    assert f"{ORDINARY:,} lines" in told
    assert f"{LINES:,} lines" in told
