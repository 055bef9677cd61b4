"""`llm-usage export` as a person types it: what is refused before anything is written, and what is said."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.commands.reporting import export
from reports.export.table import Table
from tests.surfaces.books import CLIENTS, SPAN, Books
from usage.money import exact_sum


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_gets_files_named_by_their_months(books: Books, tmp_path: Path) -> None:
    told = books("export", "csv", "--month", "2026-01", "-o", str(tmp_path))
    assert told.status == 0
    assert told.out.splitlines()[0].startswith(f"{tmp_path}/llm-usage-2026-01.csv: ")
    assert books("export", "focus", "--month", SPAN, "-o", str(tmp_path)).status == 0
    assert files(tmp_path) == [f"focus-{SPAN}.csv", f"focus-{SPAN}.parquet", "llm-usage-2026-01.csv"]


@pytest.mark.parametrize("name", ["out", "out/"])
@pytest.mark.parametrize("form", ["xlsx", "focus"])
def test_a_folder_that_is_not_there_is_made(books: Books, tmp_path: Path, form: str, name: str) -> None:
    told = books("export", form, "--month", "2026-01", "-o", f"{tmp_path}/{name}", "--json").json
    made = {str(tmp_path / "out" / one) for one in files(tmp_path / "out")}
    assert made == {one["path"] for one in told["files"]}
    assert books("export", form, "--month", "2026-01", "-o", f"{tmp_path}/out").status == 0
    assert {str(tmp_path / "out" / one) for one in files(tmp_path / "out")} == made


def test_the_result_in_json(books: Books, tmp_path: Path) -> None:
    told = books("export", "focus", "--month", "last", "-o", str(tmp_path), "--json").json
    (january,) = [one for one in books.ledger().months if str(one.month) == "2026-01"]
    assert (told["format"], told["grain"], told["months"]) == ("focus", "day", ["2026-01"])
    assert Decimal(told["cost_usd"]) == january.cost
    assert (told["left_out"], told["incomplete"]) == (0, [])
    assert [one["path"] for one in told["files"]] == [
        str(tmp_path / f"focus-2026-01.{end}") for end in ("csv", "parquet")
    ]
    with (tmp_path / "focus-2026-01.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == told["files"][0]["lines"] == told["files"][1]["lines"]


def test_csv_on_standard_output(books: Books) -> None:
    told = books("export", "csv", "--month", "2026-01", "--grain", "month", "-o", "-")
    lines = list(csv.DictReader(io.StringIO(told.out, newline="")))
    (january,) = [one for one in books.ledger().months if str(one.month) == "2026-01"]
    assert exact_sum(Decimal(line["cost_usd"]) for line in lines if line["cost_usd"]) == january.cost
    assert {line["day"] for line in lines} == {""}
    assert {line["Client"] for line in lines} == {"", "'=1+1 & fils", *CLIENTS[1:]}
    assert {line["Équipe"] for line in lines} == {"", "Voix; '-Texte"}


def test_tags_are_peoples_own_columns(books: Books) -> None:
    told = books("export", "focus", "--month", "2026-01", "-o", "-")
    tags = {line["Tags"] for line in csv.DictReader(io.StringIO(told.out, newline=""))}
    assert {json.loads(one)["Client"] for one in tags if one} == set(CLIENTS)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("csv", "--month", "2025-11"), "2025-11 was never collected: llm-usage collect --month 2025-11 does it"),
        (
            ("csv", "--month", "2025-10..2026-01"),
            "2025-10, 2025-11 were never collected: llm-usage backfill 2025-10 2025-11 does it",
        ),
        (("csv", "--month", "2026-02..2025-12"), "the range is turned round"),
        (("csv", "--month", "2026-03"), "2026-03 has not begun"),
        (("csv", "--month", "January"), "is not a month"),
        (("csv", "-o", "missing/x.csv"), "there is no folder missing"),
        (("csv", "-o", "missing/out"), "there is no folder missing"),
        (("csv", "-o", "missing/out/"), "there is no folder missing"),
        (("csv", "--month", "2025-11", "-o", "out"), "2025-11 was never collected"),
        (("csv", "-o", "a" * 300 + ".csv"), "no file can have that name"),
        (("focus", "-o", "~nobody-of-this-name/x.csv"), "no file can have that name"),
        (("csv", "--month", "last-x"), "last-1 to last-120"),
        (("focus", "-o", "x.txt"), ".csv or .parquet"),
        (("focus", "--grain", "month"), "by day"),
        (("xlsx", "-o", "-"), "-o - is for csv alone"),
        (("csv", "-o", "-", "--json"), "--json"),
        (("pdf",), "pdf"),
    ],
)
def test_what_can_t_be_is_refused_before_anything_is_written(
    books: Books, arguments: tuple[str, ...], word: str
) -> None:
    before = files(books.folder)
    told = books("export", *arguments)
    assert told.status == 2
    assert word in (told.json["error"] if "--json" in arguments else told.err)
    assert files(books.folder) == before


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx", "focus"])
def test_a_file_is_there_whole_or_not_at_all(
    books: Books, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """Lines of which the third can't be had."""

        def __init__(self, lines: Any) -> None:
            self._lines = lines

        def __iter__(self) -> Any:
            for number, line in enumerate(self._lines):
                if number == 2:
                    raise OSError(28, "No space left on device")
                yield line

    whole = export._table

    def broken(*arguments: Any) -> Any:
        table, charges = whole(*arguments)
        return Table(table.columns, Broken(table.lines)), charges

    (tmp_path / f"llm-usage-2026-01.{form}").write_text("earlier")
    before = files(tmp_path)
    monkeypatch.setattr(export, "_table", broken)
    told = books("export", form, "--month", "2026-01", "-o", str(tmp_path))
    assert told.status == 1
    assert "can't be written (No space left on device)" in told.err
    assert files(tmp_path) == before
    assert (tmp_path / f"llm-usage-2026-01.{form}").read_text() == "earlier"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder in which nobody can make a file")
@pytest.mark.parametrize(
    "arguments",
    [("export", "csv", "-o", "/proc"), ("export", "focus", "-o", "/proc"), ("report", "-o", "/proc/page.html")],
    ids=" ".join,
)
def test_a_place_without_rights_is_refused_before_notion_is_read(books: Books, arguments: tuple[str, ...]) -> None:
    books.sandbox.journal.clear()
    told = books(*arguments)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("llm-usage: -o /proc/")
    assert "the file can't be written (" in told.err
    assert books.sandbox.journal.requests() == []


def test_it_speaks_french(books: Books, tmp_path: Path) -> None:
    told = books("export", "csv", "--month", "2026-01", "-o", str(tmp_path), LLM_USAGE_LANG="fr")
    assert "lignes" in told.out
    assert "Total : " in told.out
