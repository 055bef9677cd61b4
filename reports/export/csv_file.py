"""Tables as CSV: UTF-8, commas, every digit, nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from decimal import Decimal
from typing import Final, TextIO

from reports.export.table import Column, Kind, Line, Table, Value, sound
from usage.money import digits

_SIGNS: Final = (" ", "=", "+", "-", "@", "＝", "＋", "－", "＠")
_UNSEEN: Final = "\\u00ad\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff"
"""Characters without width and marks of direction, which some programs drop before they look at what is left."""
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters: whoever does not know quotes begins a new line or cell there."""
_FORMULA: Final = re.compile(rf"(^|;)([\s{_UNSEEN}]*)([=+\-@＝＋－＠])")
"""What spreadsheets take for a formula: at the start of a cell, and behind the semicolon that is a cell's end where
Excel speaks French. Asian keyboards have wide signs, which Excel reads as well."""


def write_csv(table: Table[Line], stream: TextIO) -> int:
    """Write a table, a heading first, and return how many lines it has.

    Args:
        table: The table.
        stream: Where to; opened with `newline=""`.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([harmless(column.name) for column in table.columns])
    count = 0
    for line in table.lines:
        writer.writerow([_cell(column, column.value(line)) for column in table.columns])
        count += 1
    return count


def harmless(text: str) -> str:
    """Somebody's text as no spreadsheet takes it for a formula.

    Control characters become spaces. What begins like a formula, or with such a character, has an apostrophe before
    it; so has what begins like one behind a semicolon.
    """
    if text.isprintable() and ";" not in text and not text.startswith(_SIGNS):
        # As nearly always.
        return text
    spaced = _BREAKS.sub(" ", sound(text))
    marked = _FORMULA.sub(r"\1\2'\3", spaced)
    return f"'{marked}" if _BREAKS.match(text) else marked


def _cell(column: Column[Line], value: Value) -> str:
    if value is None:
        return ""
    if column.kind is Kind.TEXT:
        return harmless(str(value))
    if isinstance(value, Decimal):
        return digits(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return str(value)
