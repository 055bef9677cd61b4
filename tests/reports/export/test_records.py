"""Our records as CSV, Parquet and a workbook: the same lines, every digit, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from msgspec import structs

from reports.currency import NoRate, Rate, Rates, RateSource, for_files
from reports.export import xlsx_file
from reports.export.csv_file import harmless, write_csv
from reports.export.lines import Grain, Line, Lines
from reports.export.parquet_file import write_parquet
from reports.export.records import records_table
from reports.export.table import Kind, Table, sound
from reports.export.xlsx_file import write_xlsx
from reports.ledger import Ledger, OwnColumn
from tests.reports.export.ledgers import AWKWARD, JANUARY, RECORD, ROW, ledger_of, ledgers
from tests.test_docs import ROOT, code_spans, rows, section
from usage.errors import SettingsError
from usage.money import exact_sum, whole_sum
from usage.records.record import Unit

REPORTS = ROOT / "docs" / "REPORTS.md"
WORKBOOK_DAY = datetime(2026, 1, 5)  # noqa: DTZ001  # as openpyxl reads a day
TRIGGERS = tuple("=+-@\t\r\n＝＋－＠")


def as_csv(table: Table[Line]) -> list[dict[str, str]]:
    stream = io.StringIO(newline="")
    count = write_csv(table, stream)
    lines = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert len(lines) == count
    return lines


def as_parquet(table: Table[Line]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        count = write_parquet(table, path)
        lines: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    assert len(lines) == count
    return lines


def as_sheets(table: Table[Line]) -> dict[str, list[list[Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xlsx"
        write_xlsx(table, path)
        book = openpyxl.load_workbook(path)
        return {sheet.title: [list(row) for row in sheet.iter_rows()] for sheet in book}


def cells(lines: list[list[Any]]) -> Iterator[dict[str, Any]]:
    heading, *rest = lines
    for line in rest:
        yield {name.value: cell.value for name, cell in zip(heading, line, strict=True)}


def costs(ledger: Ledger) -> Decimal | None:
    return exact_sum(month.cost for month in ledger.months)


@given(ledgers())
def test_sums_are_the_rows_in_every_grain(ledger: Ledger) -> None:
    for grain in Grain:
        lines = list(Lines(ledger, grain))
        assert exact_sum(line.record.cost for line in lines) == costs(ledger)
        for name in ("tokens_input", "tokens_output", "requests"):
            whole = whole_sum(getattr(row, name) for month in ledger.months for row in month.rows)
            assert whole_sum(getattr(line.record, name) for line in lines) == whole
        for month in ledger.months:
            for row in month.rows:
                ours = [line for line in lines if line.row is row]
                assert exact_sum(line.record.cost for line in ours) == row.cost
                assert len({line.record.ids for line in ours}) == len(ours)
    assert all(line.record.day is None for line in Lines(ledger, Grain.MONTH))


@given(ledgers())
def test_csv_holds_every_digit_and_no_formula(ledger: Ledger) -> None:
    table = records_table(ledger, Grain.DAY)
    lines = as_csv(table)
    kinds = {harmless(column.name): column.kind for column in table.columns}
    assert exact_sum(Decimal(line["cost_usd"]) for line in lines if line["cost_usd"]) == costs(ledger)
    for line in lines:
        for name, text in line.items():
            if kinds[name] is Kind.TEXT:
                assert not text.lstrip().startswith(TRIGGERS)
                assert not any(part.lstrip().startswith(TRIGGERS) for part in text.split(";"))
            elif text:
                assert "E" not in text.upper()


@settings(max_examples=40)
@given(ledgers())
def test_parquet_is_exact_and_keeps_names_as_they_are(ledger: Ledger) -> None:
    table = records_table(ledger, Grain.DAY)
    lines = as_parquet(table)
    assert exact_sum(line["cost_usd"] for line in lines) == costs(ledger)
    for found, line in zip(lines, table.lines, strict=True):
        for column in table.columns:
            value = column.value(line)
            assert found[sound(column.name)] == (sound(value) if isinstance(value, str) else value)


@settings(max_examples=25)
@given(ledgers())
def test_a_workbook_has_texts_and_numbers_and_only_our_formulas(ledger: Ledger) -> None:
    sheets = as_sheets(records_table(ledger, Grain.DAY))
    assert list(sheets) == ["Records", "Totals"]
    assert all(cell.data_type != "f" and cell.hyperlink is None for line in sheets["Records"] for cell in line)
    lines = list(cells(sheets["Records"]))
    assert exact_sum(Decimal(line["cost_usd_exact"]) for line in lines if line["cost_usd_exact"]) == costs(ledger)
    for line in lines:
        if line["cost_usd_exact"] is not None:
            assert float(line["cost_usd"]) == pytest.approx(float(Decimal(line["cost_usd_exact"])), rel=1e-15)
    *groups, total = cells(sheets["Totals"])
    assert sum(group["lines"] for group in groups) == total["lines"] == len(lines)
    assert (None if total["cost_usd_exact"] is None else Decimal(total["cost_usd_exact"])) == costs(ledger)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(name: str) -> None:
    row = replace(ROW, name=name, own=(OwnColumn("Client", (name, "=B")),))
    table = records_table(ledger_of(row), Grain.DAY)
    (line,) = as_csv(table)
    assert line["row_name"] == line["project_name"] == harmless(name)
    assert not harmless(name).startswith(TRIGGERS)
    assert harmless(name).replace("'", "").split() == sound(name).replace("\x07", " ").replace("'", "").split()
    (kept,) = as_parquet(table)
    assert kept["row_name"] == sound(name)
    assert kept["Client"] == f"{sound(name)}; =B"
    (cell,) = cells(as_sheets(table)["Records"])
    assert len(cell["row_name"]) <= 32_767
    if len(name) < 100 and name.isprintable():
        assert cell["row_name"] == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("=1+1", "'=1+1"),
        ("-2", "'-2"),
        ("@x", "'@x"),
        ("+x", "'+x"),
        ("\t=1", "' '=1"),
        (" =1", " '=1"),
        ("a; =1", "a; '=1"),
        ("a=1", "a=1"),
        ("two\r\nlines", "two  lines"),
        ("Équipe, été", "Équipe, été"),
        ("", ""),
    ],
)
def test_the_apostrophe(name: str, text: str) -> None:
    assert harmless(name) == text


def test_names_stand_beside_ids_and_organisations_where_they_are_known() -> None:
    key = replace(ROW, key="k1", name="server", records=(structs.replace(RECORD, api_key="k1", workspace="w9"),))
    first, second = as_csv(records_table(ledger_of(ROW, key), Grain.DAY))
    assert (first["project"], first["project_name"], first["api_key"], first["api_key_name"]) == (
        "p1",
        "Production",
        "",
        "",
    )
    assert (second["project_name"], second["api_key"], second["api_key_name"]) == ("Production", "k1", "server")
    assert (second["workspace"], second["workspace_name"], second["row"], second["row_name"]) == (
        "w9",
        "",
        "k1",
        "server",
    )
    assert (first["account"], first["organisation"], first["status"]) == ("labo", "org-1", "Succes")


def test_days_are_real_dates_and_rows_without_days_say_so() -> None:
    coarse = replace(
        ROW, key="p2", by_day=False, records=(structs.replace(RECORD, day=None), structs.replace(RECORD, model="b"))
    )
    table = records_table(ledger_of(ROW, coarse), Grain.DAY)
    assert [line["day"] for line in as_csv(table)] == ["2026-01-05", "", ""]
    assert [line["day"] for line in as_parquet(table)] == [date(2026, 1, 5), None, None]
    assert [line["day"] for line in cells(as_sheets(table)["Records"])] == [WORKBOOK_DAY, None, None]


def test_units_have_columns_and_other_currencies_where_they_occur() -> None:
    units = (("characters", Decimal("12")), ("cost_eur", Decimal("0.50")))
    (line,) = as_csv(records_table(ledger_of(replace(ROW, records=(structs.replace(RECORD, units=units),))), Grain.DAY))
    assert (line["characters"], line["hours"], line["billed_eur"]) == ("12", "", "0.5")
    (plain,) = as_csv(records_table(ledger_of(ROW), Grain.DAY))
    assert not {"billed_eur", "cost_eur"} & set(plain)
    assert set(Unit) <= set(plain)


EUROS = Rates("EUR", {JANUARY: Rate(JANUARY, "EUR", Decimal("1.1734"), RateSource.ECB)})


@given(ledgers())
def test_euros_stand_beside_dollars_in_all_forms(ledger: Ledger) -> None:
    table, rate = records_table(ledger, Grain.DAY, EUROS), EUROS.rates[JANUARY]
    plain, exact = list(records_table(ledger, Grain.DAY).lines), as_parquet(table)
    sheet = list(cells(as_sheets(table)["Records"]))
    for line, text, typed, cell in zip(plain, as_csv(table), exact, sheet, strict=True):
        cost = line.record.cost
        if cost is None:
            assert (text["cost_eur"], typed["cost_eur"], cell["cost_eur"]) == ("", None, None)
            continue
        assert abs(Decimal(text["cost_eur"]) - rate.convert(cost)) <= Decimal("0.5e-24")
        assert Decimal(text["cost_eur"]) == typed["cost_eur"] == Decimal(cell["cost_eur_exact"])
        assert (text["eur_rate"], text["eur_rate_source"]) == ("1.1734", "ecb")
        assert Decimal(text["cost_usd"]) == cost


def test_a_month_without_a_rate_has_no_euros_and_no_total_of_them() -> None:
    table = records_table(ledger_of(ROW), Grain.DAY, Rates("EUR", {}, {JANUARY: NoRate.RUNNING}))
    (line,) = as_csv(table)
    assert (line["cost_usd"], line["cost_eur"], line["eur_rate"], line["eur_rate_source"]) == ("1.25", "", "", "")
    for total in cells(as_sheets(table)["Totals"]):
        assert (total["cost_eur"], total["cost_eur_exact"]) == (None, None)
    both = as_sheets(records_table(ledger_of(ROW, replace(ROW, key="p2")), Grain.DAY, EUROS))
    month, total = cells(both["Totals"])
    half = for_files(EUROS.both(RECORD.cost, JANUARY).other)
    assert half is not None
    assert Decimal(month["cost_eur_exact"]) == Decimal(total["cost_eur_exact"]) == 2 * half
    assert total["cost_eur"].startswith("=SUM(Records!")
    assert "cost_eur" not in next(cells(as_sheets(records_table(ledger_of(ROW), Grain.DAY))["Totals"]))


def test_a_column_of_people_that_bears_the_name_of_ours() -> None:
    row = replace(ROW, own=(OwnColumn("Month", ("x",)), OwnColumn("=Client", ("a", "b"))))
    (line,) = as_csv(records_table(ledger_of(row), Grain.DAY))
    assert (line["month"], line["Month (own)"], line["'=Client"]) == ("2026-01", "x", "a; b")


def test_huge_amounts_keep_every_digit() -> None:
    small, large = Decimal("1E-38"), Decimal("12345678901234567890123456.5")
    rows = [
        replace(ROW, key=str(cost), records=(structs.replace(RECORD, cost=cost),))
        for cost in (small, large, Decimal("-0"))
    ]
    table = records_table(ledger_of(*rows), Grain.MONTH)
    assert [line["cost_usd"] for line in as_csv(table)] == [f"{small:f}", f"{large:f}", "0"]
    assert [line["cost_usd"] for line in as_parquet(table)] == [small, large, Decimal(0)]
    assert [line["cost_usd_exact"] for line in cells(as_sheets(table)["Records"])] == [f"{small:f}", f"{large:f}", "0"]


def test_more_lines_than_a_sheet_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_LINES", 1)
    table = records_table(ledger_of(ROW, replace(ROW, key="p2")), Grain.DAY)
    with pytest.raises(SettingsError, match="csv or parquet"):
        write_xlsx(table, tmp_path / "x.xlsx")


def test_the_docs_name_every_column() -> None:
    told = code_spans("\n".join(row[0] for row in rows(section(REPORTS, "Columns of csv, parquet and xlsx"))))
    euros = replace(ROW, records=(structs.replace(RECORD, units=(("cost_eur", Decimal(1)),)),))
    written = [column.name for column in records_table(ledger_of(euros), Grain.DAY, EUROS).columns]
    assert set(told) == set(written)
