from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from providers.openrouter.endpoints import BY_KEY_AND_MODEL, METRICS
from providers.openrouter.labels import (
    MODELS_NOT_SPLIT,
    is_doubtful,
    name_unlisted,
    owners,
    place_outside,
    remainder,
    unlisted_key,
    unlisted_workspace,
)
from providers.openrouter.parse import (
    Key,
    KeyPage,
    Line,
    OwnKeyPage,
    QueryPage,
    WorkspacePage,
    next_keys_page,
    next_workspaces_page,
    read_lines,
)
from providers.openrouter.query import Filter, Question
from providers.shared.answers import parse
from providers.shared.lines import Notes
from usage.errors import ContractError
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

JANUARY = Month.parse("2026-01")
SOURCE = Source(provider=ProviderName.OPENROUTER)
ROW: dict[str, Any] = {
    "date__month": "2026-01-01",
    "api_key_id": "chatbot",
    "model": "openai/gpt-4.1-2025-04-14",
    "request_count": "120",
    "tokens_prompt": "34000",
    "tokens_completion": 5100,
    "total_usage": 0.1088,
    "credits_usage": 0.1088,
    "byok_usage": None,
}


def page(*rows: dict[str, Any], **fields: Any) -> QueryPage:
    answer = {"data": {"data": rows, "metadata": {"truncated": False}, **fields}}
    return parse(json.loads(json.dumps(answer), parse_float=Decimal), QueryPage, "/analytics/query")


def only(row: dict[str, Any]) -> Line:
    (line,) = read_lines(page(row), BY_KEY_AND_MODEL, Notes())
    return line


def noted(*rows: dict[str, Any]) -> tuple[list[Line], Notes]:
    notes = Notes()
    return list(read_lines(page(*rows), BY_KEY_AND_MODEL, notes)), notes


# --- rows


def test_a_row_becomes_a_line() -> None:
    assert only(ROW) == Line(
        date(2026, 1, 1),
        "chatbot",
        None,
        UsageRecord(
            model="openai/gpt-4.1-2025-04-14",
            cost=Decimal("0.1088"),
            tokens_input=34000,
            tokens_output=5100,
            requests=120,
        ),
    )


@pytest.mark.parametrize("column", ["date__month", "created_at__month", "date__day", "created_at__day"])
@pytest.mark.parametrize(
    "value", ["2026-01-31", "2026-01-31T00:00:00.000Z", "2026-01-31 00:00:00", "2026-02-01T01:30:00+02:00"]
)
def test_the_time_column_is_read_in_all_its_forms(column: str, value: str) -> None:
    row = {name: cell for name, cell in ROW.items() if name != "date__month"} | {column: value}

    assert only(row).day == date(2026, 1, 31)


@pytest.mark.parametrize("value", ["soon", "2026-13-01", "2026-01-31T99", 20260131.5, None])
def test_a_time_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ContractError, match="date__month"):
        noted(ROW | {"date__month": value})


@pytest.mark.parametrize(
    ("credits", "byok", "total", "cost"),
    [
        ("1e-7", None, "1e-7", Decimal("0.0000001")),
        ("-0.0330000001", None, "-0.0330000001", Decimal("-0.0330000001")),
        ("0.30000000000000004", "2.5", "2.80000000000000004", Decimal("0.30000000000000004")),
        # Everything was paid with the customer's own key: credits are a component that was not used.
        (None, "2.5", "2.5", Decimal(0)),
        (None, None, "0", Decimal(0)),
        (None, None, None, Decimal(0)),
        # Something was charged, but not told: missing, not zero.
        (None, "2.5", "2.7", None),
        (None, None, "0.2", None),
    ],
)
def test_the_cost_is_the_credits(
    credits: str | None, byok: str | None, total: str | None, cost: Decimal | None
) -> None:
    money = {"credits_usage": credits, "byok_usage": byok, "total_usage": total}
    line = only(ROW | {name: None if text is None else float(text) for name, text in money.items()})

    assert line.figures.cost == cost
    assert line.figures.missing_amounts == (1 if cost is None else 0)
    assert line.figures.units == ((("byok_usd", Decimal(byok)),) if byok else ())


def test_counts_that_are_not_told_stay_unknown() -> None:
    figures = only(ROW | {"request_count": None, "tokens_prompt": "0", "tokens_completion": None}).figures

    assert (figures.requests, figures.tokens_input, figures.tokens_output) == (None, 0, None)


def test_empty_names_are_none() -> None:
    line = only(ROW | {"api_key_id": "", "model": ""})

    assert (line.key, line.figures.model) == (None, None)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_that_was_asked_for_has_to_be_there(name: str) -> None:
    lacking = {key: value for key, value in ROW.items() if key != name}
    with pytest.raises(ContractError, match=name):
        noted(lacking)
    found, notes = noted(lacking, ROW)
    assert found == [only(ROW)]
    assert sum(notes.dropped.values()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_count", True),
        ("request_count", "-3"),
        ("request_count", -3),
        ("tokens_prompt", "1.5"),
        ("tokens_completion", 1.5),
        ("tokens_completion", "1e400"),
        ("tokens_prompt", 10**17),
        ("credits_usage", "free"),
        ("credits_usage", "NaN"),
        ("credits_usage", "1e400"),
        ("byok_usage", "1e-400"),
        ("byok_usage", []),
        ("total_usage", "x"),
        ("model", {"name": "m"}),
    ],
)
def test_an_odd_row_is_lost_alone_and_counted(name: str, value: object) -> None:
    found, notes = noted(ROW | {name: value}, ROW, ROW)
    assert found == [only(ROW), only(ROW)]
    assert sum(notes.dropped.values()) == 1
    assert all(str(value) not in str(what) for what in notes.dropped if isinstance(value, str) and len(value) > 1)
    with pytest.raises(ContractError):
        noted(ROW | {name: value})


def test_fields_that_are_new_are_noticed() -> None:
    for column in ("date__month", "date__day", "created_at__month"):
        row = {name: cell for name, cell in ROW.items() if name != "date__month"} | {column: "2026-01-01"}
        assert noted(row)[1].new == {}
    assert noted(ROW | {"platform_fee": 0.1}, ROW)[1].new == {"/analytics/query platform_fee": 1}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None, ""]),
            st.sampled_from(["m/1", "m/2"]),
            st.integers(0, 10**9),
            st.decimals("-1000", "1000", allow_nan=False, places=12),
        )
    ).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows), st.integers(1, 5)))
)
def test_figures_add_up_whatever_the_order_and_the_split_into_answers(drawn: tuple[Any, Any, int]) -> None:
    rows, shuffled, size = drawn

    def summed(rows: list[Any], size: int) -> set[tuple[object, ...]]:
        sums = RecordSums()
        for start in range(0, len(rows), size):
            cells = [
                ROW
                | {"api_key_id": key, "model": model, "request_count": str(count)}
                | {"credits_usage": str(cost), "total_usage": str(cost)}
                for key, model, count, cost in rows[start : start + size]
            ]
            sums.add(
                structs.replace(line.figures, api_key=line.key)
                for line in read_lines(page(*cells), BY_KEY_AND_MODEL, Notes())
            )
        return {(r.api_key, r.model, r.cost, r.requests, r.tokens_input) for r in sums.records()}

    assert summed(shuffled, size) == summed(rows, len(rows) or 1)


# --- questions


@given(st.integers(0, 30), st.integers(0, 30), st.lists(st.text("0123456789abcdef", min_size=1), max_size=4))
def test_pieces_of_a_question_cover_it_once(first: int, length: int, keys: list[str]) -> None:
    start = date(2026, 1, 1).toordinal() + first
    question = Question(
        first=date.fromordinal(start),
        last=date.fromordinal(start + length),
        dimensions=BY_KEY_AND_MODEL,
        filters=(Filter(field="workspace", operator="eq", value="w"),),
        keys=tuple(keys),
    )
    pieces = question.pieces()

    if length:
        assert (pieces[0].first, pieces[-1].last) == (question.first, question.last)
        for one, other in pairwise(pieces):
            assert other.first.toordinal() == one.last.toordinal() + 1
        # A month's own bucket would not say which half it is of.
        assert {piece.granularity for piece in pieces} == {"day"}
        assert {piece.keys for piece in pieces} == {question.keys}
    elif keys:
        picked = [piece.filters[-1] for piece in pieces]
        assert [(f.operator, f.value) for f in picked] == [*(("eq", k) for k in keys), ("not_in", tuple(keys))]
        assert picked[-1].include_unset
        assert all(piece.pieces() == () for piece in pieces)
    else:
        assert pieces == ()


def test_a_question_ends_with_the_first_instant_after_it() -> None:
    body = Question.of(Month.parse("2025-12"), BY_KEY_AND_MODEL).body()

    assert (body.time_range.start, body.time_range.end) == ("2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z")


# --- whose figures


def key(hashed: str, name: str | None = None, label: str | None = None, **more: Any) -> Key:
    return Key.model_validate({"hash": hashed, "name": name, "label": label, **more})


def test_a_name_stands_for_the_keys_that_are_shown_so() -> None:
    keys = [key("1", "prod", "sk-1"), key("2", "prod", "sk-2"), key("3", "", "sk-3"), key("4", "sk-3x", "sk-4")]

    assert [k.hash for k in owners(keys, "prod")] == ["1", "2"]
    assert [k.hash for k in owners(keys, "sk-3")] == ["3"]
    # Nothing is shown so, but a masked value reads so.
    assert [k.hash for k in owners(keys, "sk-4")] == ["4"]
    assert owners(keys, "gone") == ()


@pytest.mark.parametrize(
    ("made", "usage", "spent", "doubtful"),
    [
        ("2025-12-31T23:59:59Z", 0, 5, False),
        ("2026-02-01T00:00:00Z", 100, 5, True),
        ("2026-01-10T00:00:00Z", 4.9, 5, True),
        ("2026-01-10T00:00:00Z", 5, 5, False),
        ("2026-01-10T00:00:00Z", 4.9999999, 5, False),
        ("2026-01-10T00:00:00Z", None, 5, False),
        ("2026-01-10T00:00:00", 1, None, False),
        (None, 0, 5, False),
    ],
)
def test_a_key_is_doubted_where_it_can_not_explain_what_its_name_spent(
    made: str | None, usage: float | None, spent: int | None, doubtful: bool
) -> None:
    lifetime = None if usage is None else Decimal(str(usage))
    found = key("1", "prod", created_at=made, usage=lifetime)

    assert is_doubtful(found, JANUARY, None if spent is None else Decimal(spent)) is doubtful


def test_what_no_list_has_goes_by_its_name_unless_that_is_an_id() -> None:
    some_hash, some_uuid = "0f" * 32, "11111111-2222-3333-4444-555555555555"

    assert (unlisted_key("old"), unlisted_key(some_hash), unlisted_key(None)) == ("label:old", some_hash, None)
    assert (unlisted_workspace("old"), unlisted_workspace(some_uuid)) == ("label:old", some_uuid)


AMOUNTS = st.decimals("0", "100000", allow_nan=False, places=9)
COUNTS = st.integers(0, 10**9)
FIGURES = st.builds(
    UsageRecord,
    model=st.sampled_from(["m/1", "m/2", "m/3", None]),
    cost=AMOUNTS,
    tokens_input=COUNTS,
    tokens_output=COUNTS,
    requests=COUNTS,
    units=st.one_of(st.just(()), AMOUNTS.map(lambda value: (("byok_usd", value),))),
)


def sums(records: Iterable[UsageRecord]) -> tuple[object, ...]:
    records = list(records)
    return (
        exact_sum(record.cost for record in records) or Decimal(0),
        exact_sum(value for record in records for _, value in record.units) or Decimal(0),
        sum(record.tokens_input or 0 for record in records),
        sum(record.tokens_output or 0 for record in records),
        sum(record.requests or 0 for record in records),
    )


@given(st.lists(FIGURES), st.lists(FIGURES))
def test_what_known_keys_do_not_explain_is_what_remains(known: list[UsageRecord], gone: list[UsageRecord]) -> None:
    # Figures too small to be told from the dust of floats are not made here.
    gone = [structs.replace(record, requests=(record.requests or 0) + 1) for record in gone]
    left = list(remainder([*known, *gone], known))

    assert sums(left) == sums(gone)
    assert {record.model for record in left} == {record.model for record in gone}


def test_the_dust_of_floats_is_no_deleted_key() -> None:
    whole = UsageRecord(model="m", cost=Decimal("0.30000000000000004"), requests=3)
    parts = [
        UsageRecord(model="m", cost=Decimal("0.1"), requests=1),
        UsageRecord(model="m", cost=Decimal("0.2"), requests=2),
    ]

    assert list(remainder([whole], parts)) == []


def test_an_unknown_amount_remains_unknown() -> None:
    (left,) = remainder([UsageRecord(model="m", requests=2, tokens_input=None)], [UsageRecord(model="m", requests=1)])

    assert (left.cost, left.requests, left.tokens_input) == (None, 1, None)


@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from(["prod", "test", None]), FIGURES), max_size=20
    )
)
def test_the_past_of_deleted_workspaces_keeps_its_workspace_and_key(
    facts: list[tuple[str | None, str | None, UsageRecord]],
) -> None:
    day = date(2026, 1, 1)
    by_model = [Line(day, name, None, figures) for _, name, figures in facts]
    by_workspace = [Line(day, name, space, structs.replace(figures, model=None)) for space, name, figures in facts]
    found: dict[tuple[str | None, str | None], list[UsageRecord]] = defaultdict(list)
    for record in place_outside(by_model, by_workspace):
        found[record.workspace, record.api_key].append(record)

    expected: dict[tuple[str | None, str | None], list[UsageRecord]] = defaultdict(list)
    for space, name, figures in facts:
        expected[unlisted_workspace(space), unlisted_key(name)].append(figures)
    assert {place: sums(records) for place, records in found.items()} == {
        place: sums(records) for place, records in expected.items()
    }
    homes = Counter(name for _, name in {(space, name) for space, name, _ in facts})
    for records in found.values():
        for record in records:
            shared_name = homes[None if record.api_key is None else record.api_key.removeprefix("label:")] > 1
            assert record.item == (MODELS_NOT_SPLIT if shared_name else None)


@given(
    st.lists(
        st.tuples(st.sampled_from(["w1", "w2", "label:w3"]), st.sampled_from(["label:a", "label:b", "0f", None])),
        max_size=12,
    )
)
def test_no_two_workspaces_share_the_id_of_a_deleted_key(places: list[tuple[str, str | None]]) -> None:
    records = [UsageRecord(workspace=space, api_key=name, requests=1) for space, name in places]
    named = name_unlisted(records)

    homes: dict[str, set[str | None]] = defaultdict(set)
    for record in named.records:
        if record.api_key is not None and record.api_key.startswith("label:"):
            homes[record.api_key].add(record.workspace)
    assert all(len(spaces) == 1 for spaces in homes.values())
    assert [record.workspace for record in named.records] == [space for space, _ in places]
    labels = {name for _, name in places if name and name.startswith("label:")}
    names = {thing.name for thing in named.things}
    assert names == {name.removeprefix("label:") for name in labels} | {
        space.removeprefix("label:") for space, _ in places if space.startswith("label:")
    }


# --- registries


def test_registries_know_where_they_end() -> None:
    workspaces = parse({"data": [{"id": "w1"}, {"id": "w2"}], "total_count": 5}, WorkspacePage, "/workspaces")
    keys = parse({"data": [{"hash": str(number)} for number in range(100)]}, KeyPage, "/keys")
    empty = parse({"data": []}, KeyPage, "/keys")

    step = next_workspaces_page(workspaces, None)
    assert (step.more, step.token) == (True, "2")
    full = parse({"data": [{"id": str(number)} for number in range(100)]}, WorkspacePage, "/workspaces")
    assert next_workspaces_page(full, None).token == "100"
    assert next_workspaces_page(parse({"data": [{"id": "w"}]}, WorkspacePage, "/workspaces"), None).token is None
    odd = parse({"data": [{"id": "w"}, {"name": "no id"}], "total_count": 3}, WorkspacePage, "/workspaces")
    assert next_workspaces_page(odd, None).token == "2"
    step = next_workspaces_page(workspaces, "3")
    assert (step.more, step.token) == (False, None)
    assert next_keys_page(keys, "200").token == "300"
    assert (next_keys_page(empty, "300").token, next_keys_page(empty, "300").mark) == (None, None)


# --- held against what OpenRouter publishes


def example(shared: Path, name: str) -> Any:
    text = (shared / "examples" / "openrouter" / f"{name}.json").read_text()
    return json.loads(text, parse_float=Decimal)


def test_published_registries_are_read(shared: Path) -> None:
    (workspace,) = parse(example(shared, "workspaces_list.response"), WorkspacePage, "").data
    assert workspace.name == "Production"
    (full,) = parse(example(shared, "keys_list.response"), KeyPage, "").data
    assert (full.shown, full.usage) == ("My Production Key", Decimal("25.5"))
    assert full.created_at == datetime(2025, 8, 24, 10, 30, tzinfo=UTC)
    # Older examples lack fields.
    (older,) = parse(example(shared, "keys_list.guide_response"), KeyPage, "").data
    assert older.shown == "Customer Key"
    own = parse(example(shared, "key_current.response"), OwnKeyPage, "").data
    assert own.is_management_key is False


@pytest.mark.parametrize("name", ["analytics_query.response", "skill_analytics_query.response"])
def test_published_rows_are_read(shared: Path, name: str) -> None:
    answer = example(shared, name)
    asked_for = dict.fromkeys(METRICS)
    answer["data"]["data"] = [asked_for | row for row in answer["data"]["data"]]

    found = list(read_lines(parse(answer, QueryPage, ""), (), Notes()))

    assert [line.day for line in found] in ([date(2025, 1, 1)], [date(2026, 5, 19), date(2026, 5, 18)])
    assert [line.figures.requests for line in found] in ([1500], [1523, 892])


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-99-01T00:00:00Z"])
def test_a_row_of_no_day_is_odd_and_no_more(instant: str) -> None:
    row = dict.fromkeys(METRICS) | {"created_at__month": instant}
    good = dict.fromkeys(METRICS) | {"created_at__month": "2026-01-01"}
    page = parse({"data": {"data": [row, good], "metadata": {"truncated": False}}}, QueryPage, "")
    assert [line.day for line in page.data.data] == [date(2026, 1, 1)]
    assert sum(page.data.data.odd.values()) == 1
