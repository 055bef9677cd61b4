"""`llm-usage report`: the page of a month as a file, on standard output, or in Notion."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from docs.images.make import Clock, fill
from sandbox.everything import Sandbox
from tests.cli.programs import Cli


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Four months, the running one included; nothing here changes their rows."""
    clock = Clock()
    with Sandbox(clock) as sandbox:
        fill(sandbox, clock)
        yield sandbox


@pytest.fixture
def told(cli: Cli) -> Cli:
    cli.set(LLM_USAGE_ARCHIVE="off", LLM_USAGE_LANG="en")
    return cli


def total(cli: Cli, month: str) -> str:
    rows = [row for row in cli.figures().values() if row["Mois"] == month and row["Cout USD"] is not None]
    return f"{sum(Decimal(repr(row['Cout USD'])) for row in rows):,.2f}"


def test_a_file_in_this_folder(told: Cli) -> None:
    output = told("report")
    path = told.folder / "llm-usage-2026-01.html"
    assert (output.status, output.out) == (0, f"{path}\n")
    page = path.read_text("utf-8")
    assert "Language models in January 2026" in page
    assert f"${total(told, '2026-01')}" in page


def test_json_says_where_the_page_is(told: Cli) -> None:
    written = told("report", "-o", "page.html", "--json")
    assert written.json == {"month": "2026-01", "file": str(told.folder / "page.html"), "notion": None}
    refused = told("report", "-o", "-", "--json")
    assert refused.status == 2
    assert "--json has no room" in refused.json["error"]


def test_another_month_place_and_language(told: Cli) -> None:
    path = told.folder / "fevrier.html"
    output = told("report", "--month", "current", "--lang", "fr", "--months", "3", "-o", "fevrier.html")
    assert (output.status, output.out) == (0, f"{path}\n")
    page = path.read_text("utf-8")
    assert '<html lang="fr">' in page
    assert "3 mois" in page


def test_on_standard_output(told: Cli) -> None:
    output = told("report", "-o", "-")
    assert (output.status, output.err) == (0, "")
    assert output.out.startswith("<!DOCTYPE html>")
    assert output.out.endswith("</html>")
    assert os.listdir(told.folder) == []


def test_by_a_column_of_ones_own(told: Cli) -> None:
    store = told.sandbox.notion.store
    usages = store.database("Usages LLM")
    store.change_schema(usages, {"Équipe": {"select": {}}})
    row = max(usages.rows(), key=lambda one: float(str(one.value("Cout USD") or 0)))
    store.edit(row, {"Équipe": "Voix & <b>son</b>"})
    month = str(row.value("Mois"))
    assert told("report", "--month", month, "--by", "equipe", "-o", "by.html").status == 0
    page = (told.folder / "by.html").read_text("utf-8")
    assert "By Équipe" in page
    assert "Voix &amp; &lt;b&gt;son&lt;/b&gt;" in page
    assert "of the cost" in page
    refused = told("report", "--month", month, "--by", "Client")
    assert refused.status == 2
    assert "--by Client: no row has anything in a column of that name; filled: Équipe" in refused.err
    told.set(NOTION_CARRY_COLUMNS="Équipe, Client")
    assert told("report", "--month", month, "-o", "by.html").status == 0
    assert "By Équipe" in (told.folder / "by.html").read_text("utf-8")


WRONG = {
    "never collected": (
        ("--month", "2025-03"),
        "2025-03 was never collected: llm-usage collect --month 2025-03 does it",
    ),
    "to come": (("--month", "2027-01"), "2027-01 has not begun"),
    "too many months": (("--months", "99"), "from 1 to 36 months"),
    "no month": (("--months", "0"), "from 1 to 36 months"),
    "no such folder": (("-o", "not/there/page.html"), "there is no folder"),
    "no such folder, named as one": (("-o", "there/"), "there is no folder"),
    "a folder": (("-o", "."), "that is a folder"),
    "no name of a file": (("-o", "a\x00b"), "no file can have that name"),
    "too long a name": (("-o", "n" * 300), "no file can have that name"),
    "two places": (("--notion", "-o", "page.html"), "one page goes to one place"),
    "no such language": (("--lang", "de"), "is none of"),
}


@pytest.mark.parametrize(("arguments", "sentence"), WRONG.values(), ids=WRONG)
def test_what_can_not_be_done_is_said_in_a_sentence(told: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    output = told("report", *arguments)
    assert (output.status, output.out) == (2, "")
    assert sentence in output.err
    assert "Traceback" not in output.err
    assert os.listdir(told.folder) == []


def test_a_file_that_can_not_be_written(told: Cli) -> None:
    Path("shut.html").write_text("")
    Path("shut.html").chmod(0o400)
    if os.access("shut.html", os.W_OK):
        pytest.skip("whoever runs this may write everywhere")
    output = told("report", "-o", "shut.html")
    assert output.status == 2
    assert "can't be written" in output.err


# -- in Notion


def page_in_notion(cli: Cli, title: str) -> list[str]:
    """Kinds of what stands on the one page of that title."""
    found = [one for one in cli.sandbox.notion.store.pages() if one.title == title]
    assert len(found) == 1
    return found[0].kinds


def test_a_page_in_notion_is_renewed_in_place(told: Cli) -> None:
    first = told("report", "--notion")
    assert first.status == 0
    assert first.out.startswith("https://")
    kinds = page_in_notion(told, "Usages LLM 2026-01")
    assert {"heading_1", "heading_2", "paragraph", "image", "table"} <= set(kinds)
    told.sandbox.journal.clear()
    again = told("report", "--notion")
    assert (again.status, again.out) == (0, first.out)
    assert page_in_notion(told, "Usages LLM 2026-01") == kinds
    writes = [one for one in told.asked() if one.startswith(("notion PATCH", "notion DELETE", "notion POST"))]
    assert writes == []
    # In another language it is another page that stands in the same place.
    assert told("report", "--notion", "--lang", "en").out == first.out
    assert page_in_notion(told, "Usages LLM 2026-01") == kinds


def test_without_a_parent_page_there_is_no_place_in_notion(told: Cli) -> None:
    usages, services = (told.sandbox.notion.store.database(f"{name} LLM").id for name in ("Usages", "Services"))
    told.set(NOTION_USAGES_DB_ID=usages, NOTION_SERVICES_DB_ID=services)
    told.unset("NOTION_PARENT_PAGE_ID")
    output = told("report", "--notion")
    assert output.status == 2
    assert "NOTION_PARENT_PAGE_ID is not set" in output.err


def test_nobody_but_notion_is_asked(told: Cli) -> None:
    told.sandbox.journal.clear()
    assert told("report", "--months", "1").status == 0
    requests = told.sandbox.journal.requests()
    assert {one.api for one in requests} == {"notion"}
    # The services, the month, the one before, and five more that tell what is usual.
    assert len([one for one in requests if one.path.endswith("/query")]) <= 8


def test_budgets_stand_on_the_page(told: Cli) -> None:
    (told.folder / "budgets.toml").write_text('total = 1\n[project]\n"Nobody\'s" = 5\n')
    assert told("report", "-o", "page.html").status == 0
    page = (told.folder / "page.html").read_text("utf-8")
    assert "1 budget is passed." in page
    assert "no row has this name" in page
    (told.folder / "budgets.toml").write_text("total = lots")
    refused = told("report", "-o", "page.html")
    assert refused.status == 2
    assert "budgets.toml, line 1" in refused.err


def test_euros_stand_beside_dollars_where_they_are_wanted(told: Cli) -> None:
    told.set(REPORT_CURRENCY="EUR")
    assert told("report", "-o", "page.html").status == 0
    page = (told.folder / "page.html").read_text("utf-8")
    assert "Cost, EUR" in page
    assert "the European Central Bank’s average of each month: " in page
    told.sandbox.ecb.rates["2026-01"] = ""
    try:
        assert told("report", "-o", "page.html").status == 0
    finally:
        told.sandbox.ecb.rates.clear()
    page = (told.folder / "page.html").read_text("utf-8")
    assert "has not published the EUR rate of January 2026 yet: US dollars only" in page
    assert told("report", "--notion").status == 0


def test_by_a_relation_tells_titles(told: Cli) -> None:
    store = told.sandbox.notion.store
    usages = store.database("Usages LLM")
    clients = store.make_database("Clients", {"Nom": {"title": {}}})
    acme, beta = (store.add_row(clients, {"Nom": name}) for name in ("ACME", "Beta"))
    relation = {"relation": {"data_source_id": clients.source_id, "type": "single_property", "single_property": {}}}
    store.change_schema(usages, {"Pour": relation})
    rows = [row for row in usages.rows() if row.value("Mois") == "2026-01" and row.value("Cout USD") is not None]
    store.edit(rows[0], {"Pour": (beta.id, acme.id)})
    store.edit(rows[1], {"Pour": (acme.id,)})
    assert told("report", "--by", "pour", "-o", "page.html").status == 0
    page = (told.folder / "page.html").read_text("utf-8")
    assert "By Pour" in page
    assert "ACME + Beta" in page
