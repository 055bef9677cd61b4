"""The sandbox's page: what it says, and how it looks in a browser after a real collection."""

from __future__ import annotations

import importlib.util
import re
import struct
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.everything import Sandbox
from sandbox.notion.screen.page import render
from sandbox.notion.screen.tables import Table

NASTY = "<script>alert(\"1\")</script> & 'x' <b>"


class Cells(HTMLParser):
    """The text of each cell of a page, table by table, and every element and attribute that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data

    def column(self, table: int, name: str) -> list[str]:
        """The cells of a column, from the top."""
        head, *rows = self.tables[table]
        place = [re.sub(r"^\S+ ", "", title) for title in head].index(name)
        return [row[place] for row in rows]


def test_other_people_s_names_are_escaped() -> None:
    kinds = ("title", "select", "rich_text", NASTY)
    table = Table(
        NASTY, (NASTY,) * 4, ((NASTY, NASTY, NASTY * 9, "ok"),), kinds, {(NASTY, NASTY): 'red" onclick="alert(1)'}
    )
    page = Cells(render([table]))
    assert not page.elements & {"script", "b"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.tables[0][1][:2] == [NASTY, NASTY]
    assert ("title", NASTY * 9) in page.attributes


def test_a_long_text_is_shortened_and_whole_under_the_pointer() -> None:
    text = "é" * 200
    page = Cells(render([Table("x", ("Log",), ((text,),), ("rich_text",))]))
    assert page.tables[0][1] == ["é" * 89 + "…"]
    assert ("title", text) in page.attributes


def test_before_the_set_up() -> None:
    assert "llm-usage setup" in render([])


def test_it_is_served_beside_the_apis() -> None:
    with Sandbox() as sandbox:
        answer = httpx.get(sandbox.origin)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert httpx.get(f"{sandbox.origin}/else").status_code == 404
        assert sandbox.journal.requests() == []


# -- after a collection


@pytest.fixture(scope="module")
def maker() -> Any:
    """The script that makes the README's picture."""
    path = Path(__file__).parents[2] / "docs" / "images" / "make.py"
    spec = importlib.util.spec_from_file_location("make", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def filled(maker: Any) -> Iterator[Sandbox]:
    """Two months, collected."""
    clock = maker.Clock()
    with Sandbox(clock) as sandbox:
        maker.fill(sandbox, clock, 2)
        yield sandbox


@pytest.fixture(scope="module")
def browser(maker: Any) -> str:
    found: str | None = maker.browser()
    if found is None:
        pytest.skip("neither Chromium nor Chrome is installed")
    return found


def check(page: Cells, sandbox: Sandbox) -> None:
    """The page shows what stands in Notion: every row, sums, and rollups."""
    services, usages = (sandbox.notion.store.database(f"{name} LLM") for name in ("Services", "Usages"))
    titles = page.column(1, "Identifiant")
    assert sorted(title[:60] for title in titles) == sorted(row.title[:60] for row in usages.rows())
    # As the table's view has it: the newest month first.
    assert titles[0].startswith("2026-02")
    costs: dict[str, float] = {}
    for row in usages.rows():
        (service,) = row.linked("Service")
        cost = row.value("Cout USD") or 0.0
        assert isinstance(cost, int | float)
        costs[service.title] = costs.get(service.title, 0) + cost
    shown = dict(zip(page.column(0, "Nom"), page.column(0, "Total Cout USD"), strict=True))
    assert shown == {row.title: f"${costs[row.title]:,.2f}" for row in services.rows()}
    counts = [str(len(row.linked("Usages"))) for row in services.rows()]
    assert sorted(page.column(0, "Nombre Collectes")) == sorted(counts)
    assert set(page.column(0, "Derniere Collecte")) == {"2026-02-14 07:30"}
    assert set(page.column(0, "Statut")) == {"Actif"}


def test_what_it_shows_after_a_collection(filled: Sandbox) -> None:
    check(Cells(httpx.get(filled.origin).text), filled)


def test_what_a_browser_makes_of_it(maker: Any, browser: str, filled: Sandbox) -> None:
    page = maker.look(browser, filled.origin, "--dump-dom").decode()
    check(Cells(page), filled)
    assert "<b>β</b>" not in page
    assert "Voice lab <b>β</b>" in unescape(page)


def test_the_picture(maker: Any, browser: str, filled: Sandbox, tmp_path: Path) -> None:
    """It can be taken, is as large as it should be, and is not a blank page."""
    picture = tmp_path / "page.png"
    width, height = maker.SIZE
    maker.look(browser, filled.origin, f"--window-size={width},{height}", f"--screenshot={picture}")
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (width, height)
    assert 50_000 < len(content) < 600_000
