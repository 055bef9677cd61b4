"""The page of the month that a run leaves below its own: what it costs, what it shows, and what it never spoils."""

from __future__ import annotations

import base64
import logging
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.pages.markdown import escape
from tests.flows.world import Prefect, World
from usage.language.choice import Language
from usage.language.words import Words
from usage.money import exact_sum

REPORT = "report-2026-01"
LARGEST = 200_000
"""Bytes of one page: Prefect's database keeps each run's."""


@pytest.fixture
def without_charts() -> None:
    """Here they are looked at."""


@pytest.fixture
def world(world: World) -> World:
    """Three sources, an archive, and the month before in Notion."""
    world.only("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY", "OPENAI_ADMIN_KEY_LABO")
    world.set(LLM_USAGE_LANG="en", LLM_USAGE_ARCHIVE=str(Path.cwd() / "archive"))
    assert collect("2025-12").is_completed()
    world.asked()
    return world


def collect(month: str, **options: Any) -> Any:
    from flows.collect import collect as flow

    return flow(month, **options, return_state=True)


def pages(prefect: Prefect, state: Any) -> dict[str, str]:
    return prefect.artifacts(prefect.run(state).id)


def statement(found: dict[str, str]) -> str:
    """The page of the month, below the run's own; empty where there is none."""
    return found[REPORT].partition("\n\n---\n\n")[2]


def test_a_run_leaves_the_page_of_its_month_and_asks_no_more_for_it(world: World, prefect: Prefect) -> None:
    found = pages(prefect, collect("2026-01"))
    page = statement(found)
    costs = [row["Cout USD"] for row in world.rows().values() if row["Mois"] == "2026-01"]
    total = exact_sum(Decimal(repr(cost)) for cost in costs if cost is not None)
    assert f"**{escape(Words(Language.EN).dollars(total))}**" in page
    assert "against December 2025" in page
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(pictures) == 3
    assert all(base64.b64decode(one).startswith(b"\x89PNG") for one in pictures)
    assert len(page) < LARGEST
    (told,) = re.findall(r"\((\d+) requests to Notion\)", found[REPORT])
    # Whatever was asked when the figures stood there is all that was asked.
    assert world.asked()["notion"] == int(told)


def test_it_shows_budgets_and_columns_that_follow(world: World, prefect: Prefect) -> None:
    store = world.sandbox.notion.store
    usages = store.database("Usages LLM")
    store.change_schema(usages, {"Client": {"select": {"options": []}}})
    for row in usages.rows():
        if row.value("Projet/API Key") != "(collecte)":
            store.edit(row, {"Client": "Ville de Clairval"})
    Path("budgets.toml").write_text("total = 1", "utf-8")
    world.set(NOTION_CARRY_COLUMNS="client")
    page = statement(pages(prefect, collect("2026-01")))
    assert "## Budgets" in page
    assert "## By Client" in page
    assert re.search(r"\| Ville de Clairval +\|", page)


def test_nothing_is_left_of_a_dry_run(world: World, prefect: Prefect) -> None:
    assert statement(pages(prefect, collect("2026-01", dry_run=True))) == ""


def test_a_page_that_can_t_be_made_never_turns_the_run_red(
    world: World, prefect: Prefect, caplog: pytest.LogCaptureFixture
) -> None:
    Path("rates.csv").write_text("month;rate\n2026-01;much", "utf-8")
    world.set(REPORT_CURRENCY="EUR", EUR_RATES_FILE="rates.csv")
    with caplog.at_level(logging.WARNING):
        state = collect("2026-01")
    assert state.is_completed()
    found = pages(prefect, state)
    assert statement(found) == ""
    assert "without the page of its month: EUR_RATES_FILE: line 2" in caplog.text


def test_nor_does_a_mistake_of_ours(world: World, prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("tasks.report.run_statement", mistaken)
    state = collect("2026-01")
    assert state.is_completed()
    assert statement(pages(prefect, state)) == ""
