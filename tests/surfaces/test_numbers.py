"""Every surface that tells a month tells Notion's rows, to the last digit.

A surface is a function that gives its figures for each row; add it to `SURFACES`, and all tests are held against it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import openpyxl
import pyarrow.parquet as pq
import pytest

from notion.client.gateway import Gateway
from reports.page.telling.teller import tell
from tasks.books.monthly import monthly
from tasks.pages.statement import as_markdown
from tests.surfaces.books import MONTHS, SPAN, Books
from tests.surfaces.pages import Shown, read_html, read_markdown
from usage.language.choice import Language
from usage.language.words import NOTHING, Words
from usage.money import exact_sum, whole_sum
from usage.names import ProviderName
from usage.settings import load_settings

JANUARY: Final = MONTHS[1]
Key = tuple[str, str, str, str]
"""Month, provider, `Projet/API Key`, and what else it takes to tell a row whose key is in brackets: its workspace, or
its account where it has none."""


@dataclass(frozen=True)
class Figures:
    """A row's, as a surface tells them."""

    cost: Decimal | None
    tokens_input: int | None
    tokens_output: int | None
    requests: int | None


Told = Mapping[Key, Figures]
Surface = Callable[[Books, Path], Told]


def key_of(month: str, provider: str, key: str, workspace: str | None, account: str | None) -> Key:
    return month, provider, key, (workspace or account or "") if key.startswith(("(", "label:")) else ""


def _added_up(lines: Iterable[tuple[Key, Figures]]) -> Told:
    found: dict[Key, list[Figures]] = {}
    for key, figures in lines:
        found.setdefault(key, []).append(figures)
    return {
        key: Figures(
            exact_sum(one.cost for one in group),
            whole_sum(one.tokens_input for one in group),
            whole_sum(one.tokens_output for one in group),
            whole_sum(one.requests for one in group),
        )
        for key, group in found.items()
    }


def _export(books: Books, folder: Path, form: str, name: str, *more: str) -> Path:
    path = folder / name
    told = books("export", form, "--month", SPAN, "-o", str(path), "--json", *more)
    assert (told.status, told.err) == (0, "")
    assert told.json["files"][0]["path"] == str(path)
    return path


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: text or None for name, text in line.items()} for line in csv.DictReader(stream)]


def _read_xlsx(path: Path) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(path, read_only=True)
    with closing(book):
        heading, *lines = book["Records"].iter_rows(values_only=True)
        return [dict(zip(map(str, heading), line, strict=True)) for line in lines]


def _amount(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _records(lines: Iterable[dict[str, Any]], cost: str = "cost_usd") -> Told:
    return _added_up(
        (
            # Formulas are made harmless in CSV: keys here begin with none.
            key_of(line["month"], line["provider"], line["row"], line["workspace"], line["account"]),
            Figures(
                _amount(line[cost]),
                _count(line["tokens_input"]),
                _count(line["tokens_output"]),
                _count(line["requests"]),
            ),
        )
        for line in lines
    )


def _charges(lines: Iterable[dict[str, Any]]) -> Told:
    providers = {name.label: name.value for name in ProviderName}
    return _added_up(
        (
            key_of(
                str(line["BillingPeriodStart"])[:7],
                providers[line["ProviderName"]],
                line["x_RowKey"],
                line["SubAccountId"] if line["SubAccountType"] == "Workspace" else None,
                line["BillingAccountName"],
            ),
            Figures(
                _amount(line["BilledCost"]),
                _count(line["x_InputTokens"]),
                _count(line["x_OutputTokens"]),
                _count(line["x_Requests"]),
            ),
        )
        for line in lines
    )


SURFACES: Final[Mapping[str, Surface]] = {
    "csv": lambda books, folder: _records(_read_csv(_export(books, folder, "csv", "x.csv"))),
    "csv by month": lambda books, folder: _records(
        _read_csv(_export(books, folder, "csv", "x.csv", "--grain", "month"))
    ),
    "parquet": lambda books, folder: _records(
        pq.read_table(_export(books, folder, "parquet", "x.parquet")).to_pylist()
    ),
    "xlsx": lambda books, folder: _records(_read_xlsx(_export(books, folder, "xlsx", "x.xlsx")), cost="cost_usd_exact"),
    "focus csv": lambda books, folder: _charges(_read_csv(_export(books, folder, "focus", "f.csv"))),
    "focus parquet": lambda books, folder: _charges(
        pq.read_table(_export(books, folder, "focus", "f.parquet")).to_pylist()
    ),
}


def notion_rows(books: Books) -> dict[Key, dict[str, Any]]:
    """What people see in *Usages*."""
    found: dict[Key, dict[str, Any]] = {}
    for row in books.sandbox.notion.store.database("Usages LLM").rows():
        values: dict[str, Any] = dict(row.values())
        (service,) = row.linked("Service")
        provider = next(name.value for name in ProviderName if name.label == service.title)
        if values["Projet/API Key"] != "(collecte)":
            key = key_of(values["Mois"], provider, values["Projet/API Key"], values["Workspace"], None)
            assert key not in found
            found[key] = values
    return found


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_tells_notions_rows_to_the_last_digit(surface: str, books: Books, tmp_path: Path) -> None:
    told, rows = SURFACES[surface](books, tmp_path), notion_rows(books)
    assert told.keys() == rows.keys()
    assert {key[0] for key in rows} == set(map(str, MONTHS))
    assert {key[1] for key in rows} == {name.value for name in ProviderName}
    columns = {
        "cost": "Cout USD",
        "tokens_input": "Tokens Input",
        "tokens_output": "Tokens Output",
        "requests": "Requetes",
    }
    for key, figures in told.items():
        for name, column in columns.items():
            figure, shown = getattr(figures, name), rows[key][column]
            assert (None if figure is None else float(figure)) == (None if shown is None else float(shown)), (key, name)


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_tells_the_ledger_exactly(surface: str, books: Books, tmp_path: Path) -> None:
    told = SURFACES[surface](books, tmp_path)
    for month in books.ledger().months:
        for row in month.rows:
            key = key_of(str(month.month), row.provider.value, row.key, row.workspace, row.account)
            assert told[key] == Figures(row.cost, row.tokens_input, row.tokens_output, row.requests)
        assert exact_sum(one.cost for key, one in told.items() if key[0] == str(month.month)) == month.cost


# -- what is written for people: rounded, from the exact sums


def _html(books: Books, folder: Path) -> Shown:
    path = folder / "page.html"
    assert books("report", "--month", str(JANUARY), "-o", str(path)).status == 0
    return read_html(path.read_text("utf-8"))


def _markdown(books: Books, _: Path) -> Shown:
    with books.settings():
        settings, words = load_settings(), Words(Language.EN)
        with closing(Gateway(settings.notion)) as gateway:
            report = monthly(settings, gateway, JANUARY)
        return read_markdown(as_markdown(report, tell(report, words), words))


PAGES: Final[Mapping[str, Callable[[Books, Path], Shown]]] = {"HTML": _html, "Markdown": _markdown}


def _january(books: Books) -> list[dict[str, Any]]:
    return [values for key, values in notion_rows(books).items() if key[0] == str(JANUARY)]


def _line(rows: Iterable[dict[str, Any]], words: Words) -> tuple[str, ...]:
    """What people are to read of some of Notion's rows."""
    rows = list(rows)
    tokens = whole_sum(_count(row[name]) for row in rows for name in ("Tokens Input", "Tokens Output"))
    requests = whole_sum(_count(row["Requetes"]) for row in rows)
    return words.whole(tokens), words.whole(requests), words.amount(_cost(rows))


def _cost(rows: Iterable[dict[str, Any]]) -> Decimal | None:
    return exact_sum(None if row["Cout USD"] is None else Decimal(repr(row["Cout USD"])) for row in rows)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_notions_rows_rounded(page: str, books: Books, tmp_path: Path) -> None:
    shown, rows, words = PAGES[page](books, tmp_path), _january(books), Words(Language.EN)
    assert shown.total == words.dollars(_cost(rows))
    assert shown.sum == _line(rows, words)
    # Things of the month before alone have a line as well, without figures.
    lines = [line for line in shown.lines if set(line) != {NOTHING}]
    left = [_line([row], words) for row in rows]
    for line in lines:
        left.remove(line)
    assert bool(left) == (shown.others is not None and page == "Markdown")
    if left:
        dearest = sorted(rows, key=lambda row: float(row["Cout USD"] or 0), reverse=True)
        assert shown.others == _line(dearest[len(lines) :], words)


def test_the_digest_tells_notions_rows(books: Books) -> None:
    told, words = books("digest", "--month", str(JANUARY), "--json").json, Words(Language.EN)
    total = _cost(_january(books))
    assert Decimal(told["total_usd"]) == books.ledger().month(JANUARY).cost
    assert float(told["total_usd"]) == float(str(total))
    assert words.dollars(total) in told["text"].splitlines()[0]
    known = notion_rows(books)
    assert told["movers"]
    for mover in told["movers"]:
        for month, amount in ((JANUARY, mover["now_usd"]), (JANUARY.previous(), mover["before_usd"])):
            rows = [row for key, row in known.items() if key[:3] == (str(month), mover["provider"], mover["key"])]
            assert float(amount or 0) == sum(float(row["Cout USD"]) for row in rows)
