"""Our own records as a workbook that Excel and LibreOffice open: a sheet to pivot, and one with totals.

Numbers in a workbook are doubles: each amount stands there twice, as a number to count with and, in the columns at the
end, as text with every digit. Rows go to the disk as they come, so memory holds one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from reports.export.lines import Line
from reports.export.records import COST
from reports.export.table import Column, Kind, Table, Value, sound
from usage.errors import SettingsError
from usage.language.saying import say
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
    other: Decimal | None = None
    """The cost in the second currency."""
    lacks: bool = False
    """Whether a part of the cost has no rate: then nothing is told in the second currency."""

    def add(self, line: Line, other: Decimal | None) -> None:
        record = line.record
        self.plus(_Total(1, record.cost, record.tokens_input, record.tokens_output, record.requests, other))
        self.lacks |= other is None and record.cost is not None

    def plus(self, total: _Total) -> None:
        self.lines += total.lines
        self.cost, self.other = exact_sum((self.cost, total.cost)), exact_sum((self.other, total.other))
        self.lacks |= total.lacks
        for name in _COUNTED:
            setattr(self, name, whole_sum((getattr(self, name), getattr(total, name))))


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
        second = second_currency(table)
        for line in table.lines:
            if records.lines == MOST_LINES:
                raise SettingsError(
                    say(
                        "there are more than {number} lines, which is what a sheet of Excel holds: take fewer months, "
                        "--grain month, csv or parquet",
                        number=MOST_LINES,
                    )
                )
            records.write(line)
            totals.setdefault((str(line.row.month), line.row.provider.value), _Total()).add(line, _amount(second, line))
        records.end(workbook)
        _write_totals(workbook.add_worksheet(TOTALS), formats, totals, records, "" if second is None else second.name)
    return records.lines


def second_currency(table: Table[Line]) -> Column[Line] | None:
    """The column of costs in a second currency; None where there is none."""
    amounts = (column for column in table.columns if column.kind is Kind.AMOUNT and column.name.startswith("cost_"))
    return next((column for column in amounts if column.name != COST), None)


def _amount(column: Column[Line] | None, line: Line) -> Decimal | None:
    value = None if column is None else column.value(line)
    return value if isinstance(value, Decimal) else None


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


def _write_totals(
    sheet: Worksheet, formats: _Formats, totals: dict[tuple[str, str], _Total], records: _Sheet, second: str
) -> None:
    """A line for each provider's month, and one that adds the records up: by formula, so that it follows them.

    Args:
        sheet: Where to.
        formats: How cells look.
        totals: By month and provider.
        records: What is added up.
        second: Name of the column of costs in a second currency; empty where there is none.
    """
    headings = (
        "month",
        "provider",
        "lines",
        COST,
        *_COUNTED,
        COST + EXACT,
        *((second, second + EXACT) if second else ()),
    )
    sheet.set_column(0, len(headings) - 1, 16)
    sheet.freeze_panes(1, 0)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, formats.heading)
    for number, ((month, provider), total) in enumerate(totals.items(), start=1):
        # Without a second currency, its cells have no heading.
        for place, (name, value) in enumerate(zip(headings, (month, provider, *_cells(total)), strict=False)):
            _write(sheet, (number, place), value, _look(formats, name, value))
    last, every = len(totals) + 1, _Total()
    for total in totals.values():
        every.plus(total)
    sheet.write_string(last, 0, "total", formats.heading)
    for place, (name, value) in enumerate(zip(headings[2:], _cells(every), strict=False), start=2):
        look = _look(formats, name, value)
        if value is not None and name in (COST, *_COUNTED, second):
            sheet.write_formula(last, place, records.sum_of(name), look, float(value))
        else:
            _write(sheet, (last, place), value, look)


def _cells(total: _Total) -> tuple[str | int | Decimal | None, ...]:
    """From the number of lines on."""
    other = None if total.lacks else total.other
    counts = (getattr(total, name) for name in _COUNTED)
    return total.lines, total.cost, *counts, _exact_text(total.cost), other, _exact_text(other)


def _exact_text(amount: Decimal | None) -> str | None:
    return None if amount is None else digits(amount)


def _look(formats: _Formats, name: str, value: Value) -> Format | None:
    if isinstance(value, str):
        return None
    return formats.by_kind[Kind.AMOUNT if name.startswith("cost_") else Kind.COUNT]
