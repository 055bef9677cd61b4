"""`llm-usage export`: months as files for other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from cli.commands.reporting.paths import folder_of, named, refusal, require_place
from cli.display import literal, noting_warnings, out, print_lines
from notion.client.gateway import Gateway
from notion.workspace import Workspace
from reports.currency import Rates, for_files
from reports.export.charges import Charges
from reports.export.csv_file import write_csv
from reports.export.focus import focus_table
from reports.export.lines import Grain
from reports.export.parquet_file import write_parquet
from reports.export.records import records_table
from reports.export.table import Table
from reports.export.whole import whole_file
from reports.ledger import Ledger
from tasks.books.gather import gather
from tasks.books.rates import gather_rates
from tasks.books.related import with_titles
from usage.errors import LlmUsageError, SettingsError
from usage.language.saying import say
from usage.language.words import Words
from usage.money import digits, exact_sum
from usage.month import Month
from usage.names import FINAL, Source
from usage.settings import load_settings

FOCUS: Final = "focus"
STDOUT: Final = "-"


class WrittenFile(BaseModel):
    """A file that was written."""

    model_config = ConfigDict(frozen=True)

    path: str
    lines: int
    """Without the heading."""


class SecondCurrency(BaseModel):
    """What the months cost in a second currency."""

    model_config = ConfigDict(frozen=True)

    currency: str
    total: str | None
    """To 24 decimals; None where one of the months has no rate."""
    rates: dict[str, str]
    """US dollars for one unit of the currency, by month."""
    missing: dict[str, str]
    """Months without a rate, and why."""


class ExportResult(BaseModel):
    """The object that `--json` prints."""

    model_config = ConfigDict(frozen=True)

    format: str
    grain: str
    months: tuple[str, ...]
    files: tuple[WrittenFile, ...]
    cost_usd: str | None
    """What the months cost, exact; None where nobody tells money."""
    second_currency: SecondCurrency | None
    """None where none is wanted."""
    left_out: int
    """Records that FOCUS can't hold, as nobody tells any money of their row; 0 in the other formats."""
    incomplete: tuple[str, ...]
    """Sources whose last reading was not whole, like `2026-01 openai/labo`."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A file that is to be written."""

    path: Path
    kind: str
    """How: `csv`, `parquet` or `xlsx`."""


def run(arguments: argparse.Namespace) -> int:
    """Write the files; always 0.

    Raises:
        SettingsError: Arguments that can't be used, a place that is missing or can't be written, a month that was
            never collected.
        LlmUsageError: A file can't be written to its end.
    """
    grain = _grain(arguments)
    settings = load_settings()
    months = Month.resolve_range(arguments.month, settings.now())
    to_stdout = arguments.output == STDOUT
    if to_stdout:
        _require_csv_on_stdout(arguments)
    targets = () if to_stdout else tuple(_targets(arguments, months))
    for target in targets:
        require_place(target.path)
    with closing(Gateway(settings.notion)) as gateway, noting_warnings():
        workspace = Workspace(settings, frozenset(), gateway)
        ledger = gather(settings, workspace, months)
        ledger.require_collected()
        ledger = with_titles(workspace, ledger)
        rates = gather_rates(settings, months)
    table, charges = _table(arguments.format, ledger, grain, rates)
    if to_stdout:
        write_csv(table, sys.stdout)
        print_lines(rates.sentences(Words(settings.reports.language), rates.missing))
        return 0
    result = ExportResult(
        format=arguments.format,
        grain=grain,
        months=tuple(map(str, months)),
        files=tuple(_write(table, targets)),
        cost_usd=None if (cost := exact_sum(one.cost for one in ledger.months)) is None else digits(cost),
        second_currency=_second(rates, ledger),
        left_out=0 if charges is None else charges.left_out(),
        incomplete=tuple(_incomplete(ledger)),
    )
    if arguments.json:
        print(result.model_dump_json())
    else:
        _tell(result, ledger, rates, Words(settings.reports.language))
    return 0


def _grain(arguments: argparse.Namespace) -> Grain:
    if arguments.format == FOCUS and arguments.grain == Grain.MONTH:
        raise SettingsError(say("FOCUS is exported by day; --grain is for csv, parquet and xlsx"))
    return Grain(arguments.grain or Grain.DAY)


def _require_csv_on_stdout(arguments: argparse.Namespace) -> None:
    if arguments.format not in ("csv", FOCUS):
        raise SettingsError(
            say("-o - is for csv alone (of focus, too): {format} is no text; name a file", format=arguments.format)
        )
    if arguments.json:
        raise SettingsError(
            say("-o - writes the export to standard output, where --json has no room: take one of the two")
        )


def _targets(arguments: argparse.Namespace, months: Sequence[Month]) -> Iterator[_Target]:
    """The files that are meant: in a folder, which may still have to be made, or one by its name.

    Raises:
        SettingsError: The folder that it is to be in is missing, or a name's end doesn't tell which form of FOCUS is
            wanted.
    """
    wanted = arguments.output or "."
    kinds = ("csv", "parquet") if arguments.format == FOCUS else (arguments.format,)
    if (folder := folder_of(wanted)) is not None:
        span = str(months[0]) if len(months) == 1 else f"{months[0]}..{months[-1]}"
        start = "focus" if arguments.format == FOCUS else "llm-usage"
        yield from (_Target(folder / f"{start}-{span}.{kind}", kind) for kind in kinds)
        return
    given = named(wanted)
    if arguments.format == FOCUS and given.suffix not in (".csv", ".parquet"):
        raise SettingsError(say("-o {given}: name a folder, or a file that ends with .csv or .parquet", given=given))
    yield _Target(given, given.suffix[1:] if arguments.format == FOCUS else arguments.format)


def _table(form: str, ledger: Ledger, grain: Grain, rates: Rates) -> tuple[Table[Any], Charges | None]:
    return focus_table(ledger, rates) if form == FOCUS else (records_table(ledger, grain, rates), None)


def _second(rates: Rates, ledger: Ledger) -> SecondCurrency | None:
    if not rates.wanted:
        return None
    total = for_files(rates.total((month.month, month.cost) for month in ledger.months).other)
    return SecondCurrency(
        currency=rates.currency,
        total=None if total is None else digits(total),
        rates={str(month): digits(rate.rate) for month, rate in rates.rates.items()},
        missing={str(month): why.value for month, why in rates.missing.items()},
    )


def _write(table: Table[Any], targets: Sequence[_Target]) -> Iterator[WrittenFile]:
    """All files, or none where one can't be written.

    Raises:
        LlmUsageError: One can't be written.
    """
    try:
        with ExitStack() as stack:
            for target in targets:
                target.path.parent.mkdir(exist_ok=True)
            drafts = [(target, stack.enter_context(whole_file(target.path))) for target in targets]
            counts = [_writer(target.kind)(table, draft) for target, draft in drafts]
    except OSError as error:
        raise LlmUsageError(refusal(targets[0].path, error)) from error
    yield from (WrittenFile(path=str(target.path), lines=count) for target, count in zip(targets, counts, strict=True))


def _writer(kind: str) -> Callable[[Table[Any], Path], int]:
    if kind == "xlsx":
        # Only where it is wanted: it takes a while to import.
        from reports.export.xlsx_file import write_xlsx  # noqa: PLC0415

        return write_xlsx
    return write_parquet if kind == "parquet" else _write_csv_file


def _write_csv_file(table: Table[Any], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as stream:
        return write_csv(table, stream)


def _incomplete(ledger: Ledger) -> Iterator[str]:
    for month in ledger.months:
        for one in month.sources:
            if one.status not in FINAL:
                name = Source(provider=one.provider, account=one.account).name if one.account else one.provider.value
                yield f"{month.month} {name}"


def _tell(result: ExportResult, ledger: Ledger, rates: Rates, words: Words) -> None:
    console = partial(out().print, soft_wrap=True)
    for one in result.files:
        console(literal(words.count("{path}: {number} line", "{path}: {number} lines", one.lines, path=one.path)))
    total = rates.total((month.month, month.cost) for month in ledger.months)
    console(literal(words("Total: {total}", total=rates.show(total, words))))
    for sentence in rates.sentences(words, (month.month for month in ledger.months)):
        console(literal(sentence))
    if result.left_out:
        console(
            literal(
                words.count(
                    "{number} record is left out: nobody tells what its row cost, and FOCUS has no word for that.",
                    "{number} records are left out: nobody tells what their rows cost, and FOCUS has no word for that.",
                    result.left_out,
                )
            )
        )
    for name in result.incomplete:
        console(literal(words("The last reading of {source} was not whole: llm-usage status --proof", source=name)))
