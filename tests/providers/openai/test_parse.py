from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from providers.openai.days import day_of, days_of
from providers.openai.endpoints import COSTS, FAMILIES, Family
from providers.openai.parse import (
    CostPage,
    LineItem,
    NamedPage,
    Outline,
    UsagePage,
    cost_records,
    next_registry_page,
    read_line_item,
    usage_records,
)
from providers.openai.refusals import KeysNotYetError, TooOldError, explain
from providers.openai.reports import CostSink, UsageSink
from providers.shared.amounts import Written
from providers.shared.answers import Answer, parse
from providers.shared.lines import Notes
from providers.shared.paging import NextPage
from usage.errors import ContractError
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source
from usage.records.record import UsageRecord

JANUARY = Month(2026, 1)
START = int(JANUARY.start.timestamp())
DAY = 86_400
SOURCE = Source(provider=ProviderName.OPENAI)
BY_NAME = {family.path.rpartition("/")[2]: family for family in FAMILIES}


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def page(*days: list[dict[str, Any]], more: bool = False, start: int = START) -> dict[str, Any]:
    """A page of buckets, one for each list of results."""
    buckets = [
        {"object": "bucket", "start_time": start + n * DAY, "end_time": start + n * DAY + DAY, "results": results}
        for n, results in enumerate(days)
    ]
    return {"object": "page", "data": buckets, "has_more": more, "next_page": "page_2" if more else None}


def cost(value: object, line: str | None = "gpt-4o, input", **more: object) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": line,
    } | more


def costs(raw: dict[str, Any], month: Month = JANUARY) -> list[UsageRecord]:
    read = parse(raw, CostPage, COSTS)
    notes, written, ids = Notes(), Written(), dict[str, str]()
    return [
        record
        for bucket in days_of(read.data, month)
        for record in cost_records(bucket.results, day_of(bucket), notes, written, ids)
    ]


def usage(raw: dict[str, Any], family: Family, month: Month = JANUARY, notes: Notes | None = None) -> list[UsageRecord]:
    read = parse(raw, UsagePage, family.path)
    noted = notes or Notes()
    return [
        r for bucket in days_of(read.data, month) for r in usage_records(bucket.results, day_of(bucket), family, noted)
    ]


# Lines of the costs report


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("gpt-5.5-2026-04-23, input", "gpt-5.5-2026-04-23"),
        ("gpt-5.5-2026-04-23, cached input", "gpt-5.5-2026-04-23"),
        ("gpt-5.5-2026-04-23, cache writes", "gpt-5.5-2026-04-23"),
        ("gpt-6-astra, input_tokens", "gpt-6-astra"),
        ("priority | gpt-5.6-sol, output, long context", "gpt-5.6-sol"),
        ("gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15"),
        ("gpt-image-2.5-flare image, output", "gpt-image-2.5-flare"),
        ("gpt-image-2.5-sunburst text, cached input", "gpt-image-2.5-sunburst"),
        ("gpt-realtime-2.1, audio input", "gpt-realtime-2.1"),
        ("whisper-1, audio", "whisper-1"),
        ("ft:gpt-4o-mini-2024-07-18:acme:devis:BxT9, output", "ft:gpt-4o-mini-2024-07-18:acme:devis:BxT9"),
        ("gpt-4o-mini-2024-07-18, training", "gpt-4o-mini-2024-07-18"),
        # What stands before the bar is where or how the model was used.
        ("batch api | gpt-5.5, input", "gpt-5.5"),
        ("responses | web search | gpt-5.5, cached input", "gpt-5.5"),
        ("evals | gpt-4o-mini, output", "gpt-4o-mini"),
        ("ft-gpt-4o-2024-08-06, input", "ft-gpt-4o-2024-08-06"),
    ],
)
def test_lines_with_a_model(line: str, model: str) -> None:
    found = read_line_item(line)
    assert (found.model, found.item) == (model, None)


@pytest.mark.parametrize(
    "line",
    [
        "web search tool calls",
        "Vector storage",
        "Text tokens",
        "Image models",
        "Service credit, March",
        ", input",
        "a | b",
        "assistants api | code interpreter",
        "web search preview, input",
    ],
)
def test_lines_without_a_model_keep_their_text(line: str) -> None:
    assert read_line_item(line) == LineItem(item=line)


@pytest.mark.parametrize(
    ("kind", "is_input", "is_output"),
    [
        ("input", True, False),
        ("cached input", True, False),
        ("cache writes", True, False),
        ("audio input", True, False),
        ("output, long context", False, True),
        ("training", False, False),
    ],
)
def test_kinds_of_tokens(kind: str, *, is_input: bool, is_output: bool) -> None:
    found = read_line_item(f"gpt-4o, {kind}")
    assert (found.is_input, found.is_output) == (is_input, is_output)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("gpt-6-astra, input", "input"),
        ("gpt-6-astra, input_tokens", "input"),
        ("priority | gpt-5.6-sol, output, long context", "output"),
        ("gpt-4o-mini-2024-07-18, cached input", "cached input"),
        ("gpt-5.5-2026-04-23, cache writes", "cache writes"),
        ("gpt-audio-mini-2025-12-15 audio, input", "audio input"),
        ("gpt-realtime-2.1, audio output", "audio output"),
        ("gpt-realtime-2.1, cached audio input", "audio cached input"),
        ("gpt-image-2.5-sunburst text, cached input", "text cached input"),
        ("whisper-1, audio", "audio"),
        # What is not told apart in usage is of no kind that anything is divided by.
        ("gpt-4o, training", ""),
        ("gpt-4o text audio, input", ""),
        ("web search tool calls", ""),
    ],
)
def test_what_kind_of_usage_a_line_is_for(line: str, kind: str) -> None:
    assert read_line_item(line).kind == kind


@pytest.mark.parametrize("line", [None, "", "  "])
def test_lines_without_a_text(line: str | None) -> None:
    assert read_line_item(line) == LineItem(item="(ligne sans intitulé)")


@given(st.none() | st.text(max_size=60))
def test_no_line_is_lost(line: str | None) -> None:
    found = read_line_item(line)
    assert (found.model is None) != (found.item is None)
    assert found.model or found.item


# Amounts


def test_amounts_in_every_spelling() -> None:
    raw = json.loads(
        json.dumps(page([cost("0.8958740000000000"), cost("VALUE"), cost(3), cost(0), cost("-12.3456789012")])).replace(
            '"VALUE"', "0.1000000000000000055511151231257827"
        ),
        parse_float=Decimal,
    )
    assert [record.cost for record in costs(raw)] == [
        Decimal("0.895874"),
        Decimal("0.1000000000000000055511151231257827"),
        Decimal(3),
        Decimal(0),
        Decimal("-12.3456789012"),
    ]


@pytest.mark.parametrize("amount", [None, {}, {"value": None, "currency": "usd"}])
def test_a_missing_amount_is_counted_and_not_taken_for_zero(amount: object) -> None:
    (record,) = costs(page([{"object": "organization.costs.result", "amount": amount}]))
    assert (record.cost, record.missing_amounts) == (None, 1)


def test_money_in_another_currency_is_kept_apart() -> None:
    (record,) = costs(page([{"amount": {"value": "4.5", "currency": "EUR"}, "project_id": "p"}]))
    assert (record.cost, record.units, record.missing_amounts) == (None, (("cost_eur", Decimal("4.5")),), 0)


def test_an_amount_that_is_no_number_is_missing_and_noted() -> None:
    sink = CostSink(JANUARY)
    sink.add(parse(page([cost("a lot"), cost("1.5", line="other")]), CostPage, COSTS))
    figures = sink.figures(by_key=True)
    assert exact_sum(record.cost for record in figures.records) == Decimal("1.5")
    assert sum(record.missing_amounts for record in figures.records) == 1
    dropped = [(what.fr, count) for what, count in figures.notes.dropped.items()]
    assert dropped == [(f"{COSTS} : champ amount.value, attendu : un nombre", 1)]


@pytest.mark.parametrize("odd", [7, True, {"a": [1]}, ["x"], Decimal("1.5"), "a name"])
def test_odd_values_beside_the_money_do_not_cost_it(odd: object) -> None:
    names = ("project_name", "organization_id", "quantity", "quantity_unit")
    (record,) = costs(page([cost("1.5") | dict.fromkeys(names, odd)]))
    assert record.cost == Decimal("1.5")


@pytest.mark.parametrize(
    ("quantity", "unit", "tokens"),
    [
        (300, "tokens", 300),
        (Decimal("2.5"), "1000_tokens", 2500),
        (3, "images", None),
        (300, None, None),
        (True, "tokens", None),
        ("300", "tokens", None),
        (10**30, "tokens", None),
        (None, "tokens", None),
    ],
)
def test_tokens_that_a_line_was_billed_for(quantity: object, unit: object, tokens: int | None) -> None:
    (into,) = costs(page([cost(1, "gpt-4o, cached input", quantity=quantity, quantity_unit=unit)]))
    (out,) = costs(page([cost(1, "gpt-4o, output", quantity=quantity, quantity_unit=unit)]))
    assert (into.tokens_input, into.tokens_output) == (tokens, None)
    assert (out.tokens_input, out.tokens_output) == (None, tokens)


def test_cost_lines_tell_names_and_the_organisation() -> None:
    sink = CostSink(JANUARY)
    more = {"project_id": "p", "project_name": "Alpha", "organization_id": "org-1"}
    sink.add(parse(page([cost(1, **more)], [cost(2, project_id="q", project_name=" ")]), CostPage, COSTS))
    figures = sink.figures(by_key=True)
    assert (figures.names, len(figures.days)) == ((("p", "Alpha"),), 2)
    assert figures.organisations == {"org-1"}


def test_empty_ids_are_none() -> None:
    (record,) = costs(page([cost("1", project_id="", api_key_id="")]))
    assert (record.project, record.api_key) == (None, None)


# Days and pages


def test_days_outside_the_month_do_not_count() -> None:
    raw = page([cost(1)], [cost(2)], [cost(4)], start=START - DAY)
    assert [record.cost for record in costs(raw)] == [2, 4]
    raw = page([cost(1)], [cost(2)], start=int(JANUARY.end.timestamp()) - DAY)
    assert [record.cost for record in costs(raw)] == [1]


ROWS = st.builds(
    cost,
    st.decimals(allow_nan=False, allow_infinity=False, places=16, min_value=-(10**6), max_value=10**6).map(str)
    | st.integers(0, 9)
    | st.none(),
    st.sampled_from([None, "gpt-4o, input", "gpt-4o, output", "web search tool calls"]),
    project_id=st.sampled_from([None, "", "proj_1", "proj_2"]),
    api_key_id=st.sampled_from([None, "key_1"]),
)


@settings(max_examples=50)
@given(st.lists(ROWS, max_size=25), st.randoms(), st.integers(1, 6))
def test_costs_add_up_whatever_the_order_and_the_pages(rows: list[dict[str, Any]], random: Any, size: int) -> None:
    shuffled = random.sample(rows, len(rows))
    sink = CostSink(JANUARY)
    for start in range(0, len(shuffled), size):
        sink.add(parse(page(shuffled[start : start + size], start=START + random.randrange(31) * DAY), CostPage, COSTS))
    found = sink.figures(by_key=True).records
    expected = [Decimal(row["amount"]["value"]) for row in rows if row["amount"]["value"] is not None]
    assert exact_sum(record.cost for record in found) == exact_sum(expected)
    assert sum(record.missing_amounts for record in found) == len(rows) - len(expected)
    assert {record.project for record in found} == {row["project_id"] or None for row in rows}


def test_what_is_stored_is_not_added_up_over_the_days() -> None:
    family = BY_NAME["vector_stores"]
    sink = UsageSink(JANUARY, family)
    for days in ([[("a", 5), ("b", 1)], [("a", 9)]], [[("a", 7), ("b", 2)], []]):
        results = [[{"usage_bytes": stored, "project_id": project} for project, stored in day] for day in days]
        sink.add(parse(page(*results), UsagePage, family.path))
    found = {record.project: record.units for record in sink.figures().records}
    assert found == {"a": (("bytes", Decimal(9)),), "b": (("bytes", Decimal(2)),)}


def test_where_a_report_goes_on() -> None:
    def turn(*parts: CostPage) -> NextPage:
        outline = Outline()
        for part in parts:
            outline.add(part)
        return outline.next_page(int(JANUARY.end.timestamp()))

    first = parse(page([cost(1)], more=True), CostPage, COSTS)
    assert (turn(first).more, turn(first).token, turn(first).past) == (True, "page_2", False)
    # The same day goes on with other lines: another page. The same lines: the same page.
    rest = parse(page([cost(2, "web search tool calls")], more=True), CostPage, COSTS)
    assert turn(first).mark != turn(rest).mark
    assert turn(first).mark == turn(first.model_copy(update={"next_page": "page_3"})).mark
    assert turn(parse(page(), CostPage, COSTS)).mark is None
    # In parts or whole: the same page.
    days = [[cost(1)], [], [cost(2), cost(3)]]
    parts = [parse(page(day, start=START + n * DAY), CostPage, COSTS) for n, day in enumerate(days)]
    assert turn(*parts, first.model_copy(update={"data": []})) == turn(parse(page(*days, more=True), CostPage, COSTS))
    assert not turn(parse(page([], []), CostPage, COSTS)).lines
    assert turn(parse(page([cost(1)], start=int(JANUARY.end.timestamp())), CostPage, COSTS)).past


def test_where_a_registry_goes_on() -> None:
    """The published example spells `last_id` differently from the items' own ids."""
    raw = {"data": [{"id": "proj_abc", "name": None}], "first_id": "proj-abc", "last_id": "proj-abc", "has_more": True}
    assert next_registry_page(parse(raw, NamedPage, "/projects")).token == "proj_abc"
    assert next_registry_page(parse(raw | {"has_more": False}, NamedPage, "/projects")).token is None
    empty = parse({"data": [], "last_id": "proj_z", "has_more": True}, NamedPage, "/projects")
    assert (next_registry_page(empty).token, next_registry_page(empty).mark) == ("proj_z", None)


# Usage


def test_tokens_are_the_two_totals_and_not_their_parts() -> None:
    result = {
        "input_tokens": 1000,
        "input_cached_tokens": 800,
        "input_cache_write_tokens": 50,
        "input_uncached_tokens": 150,
        "output_tokens": 30,
        "output_audio_tokens": 10,
        "num_model_requests": 5,
        "project_id": "p",
        "api_key_id": "k",
        "model": "gpt-4o",
    }
    assert usage(page([result]), BY_NAME["completions"]) == [
        UsageRecord(
            day=JANUARY.first_day,
            project="p",
            api_key="k",
            model="gpt-4o",
            tokens_input=1000,
            tokens_output=30,
            requests=5,
        )
    ]


def test_searches_are_calls_and_no_requests_once_more() -> None:
    """The requests that led to them are counted under completions."""
    result = {"num_requests": 7, "num_model_requests": 5, "project_id": "p", "model": "gpt-4o"}
    (record,) = usage(page([result]), BY_NAME["web_search_calls"])
    assert (record.requests, record.units) == (None, (("calls", Decimal(7)),))
    assert (record.model, record.item) == (None, "web search tool calls")


@pytest.mark.parametrize(
    ("family", "result", "expected"),
    [
        ("embeddings", {"input_tokens": 3, "num_model_requests": 1}, UsageRecord(tokens_input=3, requests=1)),
        ("images", {"images": 4, "num_model_requests": 1}, UsageRecord(requests=1, units=(("images", Decimal(4)),))),
        (
            "audio_speeches",
            {"characters": 640, "num_model_requests": 1},
            UsageRecord(requests=1, units=(("characters", Decimal(640)),)),
        ),
        (
            "audio_transcriptions",
            {"seconds": 97, "num_model_requests": 1},
            UsageRecord(requests=1, units=(("seconds", Decimal(97)),)),
        ),
        (
            "code_interpreter_sessions",
            {"num_sessions": 2},
            UsageRecord(item="code interpreter sessions", units=(("sessions", Decimal(2)),)),
        ),
        (
            "file_search_calls",
            {"num_requests": 2},
            UsageRecord(item="file search tool calls", units=(("calls", Decimal(2)),)),
        ),
    ],
)
def test_each_family_has_its_measure(family: str, result: dict[str, Any], expected: UsageRecord) -> None:
    assert usage(page([result]), BY_NAME[family]) == [replace(expected, day=JANUARY.first_day)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.path.rpartition("/")[2])
def test_a_line_without_its_measure_is_left_out_and_named(family: Family) -> None:
    notes = Notes()
    assert usage(page([{"project_id": "p", "model": "gpt-4o"}]), family, notes=notes) == []
    (what,) = notes.dropped
    assert re.fullmatch(rf"{family.path} : champ \w+, attendu : un entier", what.fr)


def test_a_report_none_of_whose_lines_has_its_measure_has_changed() -> None:
    sink = UsageSink(JANUARY, BY_NAME["images"])
    sink.add(parse(page([{"model": "a"}], [{"model": "b", "images": -1}]), UsagePage, "/images"))
    with pytest.raises(ContractError, match="/organization/usage/images ne répond plus comme prévu"):
        sink.figures()


# Published examples


def published(shared: Path, name: str) -> Any:
    return json.loads((shared / "examples" / "openai" / f"{name}.json").read_text(), parse_float=Decimal)


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"decisions"}))  # of which no example has been published
def test_published_usage(shared: Path, name: str) -> None:
    family = BY_NAME[name]
    raw = published(shared, f"usage_{name}.response")
    first = raw["data"][0]
    month = Month.of(instant(first["start_time"]))
    records = usage(raw, family, month)
    assert len(records) == len(first["results"])
    assert records[0].tokens_input == (first["results"][0]["input_tokens"] if family.tokens_in else None)


def test_published_costs(shared: Path) -> None:
    raw = published(shared, "costs.response")
    month = Month.of(instant(raw["data"][0]["start_time"]))
    expected = [result["amount"]["value"] for bucket in raw["data"] for result in bucket["results"]]
    assert [record.cost for record in costs(raw, month)] == [Decimal(value) for value in expected]
    fragment = published(shared, "observed_costs_result_fragment_string_amount")
    (record,) = costs(page([fragment]))
    assert record.cost == Decimal(fragment["amount"]["value"])


def test_a_printed_month(shared: Path) -> None:
    """The output of a live call: 31 buckets, the first and the last cut within a day."""
    buckets = published(shared, "cookbook_usage_completions_31_buckets.data")
    raw = {"data": buckets, "has_more": False, "next_page": None}
    months = {Month.of(instant(bucket["start_time"])) for bucket in buckets}
    found = [record for month in months for record in usage(raw, BY_NAME["completions"], month)]
    expected = [result for bucket in buckets for result in bucket["results"]]
    assert sum(record.tokens_input or 0 for record in found) == sum(result["input_tokens"] for result in expected) > 0


@pytest.mark.parametrize("name", ["projects.response", "projects_project_id_api_keys.response"])
def test_published_registries(shared: Path, name: str) -> None:
    raw = published(shared, name)
    read = parse(raw, NamedPage, "/projects")
    assert [item.id for item in read.data] == [item["id"] for item in raw["data"]]


# Refusals


def refused(message: object, **other: object) -> Any:
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", **other}})
    return explain(Answer("/organization/costs", 400, httpx.Headers(), body.encode()))


@pytest.mark.parametrize(
    ("message", "other"),
    [
        (
            "group_by=api_key_id is not available here. Try a start_time on or after 1764979200.",
            {"param": "start_time"},
        ),
        ("Grouping by api_key_id needs a start_time of 2025-12-06 or later.", {"param": None, "code": 400}),
        ("api_key_id is told from 2025-12-06T00:00:00Z on", {"param": ["start_time"]}),
        ("api_key_id is told from 1764932400 on", {}),
    ],
)
def test_the_day_from_which_costs_are_told_by_key_however_it_is_worded(message: str, other: dict[str, object]) -> None:
    error = refused(message, **other)
    assert isinstance(error, KeysNotYetError)
    assert error.days == (date(2025, 12, 6),)


@pytest.mark.parametrize(
    ("message", "days"),
    [
        ("Earliest supported start date: 2026-10-06 (UTC).", (date(2026, 10, 6),)),
        ("The earliest start_time is 1791244800.", (date(2026, 10, 6),)),
        ("2026-10-01 is before 2026-10-06.", (date(2026, 10, 1), date(2026, 10, 6))),
        ("Not before 2026-19-39.", ()),
        (None, ()),
        ({"text": "2026-10-06"}, ()),
    ],
)
@pytest.mark.parametrize("param", ["start_time", None, 7])
def test_a_report_that_does_not_reach_so_far_however_it_is_worded(
    message: object, param: object, days: tuple[date, ...]
) -> None:
    error = refused(message, param=param, code="reporting_lookback_exceeded")
    assert isinstance(error, TooOldError)
    assert error.days == days
    assert ("il commence le" in error.sentence.fr) is (len(days) == 1)


@pytest.mark.parametrize("message", ["group_by is odd", "start_time 1764979200 is odd", None, [], 7])
def test_other_refusals_are_left_to_the_common_rules(message: object) -> None:
    assert refused(message, param="start_time", code=400) is None
