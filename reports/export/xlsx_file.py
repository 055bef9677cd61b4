"""Our own records as a workbook that Excel and LibreOffice open: a sheet to pivot, and one with totals.

Numbers in a workbook are doubles: each amount stands there twice, as a number to count with and, in the columns at the
end, as text with every digit. Rows go to the disk as they come, so memory holds one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from reports.export.lines import Line
from reports.export.records import COST
from reports.export.table import Column, Kind, Table, Value, sound
from usage.errors import SettingsError
from usage.money import digits, exact_sum, whole_sum

RECORDS: Final = "Records"
TOTALS: Final = "Totals"
EXACT: Final = "_exact"
"""Ends the names of columns that hold amounts as text."""
MOST_LINES: Final = 2**20 - 1
"""Lines that a sheet holds below its heading."""
_MOST_LETTERS: Final = 32_767
"""UTF-16 units in a cell."""
_COUNTED: Final = ("tokens_input", "tokens_output", "requests")
_OPTIONS: Final = {
    "constant_memory": True,
    # Texts are other people's: they stay texts.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(slots=True)
class _Total:
    """What the lines of a provider's month come to."""

    lines: int = 0
    cost: Decimal | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None

    def add(self, line: Line) -> None:
        record = line.record
        self.lines += 1
        self.cost = exact_sum((self.cost, record.cost))
        for name in _COUNTED:
            setattr(self, name, whole_sum((getattr(self, name), getattr(record, name))))


def write_xlsx(table: Table[Line], path: Path) -> int:
    """Write records and their totals, and return how many lines the records have.

    Args:
        table: The records.
        path: The file, which is replaced where there is one.

    Raises:
        SettingsError: There are more lines than a sheet holds.
        OSError: The file can't be written.
    """
    try:
        return _write_workbook(table, path)
    except FileCreateError as error:
        # What it was raised for; its own class is no error of the system's.
        raise (error.__context__ if isinstance(error.__context__, OSError) else OSError(str(error))) from error


def _write_workbook(table: Table[Line], path: Path) -> int:
    totals: dict[tuple[str, str], _Total] = {}
    with Workbook(path, _OPTIONS) as workbook:
        formats = _Formats(workbook)
        records = _Sheet(workbook.add_worksheet(RECORDS), formats, _columns(table))
        for line in table.lines:
            if records.lines == MOST_LINES:
                raise SettingsError(
                    f"there are more than {MOST_LINES:,} lines, which is what a sheet of Excel holds: "
                    "take fewer months, --grain month, csv or parquet"
                )
            records.write(line)
            totals.setdefault((str(line.row.month), line.row.provider.value), _Total()).add(line)
        records.end(workbook)
        _write_totals(workbook.add_worksheet(TOTALS), formats, totals, records)
    return records.lines


def _columns(table: Table[Line]) -> tuple[Column[Line], ...]:
    """The columns, and those of exact amounts behind them; names that Excel would take for the same are told apart."""
    amounts = [column for column in table.columns if column.kind is Kind.AMOUNT]
    return (*table.columns, *map(_exact, amounts))


def _exact(column: Column[Line]) -> Column[Line]:
    def text(line: Line) -> str | None:
        value = column.value(line)
        return digits(value) if isinstance(value, Decimal) else None

    return Column(column.name + EXACT, Kind.TEXT, text)


class _Formats:
    """How cells look."""

    def __init__(self, workbook: Workbook) -> None:
        self.heading: Format = workbook.add_format({"bold": True, "bottom": 1})
        self.by_kind: dict[Kind, Format | None] = {
            Kind.TEXT: None,
            Kind.DAY: workbook.add_format({"num_format": "yyyy-mm-dd"}),
            Kind.AMOUNT: workbook.add_format({"num_format": "#,##0.00####"}),
            Kind.COUNT: workbook.add_format({"num_format": "#,##0"}),
        }


class _Sheet:
    """The records: a heading and a line each, without gaps or merged cells, as pivot tables want it."""

    def __init__(self, sheet: Worksheet, formats: _Formats, columns: tuple[Column[Line], ...]) -> None:
        self.lines = 0
        self._sheet, self._formats, self._columns = sheet, formats, columns
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, 34 if column.kind is Kind.TEXT and column.name.endswith("name") else 14)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, _cell_text(column.name), formats.heading)

    def write(self, line: Line) -> None:
        self.lines += 1
        for place, column in enumerate(self._columns):
            value = column.value(line)
            if value is not None:
                _write(self._sheet, (self.lines, place), value, self._formats.by_kind[column.kind])

    def end(self, workbook: Workbook) -> None:
        """Filters, and a name for the whole: a pivot table is made of `usage_records`."""
        last = len(self._columns) - 1
        self._sheet.autofilter(0, 0, self.lines, last)
        workbook.define_name("usage_records", f"={RECORDS}!$A$1:${xl_col_to_name(last)}${self.lines + 1}")

    def sum_of(self, name: str) -> str:
        """A formula that adds up a column of numbers."""
        letter = xl_col_to_name([column.name for column in self._columns].index(name))
        return f"=SUM({RECORDS}!${letter}$2:${letter}${max(self.lines, 1) + 1})"


def _write(sheet: Worksheet, at: tuple[int, int], value: Value, look: Format | None) -> None:
    if isinstance(value, str):
        sheet.write_string(*at, _cell_text(value), look)
    elif isinstance(value, date):
        sheet.write_datetime(*at, value, look)
    elif value is not None:
        sheet.write_number(*at, float(value), look)


def _cell_text(text: str) -> str:
    """The text as a cell holds it: one that is too long ends with `…`."""
    whole = sound(text)
    if len(whole) * 2 <= _MOST_LETTERS:
        return whole
    encoded = whole.encode("utf-16-le")
    if len(encoded) // 2 <= _MOST_LETTERS:
        return whole
    return encoded[: 2 * (_MOST_LETTERS - 1)].decode("utf-16-le", "ignore") + "…"


def _write_totals(sheet: Worksheet, formats: _Formats, totals: dict[tuple[str, str], _Total], records: _Sheet) -> None:
    """A line for each provider's month, and one that adds the records up: by formula, so that it follows them."""
    headings = ("month", "provider", "lines", COST, *_COUNTED, COST + EXACT)
    sheet.set_column(0, len(headings) - 1, 16)
    sheet.freeze_panes(1, 0)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, formats.heading)
    for number, ((month, provider), total) in enumerate(totals.items(), start=1):
        _write_total(sheet, formats, number, (month, provider), total)
    last = len(totals) + 1
    every = _sum(totals)
    sheet.write_string(last, 0, "total", formats.heading)
    sheet.write_number(last, 2, every.lines, formats.by_kind[Kind.COUNT])
    for place, name in enumerate((COST, *_COUNTED), start=3):
        value: Any = every.cost if name == COST else getattr(every, name)
        look = formats.by_kind[Kind.AMOUNT if name == COST else Kind.COUNT]
        if value is not None:
            sheet.write_formula(last, place, records.sum_of(name), look, float(value))
    if every.cost is not None:
        sheet.write_string(last, 7, digits(every.cost))


def _write_total(sheet: Worksheet, formats: _Formats, number: int, of: tuple[str, str], total: _Total) -> None:
    values = (*of, total.lines, total.cost, *(getattr(total, name) for name in _COUNTED))
    kinds = (Kind.TEXT, Kind.TEXT, Kind.COUNT, Kind.AMOUNT, *(Kind.COUNT for _ in _COUNTED))
    for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
        _write(sheet, (number, place), value, formats.by_kind[kind])
    if total.cost is not None:
        sheet.write_string(number, 7, digits(total.cost))


def _sum(totals: dict[tuple[str, str], _Total]) -> _Total:
    every = list(totals.values())
    return _Total(
        sum(one.lines for one in every),
        exact_sum(one.cost for one in every),
        *(whole_sum(getattr(one, name) for one in every) for name in _COUNTED),
    )
