"""`llm-usage reconcile`: a month's bill beside its tokens at public prices, and where the two differ. An estimate."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from cli.display import literal, new_table, noting_warnings, out
from notion.client.gateway import Gateway
from notion.workspace import Workspace
from reports.pricing.prices import Reason
from reports.pricing.reconcile import Difference, Line, Reconciliation, Sums, reconcile
from tasks.books.gather import gather
from tasks.books.price_list import PublicPrices
from usage.language.words import NOTHING, Words
from usage.money import dollars
from usage.month import Month
from usage.names import ProviderName
from usage.settings import load_settings

_ANY_WIDTH = 10_000
_SHOWN = 40
"""Lines in the table; `--json` has all."""


class Amounts(BaseModel):
    """US dollars, text with every digit: billed = expected + differences + residual. What is not known is null."""

    model_config = ConfigDict(frozen=True)

    billed_usd: str | None
    expected_usd: str | None
    differences_usd: dict[Reason, str]
    residual_usd: str


class ToldLine(Amounts):
    """One model, or item, of one row."""

    provider: ProviderName
    account: str
    key: str
    workspace: str
    project: str
    model: str
    tokens_input: int | None
    tokens_output: int | None
    by_day: bool
    """Whether prices are those of each day, or of the month's first."""


class ToldMonth(BaseModel):
    """The object that `--json` prints."""

    model_config = ConfigDict(frozen=True)

    month: str
    estimate: bool = True
    """Expected costs and reasons are estimates; only what was billed is a fact."""
    price_list: str
    total: Amounts
    providers: dict[ProviderName, Amounts]
    lines: tuple[ToldLine, ...]


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; always 0.

    Raises:
        SettingsError: A month that has not begun or was never collected; the price list is not installed.
        NotionError: Notion can't be read.
    """
    settings = load_settings()
    words = Words(settings.reports.language)
    month = Month.resolve(arguments.month, settings.now())
    prices = PublicPrices()
    with closing(Gateway(settings.notion)) as gateway, noting_warnings():
        ledger = gather(settings, Workspace(settings, frozenset(), gateway), [month])
    ledger.require_collected()
    rows = [row for row in ledger.month(month).rows if not arguments.provider or row.provider in arguments.provider]
    found = reconcile(month, rows, prices)
    if arguments.json:
        print(_told(found).model_dump_json())
    else:
        _print(found, words)
    return 0


# -- JSON


def _told(found: Reconciliation) -> ToldMonth:
    return ToldMonth(
        month=str(found.month),
        price_list=found.price_list,
        total=Amounts(**_amounts_of(found.sums())),
        providers={name: Amounts(**_amounts_of(found.sums(name))) for name in found.providers},
        lines=tuple(_told_line(line) for line in found.lines),
    )


def _told_line(line: Line) -> ToldLine:
    row = line.row
    return ToldLine(
        **_amounts_of(line),
        provider=row.provider,
        account=row.account,
        key=row.key,
        workspace=row.workspace,
        project=row.name,
        model=line.model,
        tokens_input=line.tokens_input,
        tokens_output=line.tokens_output,
        by_day=row.by_day,
    )


def _amounts_of(one: Sums | Line) -> dict[str, object]:
    return {
        "billed_usd": _text(one.billed),
        "expected_usd": _text(one.expected),
        "differences_usd": {part.reason: dollars(part.amount) for part in one.differences},
        "residual_usd": dollars(one.residual),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars(amount)


# -- a terminal


def _print(found: Reconciliation, words: Words) -> None:
    console = out()
    if not found.lines:
        console.print(literal(words("{month}: nothing is collected that has a cost.", month=found.month)))
        return
    for told in (_providers_table(found, words), _lines_table(found, words)):
        _print_table(console, told, words)
    more = len(found.lines) - _SHOWN
    if more > 0:
        console.print(words.count("… and one line more.", "… and {number} lines more.", more), soft_wrap=True)
    for sentence in _notes(found, words):
        console.print(literal(sentence), soft_wrap=True)


def _print_table(console: Console, table: Table, words: Words) -> None:
    """A table where it fits, else a sentence for each of its lines: figures that are cut are none."""
    if console.measure(table, options=console.options.update(max_width=_ANY_WIDTH)).maximum <= console.width:
        console.print(table)
        return
    console.print(table.title, style="bold", soft_wrap=True)
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        *names, billed, expected, gap, why = map(str, cells)
        said = words(
            "{name}: billed {billed}, expected {expected} (estimate), difference {gap}",
            name=" · ".join(names),
            billed=billed,
            expected=expected,
            gap=gap,
        )
        console.print(literal(f"{said} ({why})" if why else said), soft_wrap=True)


def _providers_table(found: Reconciliation, words: Words) -> Table:
    table = new_table(words("{month} against public prices: an estimate", month=words.month(found.month)))
    for name in (words("Provider"), words("Billed"), words("Expected (estimate)"), words("Difference")):
        table.add_column(name, justify="left" if not table.columns else "right")
    table.add_column(words("What it may come from"))
    for provider in found.providers:
        table.add_row(provider.label, *_cells(found.sums(provider), words))
    table.add_row(words("Total"), *_cells(found.sums(), words), style="bold")
    return table


def _lines_table(found: Reconciliation, words: Words) -> Table:
    table = new_table(words("Furthest from the price list"))
    for name in (words("Provider"), words("Project or key"), words("Model")):
        table.add_column(name)
    for name in (words("Billed"), words("Expected (estimate)"), words("Difference")):
        table.add_column(name, justify="right")
    table.add_column(words("What it may come from"))
    for line in found.lines[:_SHOWN]:
        table.add_row(
            line.row.provider.label, literal(line.row.title), literal(line.model or NOTHING), *_cells(line, words)
        )
    return table


def _cells(one: Sums | Line, words: Words) -> tuple[str, str, str, str]:
    return (
        words.dollars(one.billed),
        words.dollars(one.expected),
        words.signed(one.gap) if one.gap else NOTHING,
        _why(one.differences, one.residual, words),
    )


def _why(differences: Iterable[Difference], residual: Decimal, words: Words) -> str:
    parts = [f"{_name(part.reason, words)} {words.signed(part.amount)}" for part in differences]
    if residual:
        parts.append(f"{words('not explained')} {words.signed(residual)}")
    return ", ".join(parts)


def _name(reason: Reason, words: Words) -> str:
    """A reason in a few words; one that only fits is told so by the notes below."""
    names = {
        Reason.CACHE: words("cache"),
        Reason.BATCH: words("batch"),
        Reason.TIER: words("service tier"),
        Reason.LONG_CONTEXT: words("long context"),
        Reason.MODALITY: words("sound or pictures"),
        Reason.DISCOUNT: words("discount or credit"),
        Reason.OWN_KEY: words("paid elsewhere, own key"),
        Reason.FREE: words("billed at nothing"),
        Reason.NO_COST: words("no cost told"),
        Reason.NO_TOKENS: words("no tokens told"),
        Reason.UNKNOWN_PRICE: words("unknown price"),
    }
    return names[reason]


def _notes(found: Reconciliation, words: Words) -> list[str]:
    sentences = [
        words(
            "Expected costs are estimates: tokens at the standard price of {list}, as it was installed. They are never "
            "written anywhere as a cost.",
            list=found.price_list,
        )
    ]
    if any(not one.reason.is_told for one in found.sums().differences):
        sentences.append(
            words(
                "The figures don’t say which tokens came from a cache, ran in a batch or had another service tier: "
                "these reasons are what a difference fits, not what is proven."
            )
        )
    if any(not line.row.by_day and line.expected is not None for line in found.lines):
        sentences.append(words("Where no days are kept, prices are those of the month’s first day."))
    return sentences
