from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.client.models import Page, PropertySchema
from notion.databases.declared import USAGES
from notion.databases.found import Found
from notion.rows.values import (
    COLUMNS,
    Existing,
    Values,
    changed_fields,
    fields_in,
    read_row,
    to_minute,
    to_properties,
    without_future_time,
)

FOUND = Found(
    USAGES,
    "db",
    "ds",
    "",
    (),
    {
        one.name: PropertySchema(id=f"id:{one.name}", name=f"{one.name} !", type=one.type.value)
        for one in USAGES.properties
        if one.name in COLUMNS.values()
    },
)
WITHOUT_NAME = replace(FOUND, columns={name: c for name, c in FOUND.columns.items() if name != "Nom Projet"})
FIELDS = fields_in(FOUND)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
NUMBER = st.none() | st.integers(0, 2**60) | st.decimals("0", "1e9", places=9)
VALUES = st.builds(
    Values,
    title=TEXT,
    service=st.none() | st.uuids().map(str),
    month=TEXT,
    key=TEXT,
    workspace=TEXT,
    models=TEXT,
    tokens_input=NUMBER,
    tokens_output=NUMBER,
    cost=NUMBER,
    requests=NUMBER,
    breakdown=TEXT,
    collected_at=st.none() | st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    status=st.none() | st.sampled_from(["Succes", "Partiel"]),
    log=TEXT,
    name=TEXT,
)


def answered(properties: dict[str, Any]) -> Page:
    """Notion's answer about a row that was written like this."""
    shown = {}
    for name, column in FOUND.columns.items():
        written = properties.get(column.id, {})
        kind = USAGES.property(name).type.value
        value = written.get(kind)
        if kind in ("title", "rich_text"):
            value = [{"plain_text": piece["text"]["content"]} for piece in value or []]
        shown[f"renamed {name}"] = {"id": column.id, "type": kind, kind: value or ([] if kind == "relation" else value)}
    return Page.model_validate({"id": "p", "created_time": "2026-02-05T08:00:00.000Z", "properties": shown})


@given(values=VALUES)
def test_what_is_written_reads_back_without_a_change(values: Values) -> None:
    row = read_row(FOUND, answered(to_properties(FOUND, values)))
    assert changed_fields(row.values, values, FIELDS) == ()


@given(old=VALUES, new=VALUES)
def test_the_changed_fields_are_all_it_takes(old: Values, new: Values) -> None:
    names = changed_fields(old, new, FIELDS)
    written = to_properties(FOUND, old) | to_properties(FOUND, new, names)
    assert changed_fields(read_row(FOUND, answered(written)).values, new, FIELDS) == ()
    assert set(to_properties(FOUND, new, names)) == {FOUND.columns[COLUMNS[name]].id for name in names}


def test_every_field_but_the_file_has_a_column() -> None:
    assert set(COLUMNS) | {"whole"} == {item.name for item in fields(Values)}
    assert all(USAGES.property(column) for column in COLUMNS.values())


def test_a_column_that_is_not_there_is_neither_compared_nor_written() -> None:
    old, new = Values(name="a"), Values(name="b")
    assert changed_fields(old, new, FIELDS) == ("name",)
    assert changed_fields(old, new, fields_in(WITHOUT_NAME)) == ()
    assert to_properties(WITHOUT_NAME, new) == {}


def test_empty_cells_are_left_out_of_a_new_row_and_emptied_in_an_old_one() -> None:
    assert to_properties(FOUND, Values()) == {}
    emptied = to_properties(FOUND, Values(), tuple(COLUMNS))
    assert emptied["id:Cout USD"] == {"number": None}
    assert emptied["id:Collecte Le"] == {"date": None}
    assert emptied["id:Statut Collecte"] == {"select": None}
    assert emptied["id:Service"] == {"relation": []}
    assert emptied["id:Log Status"] == {"rich_text": []}


def test_zero_is_written() -> None:
    assert to_properties(FOUND, Values(cost=Decimal(0), tokens_input=0)) == {
        "id:Cout USD": {"number": 0.0},
        "id:Tokens Input": {"number": 0},
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"cost": 45.5}, {"cost": Decimal("45.50")}),
        ({"cost": 0.1}, {"cost": Decimal("0.1000000000000000055511151231257827")}),
        ({"tokens_input": 10.0}, {"tokens_input": 10}),
        ({"service": "ab-cd"}, {"service": "abcd"}),
    ],
)
def test_what_notion_shows_alike(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changed_fields(Values(**old), Values(**new), FIELDS) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"cost": None}, {"cost": Decimal(0)}),
        ({"cost": 45.5}, {"cost": Decimal("45.51")}),
        ({"key": "ab-cd"}, {"key": "abcd"}),
        ({"status": "Succès"}, {"status": "Succes"}),
    ],
)
def test_what_notion_shows_differently(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changed_fields(Values(**old), Values(**new), FIELDS) == tuple(new)


def test_instants_are_compared_to_the_minute() -> None:
    moment = datetime(2026, 2, 5, 9, 0, 59, tzinfo=timezone(timedelta(hours=1)))
    assert to_minute(moment) == datetime(2026, 2, 5, 8, tzinfo=UTC)
    assert (
        changed_fields(Values(collected_at=datetime(2026, 2, 5, 8, tzinfo=UTC)), Values(collected_at=moment), FIELDS)
        == ()
    )
    later = moment + timedelta(seconds=1)
    assert changed_fields(Values(collected_at=moment), Values(collected_at=later), FIELDS) == ("collected_at",)


def test_long_texts_go_in_pieces() -> None:
    written = to_properties(FOUND, Values(log="a" * 4500))["id:Log Status"]["rich_text"]
    assert [len(piece["text"]["content"]) for piece in written] == [2000, 2000, 500]


def test_the_oldest_row_then_the_smallest_id() -> None:
    early, late = datetime(2026, 2, 5, 8, tzinfo=UTC), datetime(2026, 2, 5, 9, tzinfo=UTC)
    rows = [Existing("b", late, Values()), Existing("c", early, Values()), Existing("a", late, Values())]
    assert [row.page_id for row in sorted(rows, key=lambda row: row.age)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("minutes", "edited", "is_believed"),
    [(5, None, True), (6, None, False), (60, 56, True), (60, 54, False), (-60, None, True)],
)
def test_a_time_ahead_of_notion_s_is_none(minutes: int, edited: int | None, is_believed: bool) -> None:
    now = datetime(2026, 2, 5, 8, tzinfo=UTC)
    read_at = now + timedelta(minutes=minutes)
    written = None if edited is None else now + timedelta(minutes=edited)
    row = Existing("page", now, Values(collected_at=read_at, cost=1.0), edited=written)
    assert without_future_time(row, now).values == Values(collected_at=read_at if is_believed else None, cost=1.0)
