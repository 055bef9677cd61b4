from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.anthropic.parse import (
    AnalyticsCost,
    AnalyticsUsage,
    LineNotes,
    NamedPage,
    OlderCostResult,
    OlderDay,
    OlderUsageResult,
    Organization,
    ReportPage,
    analytics_cost,
    analytics_usage,
    next_registry_page,
    next_report_page,
    older_cost,
    older_usage,
)
from providers.shared.amounts import Written
from providers.shared.answers import parse
from providers.shared.lines import Notes
from providers.shared.paging import NextPage
from usage.errors import ContractError
from usage.money import exact_sum
from usage.month import Month
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

JANUARY = Month.parse("2026-01")
COUNTS: dict[str, Any] = {
    "uncached_input_tokens": 1,
    "cache_read_input_tokens": 20,
    "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 4000},
    "output_tokens": 50000,
    "requests": 7,
    "server_tool_use": {"web_search_requests": 0},
}


def line(group: Mapping[str, Any], at: str = "2026-01-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    return {"starting_at": at, "ending_at": "2026-02-01T00:00:00Z", "group": group, **more}


def line_notes() -> LineNotes:
    return LineNotes("/cost", Notes(), Written())


def usage_record(group: Mapping[str, Any], **counts: Any) -> UsageRecord:
    found = parse(line(group, usage=COUNTS | counts), AnalyticsUsage, "usage")
    (record,) = analytics_usage(found, line_notes())
    return record


def cost_record(group: Mapping[str, Any], **cost: Any) -> UsageRecord:
    (record,) = analytics_cost(parse(line(group, cost=cost), AnalyticsCost, "cost"), line_notes())
    return record


def test_tokens_in_are_fresh_ones_and_all_that_concern_the_cache() -> None:
    record = usage_record({"workspace_id": "wrkspc_1", "api_key_id": "apikey_1", "model": "claude-opus-5-5"})
    assert record == UsageRecord(
        workspace="wrkspc_1",
        api_key="apikey_1",
        model="claude-opus-5-5",
        tokens_input=4321,
        tokens_output=50000,
        requests=7,
    )


def test_cents_become_dollars_without_losing_a_digit() -> None:
    assert cost_record({"model": "m"}, amount="12345.6789", currency="USD").cost == Decimal("123.456789")
    assert cost_record({"model": "m"}, amount="0.00001", currency="USD").cost == Decimal("1E-7")
    long = "-" + "1" * 40 + "." + "1" * 40
    assert str(cost_record({"model": "m"}, amount=long, currency="USD").cost) == "-" + "1" * 38 + "." + "1" * 42


def test_a_request_count_that_is_null_is_not_zero() -> None:
    assert usage_record({"model": "m"}, requests=None).requests is None


def test_what_has_no_model_is_an_item_and_its_executions_are_not_requests() -> None:
    record = usage_record({"workspace_id": "wrkspc_1"}, requests=9)
    assert (record.model, record.item, record.requests) == (None, "code_execution", None)
    assert record.units == (("calls", Decimal(9)),)
    cost = cost_record({"workspace_id": "wrkspc_1", "cost_type": "session_usage"}, amount="3", currency="USD")
    assert (cost.model, cost.item, cost.cost) == (None, "session_usage", Decimal("0.03"))


def test_web_searches_of_a_model_are_calls_and_their_cost_is_the_model_s() -> None:
    record = usage_record({"model": "m"}, server_tool_use={"web_search_requests": 5})
    assert (record.requests, record.units) == (7, (("calls", Decimal(5)),))
    cost = cost_record({"model": "m", "cost_type": "web_search"}, amount="5", currency="USD")
    assert (cost.model, cost.item) == ("m", None)


def test_the_older_report_names_no_model_for_web_searches() -> None:
    result = {"amount": "5", "currency": "USD", "cost_type": "web_search", "description": "Web Search Usage"}
    bucket = parse({"starting_at": "2025-11-01T00:00:00Z", "results": [result]}, OlderDay[OlderCostResult], "cost")
    assert [(record.model, record.item, record.cost) for record in older_cost(bucket, line_notes())] == [
        (None, "web_search", Decimal("0.05"))
    ]


def test_a_cost_that_is_not_there_is_counted_and_never_zero() -> None:
    record = cost_record({"model": "m"}, currency="USD")
    assert (record.cost, record.missing_amounts) == (None, 1)


def test_another_currency_is_kept_apart() -> None:
    record = cost_record({"model": "m"}, amount="250", currency="EUR")
    assert (record.cost, record.units, record.missing_amounts) == (None, (("cost_eur", Decimal("2.50")),), 0)


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_id_is_none(empty: str | None) -> None:
    group = dict.fromkeys(("workspace_id", "api_key_id", "model", "cost_type"), empty)
    for record in (usage_record(group), cost_record(group, amount="1", currency="USD")):
        assert (record.workspace, record.api_key, record.model) == (None, None, None)
    assert cost_record(group, amount="1", currency="USD").item is None


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,5"])
def test_an_amount_that_is_no_number_is_missing_and_noted_without_being_shown(text: str) -> None:
    noted = line_notes()
    (record,) = analytics_cost(
        parse(line({"model": "m"}, cost={"amount": text, "currency": "USD"}), AnalyticsCost, "cost"), noted
    )
    assert (record.cost, record.missing_amounts) == (None, 1)
    dropped = [(what.fr, count) for what, count in noted.notes.dropped.items()]
    assert dropped == [("/cost : champ amount, attendu : un nombre", 1)]


def counts_without(*fields: str) -> dict[str, Any]:
    return {name: value for name, value in COUNTS.items() if name not in fields}


@pytest.mark.parametrize("field", ["uncached_input_tokens", "output_tokens"])
def test_a_count_that_is_missing_breaks_the_contract(field: str) -> None:
    with pytest.raises(ContractError, match=rf"usage\.{field}"):
        parse(line({}, usage=counts_without(field)), AnalyticsUsage, "usage")


def test_rows_from_before_the_cache_was_counted_have_none_of_it() -> None:
    older = counts_without("cache_read_input_tokens", "cache_creation", "requests", "server_tool_use")
    (record,) = analytics_usage(parse(line({"model": "m"}, usage=older), AnalyticsUsage, "usage"), line_notes())
    assert (record.tokens_input, record.tokens_output) == (1, 50000)
    assert usage_record({"model": "m"}, cache_read_input_tokens=None, cache_creation={}).tokens_input == 1


@pytest.mark.parametrize("odd", [True, -1, Decimal("1.5"), "7"])
@pytest.mark.parametrize("field", ["uncached_input_tokens", "output_tokens", "requests"])
def test_counts_that_are_none_cost_their_line(field: str, odd: object) -> None:
    body = {"data": [line({"model": "m"}, usage=COUNTS), line({"model": "n"}, usage=COUNTS | {field: odd})]}
    page = parse(body, ReportPage[AnalyticsUsage], "usage")
    assert [found.group.model for found in page.data] == ["m"]
    odd = [(what.fr, count) for what, count in page.data.odd.items()]
    assert odd == [(f"champ usage.{field}, attendu : un entier", 1)]


def test_new_fields_of_lines_are_noticed() -> None:
    group = dict.fromkeys(("model", "product", "context_window", "mood"))
    cost = {"amount": "1", "list_amount": "2", "currency": "USD", "requests": None, "tax": "1"}
    page = parse({"data": [line(group, cost=cost, batch=1)] * 2}, ReportPage[AnalyticsCost], "cost")
    assert page.data.new == {"batch": 2, "group.mood": 2, "cost.tax": 2}


def test_a_time_without_a_zone_breaks_the_contract() -> None:
    with pytest.raises(ContractError, match="starting_at"):
        parse(line({}, "2026-01-01T00:00:00", usage=COUNTS), AnalyticsUsage, "usage")


def test_lines_outside_the_month_are_left_out() -> None:
    days = ["2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"]
    page = parse(
        {"data": [{"starting_at": day, "results": []} for day in days]}, ReportPage[OlderDay[OlderUsageResult]], "usage"
    )
    assert [found.starting_at for found in page.within(JANUARY)] == [datetime.fromisoformat(day) for day in days[1:3]]


def test_where_reports_and_registries_go_on() -> None:
    def page(**more: Any) -> ReportPage[AnalyticsUsage]:
        return parse({"data": []} | more, ReportPage[AnalyticsUsage], "usage")

    assert next_report_page(page(has_more=True, next_page="p"), JANUARY) == NextPage(True, "p", lines=False)
    assert next_report_page(page(has_more=False, next_page="p"), JANUARY) == NextPage(False, "p", lines=False)
    assert next_report_page(page(next_page="p"), JANUARY) == NextPage(False, "p", lines=False)
    assert next_report_page(page(data=[line({}, "2026-02-01T00:00:00Z", usage=COUNTS)]), JANUARY).past
    empty_day = {"data": [{"starting_at": "2026-01-05T00:00:00Z", "results": []}]}
    turn = next_report_page(parse(empty_day, ReportPage[OlderDay[OlderUsageResult]], "usage"), JANUARY)
    assert (turn.lines, turn.past, turn.mark is None) == (False, False, False)
    names = parse({"data": [{"id": "a"}, {"id": "b"}], "has_more": True}, NamedPage, "names")
    assert next_registry_page(names) == NextPage(True, "b", "a")
    assert next_registry_page(parse({"data": [], "has_more": False, "last_id": None}, NamedPage, "names")).token is None


def test_published_examples_of_the_older_reports(shared: Path) -> None:
    def example(name: str) -> Any:
        return json.loads((shared / f"examples/anthropic/{name}.response.json").read_text(), parse_float=Decimal)

    (bucket,) = parse(example("cost_report"), ReportPage[OlderDay[OlderCostResult]], "cost").data
    (cost,) = older_cost(bucket, line_notes())
    assert (cost.workspace, cost.model) == ("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ", "claude-opus-4-6")
    assert cost.cost == Decimal("1.2378912")
    (day,) = parse(example("usage_report_messages"), ReportPage[OlderDay[OlderUsageResult]], "usage").data
    (usage,) = older_usage(day, line_notes())
    assert (usage.tokens_input, usage.tokens_output, usage.requests) == (3200, 500, None)
    assert usage.units == (("calls", Decimal(10)),)


@pytest.mark.parametrize("name", ["workspaces_list", "api_keys_list.v2023-06-01"])
def test_published_examples_of_the_registries(shared: Path, name: str) -> None:
    example = json.loads((shared / f"examples/anthropic/{name}.response.json").read_text())
    (item,) = parse(example, NamedPage, name).data
    assert item.name in ("Workspace Name", "Developer Key")


def test_the_published_example_of_an_organization(shared: Path) -> None:
    example = json.loads((shared / "examples/anthropic/organizations_me.response.json").read_text())
    assert parse(example, Organization, "me").name == example["name"]


groups = st.fixed_dictionaries(
    {
        "workspace_id": st.sampled_from([None, "", "wrkspc_1", "wrkspc_2"]),
        "api_key_id": st.sampled_from([None, "", "apikey_1", "apikey_2"]),
        "model": st.sampled_from([None, "claude-opus-5-5", "claude-sonnet-5"]),
        "cost_type": st.sampled_from([None, "tokens", "web_search", "code_execution", "session_usage", "novel"]),
    }
)
amounts = st.none() | st.decimals(-(10**6), 10**6, places=18, allow_nan=False)
lines = st.lists(st.tuples(groups, amounts), max_size=30)


def summed(pages: Iterable[list[tuple[dict[str, Any], Decimal | None]]]) -> set[UsageRecord]:
    sums = RecordSums()
    for page in pages:
        body = {"data": [line(group, cost={"amount": a and str(a), "currency": "USD"}) for group, a in page]}
        found = parse(body, ReportPage[AnalyticsCost], "cost")
        sums.add(record for one in found.within(JANUARY) for record in analytics_cost(one, line_notes()))
    return set(sums.records())


@given(lines, st.randoms(use_true_random=False), st.integers(1, 7))
def test_neither_order_nor_pages_change_the_sums(
    rows: list[tuple[dict[str, Any], Decimal | None]], draw: Any, size: int
) -> None:
    whole = summed([rows])
    known = [amount for _, amount in rows if amount is not None]
    total = exact_sum(record.cost for record in whole)
    assert total == (exact_sum(known).scaleb(-2) if known else None)  # type: ignore[union-attr]
    assert sum(record.missing_amounts for record in whole) == len(rows) - len(known)
    mixed = draw.sample(rows, len(rows))
    assert summed(mixed[at : at + size] for at in range(0, len(mixed), size)) == whole


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_that_utc_has_not_breaks_the_contract(instant: str) -> None:
    page = {"data": [], "has_more": False, "next_page": None, "data_refreshed_at": instant}
    with pytest.raises(ContractError, match="data_refreshed_at"):
        parse(page, ReportPage[AnalyticsCost], "/cost")
