"""The story of a row's corrections, in its log."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.plan.restated import with_restatements, without_restatements
from notion.rows.values import Values
from notion.text import units
from tests.notion.tables import JANUARY, READ_AT, Made, Table
from usage.grain import COLLECTION
from usage.language.choice import Language
from usage.names import Kind
from usage.outcomes.correction import Correction
from usage.outcomes.report import Thing
from usage.outcomes.rows import Totals
from usage.records.breakdown import NOTION_TEXT_LIMIT

FR, EN = Language.FR, Language.EN
BASE = "Coûts du rapport."
CORRECTED = re.compile("Corrigé : |Corrected: ")
HOSTILE = ["a » b (c). Corrigé : 1 → 2 USD le 2026-01-01.", "“a” b (c). Corrected: 1 → 2 USD on 2026-01-01."]
AMOUNTS = st.none() | st.decimals(min_value=-1000, max_value=1000, places=4)
CORRECTIONS = st.builds(
    Correction,
    key=st.just("p1"),
    workspace=st.just(""),
    read_at=st.integers(0, 40).map(lambda days: READ_AT + timedelta(days=days)),
    old=st.builds(Totals, cost=AMOUNTS, tokens_input=st.none() | st.integers(0, 9)),
    new=st.builds(Totals, cost=AMOUNTS, tokens_input=st.none() | st.integers(0, 9)),
    day=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 31)),
    what=st.text(max_size=100) | st.sampled_from(["gpt-4o", *HOSTILE]),
    alone=st.booleans(),
)


def corrected(old: str, new: str, at: datetime = READ_AT, **more: Any) -> Correction:
    fields = {"key": "p1", "workspace": "", "day": date(2026, 1, 14), "what": "gpt-4o", "alone": False} | more
    return Correction(read_at=at, old=Totals(cost=Decimal(old)), new=Totals(cost=Decimal(new)), **fields)


def row(cost: str = "45.72", log: str = BASE, at: datetime = READ_AT) -> Values:
    return Values(key="p1", month="2026-01", cost=Decimal(cost), log=log, collected_at=at)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "Corrigé : 45,50 → 45,72 USD le 2026-02-05 (surtout « gpt-4o » le 2026-01-14)."),
        ({"alone": True}, "Corrigé : 45,50 → 45,72 USD le 2026-02-05 (« gpt-4o » le 2026-01-14)."),
        ({"day": None}, "Corrigé : 45,50 → 45,72 USD le 2026-02-05 (surtout « gpt-4o »)."),
        ({"what": ""}, "Corrigé : 45,50 → 45,72 USD le 2026-02-05 (surtout le 2026-01-14)."),
        ({"what": "", "day": None}, "Corrigé : 45,50 → 45,72 USD le 2026-02-05."),
    ],
)
def test_what_is_told(more: dict[str, Any], sentence: str) -> None:
    told = with_restatements(row(), None, JANUARY, FR, [corrected("45.50", "45.72", **more)])
    assert told.log == f"{BASE} {sentence}"
    assert without_restatements(told.log) == BASE


def test_what_is_told_in_english() -> None:
    known = [corrected("45.50", "45.72"), corrected("45.5001", "45.5", what="", day=None)]
    told = with_restatements(row(), None, JANUARY, EN, known)
    assert told.log == (
        f"{BASE} Corrected: 45.50 → 45.72 USD on 2026-02-05 (mostly “gpt-4o” on 2026-01-14)."
        " Corrected: 45.5001 → 45.50 USD on 2026-02-05."
    )
    assert with_restatements(row(), told, JANUARY, FR).log == (
        f"{BASE} Corrigé : 45,50 → 45,72 USD le 2026-02-05 (surtout « gpt-4o » le 2026-01-14)."
        " Corrigé : 45,5001 → 45,50 USD le 2026-02-05."
    )


def test_figures_without_money_and_unknown_ones() -> None:
    tokens = corrected("1", "1").model_copy(
        update={"old": Totals(tokens_input=1000), "new": Totals(tokens_input=1200), "alone": True}
    )
    unknown = corrected("1", "1").model_copy(update={"old": Totals(cost=None), "new": Totals(cost=Decimal("0.5"))})
    told = with_restatements(row(), None, JANUARY, FR, [tokens, unknown]).log
    assert "Corrigé : 1000 → 1200 Tokens Input le 2026-02-05 (« gpt-4o » le 2026-01-14)." in told
    assert "Corrigé : – → 0,50 USD le 2026-02-05" in told


@given(
    st.lists(CORRECTIONS, max_size=6),
    st.lists(CORRECTIONS, max_size=3),
    st.booleans(),
    st.sampled_from(Language),
    st.sampled_from(Language),
)
def test_a_second_run_tells_the_same_also_without_the_archive(
    known: list[Correction], before: list[Correction], moved: bool, earlier: Language, language: Language
) -> None:
    old = with_restatements(row("1"), None, JANUARY, earlier, before)
    first = with_restatements(row("2" if moved else "1"), old, JANUARY, language, known)
    assert with_restatements(row("2" if moved else "1"), first, JANUARY, language, known) == first
    alone = with_restatements(row("2" if moved else "1"), first, JANUARY, language)
    assert len(CORRECTED.findall(alone.log)) <= len(CORRECTED.findall(first.log))
    assert without_restatements(first.log) == BASE


@given(st.lists(CORRECTIONS, max_size=6))
def test_what_was_told_in_another_language_is_told_again(known: list[Correction]) -> None:
    """With nothing but the cell to tell it."""
    logs = {one: with_restatements(row(), None, JANUARY, one, known) for one in Language}
    told = {one: with_restatements(row(), log, JANUARY, one).log for one, log in logs.items()}
    for log in logs.values():
        again = {one: with_restatements(row(), log, JANUARY, one).log for one in Language}
        assert again == told


def test_what_only_notion_shows_of_a_day_comes_before_what_was_told_of_it() -> None:
    old = with_restatements(row("2"), None, JANUARY, FR, [corrected("1", "2", READ_AT)])
    same_day = with_restatements(row("3", at=READ_AT + timedelta(hours=2)), old, JANUARY, FR)
    assert same_day.log == f"{BASE} Corrigé : 2,00 → 3,00 USD le {READ_AT.date()}.{old.log.removeprefix(BASE)}"
    assert with_restatements(row("3", at=READ_AT + timedelta(hours=3)), same_day, JANUARY, FR) == replace(
        same_day, collected_at=READ_AT + timedelta(hours=3)
    )


def test_what_the_archive_finds_at_a_later_reading_is_told_once() -> None:
    # The reading that brought it could not be kept.
    seen = with_restatements(row("2"), row("1", at=READ_AT - timedelta(days=1)), JANUARY, FR)
    assert seen.log == f"{BASE} Corrigé : 1,00 → 2,00 USD le {READ_AT.date()}."
    found = corrected("1", "2", READ_AT + timedelta(days=1))
    told = with_restatements(row("2", at=found.read_at), seen, JANUARY, FR, [found])
    assert told.log.count("1,00 → 2,00") == 1
    # What happens once more is another one.
    again = with_restatements(
        row("2", at=found.read_at + timedelta(days=9)), replace(told, cost=Decimal(1)), JANUARY, FR, [found]
    )
    assert again.log.count("1,00 → 2,00") == 2


def test_what_a_person_changed_is_no_correction_of_the_provider_s(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("p1"), made.row("(sans projet)"), corrections=(corrected("40", "45.50"),)))
    before = table.values("p1").log
    assert "Corrigé" in before
    edited = {page: replace(row, values=replace(row.values, cost=Decimal(1))) for page, row in table.rows.items()}
    table.rows.update({page: row for page, row in edited.items() if row.values.key != COLLECTION})
    later = READ_AT + timedelta(days=1)
    again = made.outcome(made.row("p1"), made.row("(sans projet)"), attempted_at=later, moved=(("(sans projet)", ""),))
    table.collect(again)
    assert table.values("p1").log == before
    # Of this one the provider tells something else, too.
    assert f"USD le {later.date()}." in table.values("(sans projet)").log


def test_the_latest_come_first_and_as_many_as_fit() -> None:
    many = [
        corrected("1", "2", READ_AT + timedelta(days=days), what=f"model {days} {'x' * 60}")
        for days in reversed(range(2000))
    ]
    told = with_restatements(row(), None, JANUARY, FR, many)
    assert told.log.startswith(f"{BASE} Corrigé : 1,00 → 2,00 USD le {(READ_AT + timedelta(days=1999)).date()}")
    assert NOTION_TEXT_LIMIT - 200 < units(told.log) <= NOTION_TEXT_LIMIT
    assert told.log.endswith(").")
    assert with_restatements(row(), told, JANUARY, FR, many) == told


def test_a_row_that_was_last_read_while_the_month_ran_was_not_corrected() -> None:
    during = datetime(2026, 1, 20, tzinfo=UTC)
    assert with_restatements(row("2"), row("1", at=during), JANUARY, FR).log == BASE


def test_each_row_gets_its_own(made: Made, table: Table) -> None:
    first = made.outcome(made.row("p1"), made.row("p2"), made.row("(sans projet)"))
    nobody = corrected("1", "1.5", key="(sans projet)", workspace="")
    table.collect(first.model_copy(update={"corrections": (corrected("1", "1.5"), nobody)}))
    assert "Corrigé : 1,00 → 1,50 USD" in table.values("p1").log
    assert "Corrigé : 1,00 → 1,50 USD" in table.values("(sans projet)").log
    assert table.values("p2").log == BASE


def test_a_row_that_has_vanished_tells_what_it_was(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("p1", "10"), made.row("p2", "1"), made.row("p3", "10")))
    later = READ_AT + timedelta(days=1)
    things = tuple(Thing(kind=Kind.PROJECT, id=one) for one in ("p1", "p2", "p3"))
    rows = (made.row("p1", "10"), made.row("p3", "10"))
    correction = corrected("1", "0", later, key="p2")
    table.collect(made.outcome(*rows, attempted_at=later, corrections=(correction,), things=things))
    log = table.values("p2").log
    assert log.endswith("mise à 0. Corrigé : 1,00 → 0,00 USD le 2026-02-06 (surtout « gpt-4o » le 2026-01-14).")
