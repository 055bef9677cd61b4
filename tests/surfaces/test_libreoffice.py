"""The workbook opens in LibreOffice as it was written, and its formulas come to the same."""

from __future__ import annotations

import csv
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.surfaces.books import SPAN, Books
from usage.money import exact_sum

EACH_SHEET: Final = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
"""Commas, quotes, UTF-8, cells as they are shown not, and every sheet."""

pytestmark = pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc-nogui"
)


def opened(path: Path) -> dict[str, list[dict[str, str]]]:
    """The sheets as LibreOffice reads and calculates them."""
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    command = ["soffice", "--headless", profile, "--convert-to", EACH_SHEET, "--outdir", str(path.parent), str(path)]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    found = {}
    for sheet in path.parent.glob(f"{path.stem}-*.csv"):
        with sheet.open(encoding="utf-8", newline="") as stream:
            found[sheet.stem.removeprefix(f"{path.stem}-")] = list(csv.DictReader(stream))
    return found


def test_libreoffice_reads_what_was_written(books: Books, tmp_path: Path) -> None:
    assert books("export", "xlsx", "--month", SPAN, "-o", str(tmp_path / "x.xlsx")).status == 0
    sheets = opened(tmp_path / "x.xlsx")
    assert sheets.keys() == {"Records", "Totals"}
    records = [line for month in books.ledger().months for row in month.rows for line in row.records]
    total = exact_sum(record.cost for record in records)
    lines = sheets["Records"]
    assert exact_sum(Decimal(line["cost_usd_exact"]) for line in lines if line["cost_usd_exact"]) == total
    assert {line["day"] for line in lines} == {str(record.day) for record in records}
    assert any(line["project_name"] == "=1+1" for line in lines)
    *groups, last = sheets["Totals"]
    assert len(groups) == 15
    # LibreOffice writes fifteen digits.
    assert total is not None
    assert float(last["cost_usd"]) == pytest.approx(float(total), rel=1e-13)
    assert Decimal(last["cost_usd_exact"]) == total
    assert int(last["tokens_input"]) == sum(record.tokens_input or 0 for record in records)
