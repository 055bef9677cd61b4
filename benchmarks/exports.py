"""Memory and time of exports: `python -m benchmarks.exports [records]`, 200,000 where nothing is said.

Each format has a process of its own, which makes the ledger first; "ledger" is that alone. Memory is the most that the
process ever held (MiB).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from reports.export.csv_file import write_csv
from reports.export.focus import focus_table
from reports.export.lines import Grain
from reports.export.parquet_file import write_parquet
from reports.export.records import records_table
from reports.export.table import Table
from reports.export.xlsx_file import write_xlsx
from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import UsageRecord

JANUARY = Month(2026, 1)
FORMATS = ("ledger", "csv", "parquet", "xlsx", "focus-csv", "focus-parquet")


def ledger_of(count: int) -> Ledger:
    """One month of 100 projects."""
    rows = [_row(f"proj_{number}", count // 100) for number in range(100)]
    return Ledger((MonthLedger(JANUARY, tuple(rows)),), datetime(2026, 2, 14, tzinfo=UTC))


def _row(key: str, count: int) -> LedgerRow:
    records = tuple(_record(key, number) for number in range(count))
    return LedgerRow(
        month=JANUARY,
        provider=ProviderName.OPENAI,
        account="",
        key=key,
        workspace="",
        name=f"Project {key}",
        records=records,
        by_day=True,
        own=(OwnColumn("Client", ("Memoways",)),),
    )


def _record(key: str, number: int) -> UsageRecord:
    return UsageRecord(
        day=date(2026, 1, number % 31 + 1),
        project=key,
        api_key=f"key_{number}",
        model="gpt-5-2025-08-07",
        cost=Decimal(number).scaleb(-9),
        tokens_input=number * 100,
        tokens_output=number,
        requests=7,
    )


def csv_file(table: Table[Any], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_csv(table, stream)


def export(form: str, ledger: Ledger, path: Path) -> None:
    """Write one file."""
    writers: dict[str, Callable[[], object]] = {
        "ledger": lambda: None,
        "csv": partial(csv_file, records_table(ledger, Grain.DAY), path),
        "parquet": partial(write_parquet, records_table(ledger, Grain.DAY), path),
        "xlsx": partial(write_xlsx, records_table(ledger, Grain.DAY), path),
        "focus-csv": partial(csv_file, focus_table(ledger)[0], path),
        "focus-parquet": partial(write_parquet, focus_table(ledger)[0], path),
    }
    writers[form]()


def main() -> None:
    """Measure all formats, or one where it is named by the variable that this program sets itself."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    form = os.environ.get("EXPORT_BENCHMARK", "")
    if not form:
        for name in FORMATS:
            subprocess.run(  # noqa: S603  # itself
                [sys.executable, "-m", "benchmarks.exports", str(count)],
                env=os.environ | {"EXPORT_BENCHMARK": name},
                check=True,
            )
        return
    with tempfile.TemporaryDirectory() as folder:
        ledger, path = ledger_of(count), Path(folder) / "x"
        begun = time.perf_counter()
        export(form, ledger, path)
        taken = time.perf_counter() - begun
        size = path.stat().st_size if path.exists() else 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{form:14} {count:,} records: {taken:6.1f} s, {most:6.0f} MiB, file {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
