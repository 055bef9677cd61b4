from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from providers.elevenlabs.days import Span
from providers.elevenlabs.endpoints import COSTS, CREDITS, PRODUCT, Report
from providers.elevenlabs.parse import (
    Query,
    ReportFigures,
    ServiceAccounts,
    Stats,
    Subscription,
    query,
    read_stats,
    read_table,
)
from providers.elevenlabs.refusals import explain
from providers.elevenlabs.registry import count_hashless, list_things, name_keys
from providers.elevenlabs.tables import Table
from providers.shared.amounts import Written
from providers.shared.answers import Answer
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
)
from usage.language.saying import say
from usage.names import Kind
from usage.outcomes.report import Count, Thing
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

JANUARY = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
HEAD: Sequence[tuple[str, str, str | None]] = (
    ("timestamp", "DateTime", None),
    ("hashed_xi_api_key", "String", None),
    ("model", "String", None),
    ("product_type", "String", None),
    ("fiat_currency", "String", None),
    ("total_usage", "Float", "credits"),
    ("total_cost", "Float", "usd"),
    ("total_minutes", "Float", "min"),
    ("usage_count", "Int", None),
)
ROW = ["2026-01-05T00:00:00Z", "abc", "eleven_v3", "text_to_speech", "usd", Decimal("12.5"), Decimal("0.30"), None, 4]
COST_HEAD: Sequence[tuple[str, str, str | None]] = (
    ("timestamp", "DateTime", None),
    ("hashed_xi_api_key", "String", None),
    ("model", "String", None),
    ("fiat_charge_type", "String", None),
    ("fiat_currency", "String", None),
    ("total_cost", "Float", "usd"),
    ("total_charge_count", "Int", None),
)
PATH = CREDITS.path


def table(rows: Sequence[Sequence[object]], head: Sequence[tuple[str, str, str | None]] = HEAD) -> Table:
    return Table(
        columns=[name for name, _, _ in head],
        column_types=[kind for _, kind, _ in head],
        column_units=[unit for _, _, unit in head],
        rows=list(rows),
    )


def read(*rows: Sequence[object], head: Sequence[tuple[str, str, str | None]] = HEAD) -> ReportFigures:
    return read_table(table(rows, head), CREDITS, JANUARY)


def with_cell(name: str, value: object) -> list[object]:
    place = [column for column, _, _ in HEAD].index(name)
    return [*ROW[:place], value, *ROW[place + 1 :]]


def changed(name: str, kind: str | None = None, unit: str | None = None) -> Sequence[tuple[str, str, str | None]]:
    return [(column, kind or of, unit if column == name else was) for column, of, was in HEAD]


def summed(records: Sequence[UsageRecord]) -> tuple[UsageRecord, ...]:
    sums = RecordSums()
    sums.add(records)
    return sums.records()


def test_a_row_becomes_a_record() -> None:
    figures = read(ROW)
    assert figures.records == (
        UsageRecord(
            day=date(2026, 1, 5),
            api_key="abc",
            model="eleven_v3",
            cost=Decimal("0.30"),
            requests=4,
            units=(("credits", Decimal("12.5")),),
        ),
    )
    assert figures.currencies == {"usd"}
    assert figures.first == datetime(2026, 1, 5, tzinfo=UTC)
    assert figures.written == Written(lines=1, places=2, as_text=False)


@given(st.permutations(range(len(HEAD))), st.integers(0, len(HEAD)))
def test_columns_are_found_wherever_they_stand(order: list[int], extra: int) -> None:
    # A column nobody knows, with cells of any type, is left alone.
    head = [HEAD[place] for place in order]
    row: list[object] = [ROW[place] for place in order]
    head.insert(extra, ("voice_settings", "JSON", None))
    row.insert(extra, {"stability": [1]})
    assert read(row, head=head).records == read(ROW).records


@given(
    st.lists(
        st.tuples(
            st.integers(1, 31),
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["m", "n", None]),
            st.decimals(-1000, 1000, places=9),
            st.integers(0, 50),
        ),
        max_size=25,
    ),
    st.randoms(use_true_random=False),
    st.integers(0, 25),
)
def test_sums_do_not_depend_on_order_or_on_the_split(
    facts: list[tuple[int, str | None, str | None, Decimal, int]], random: Any, cut: int
) -> None:
    rows = [[f"2026-01-{d:02d}T00:00:00Z", k, m, "studio", None, c, c, c, n] for d, k, m, c, n in facts]
    shuffled = random.sample(rows, len(rows))
    parts = [*read(*shuffled[:cut]).records, *read(*shuffled[cut:]).records]
    whole = summed(read(*rows).records)
    assert set(summed(parts)) == set(whole)
    assert read(*rows).dollars == sum((fact[3] for fact in facts), Decimal(0))


@pytest.mark.parametrize(
    "instant",
    [
        "2026-01-05T00:00:00Z",
        "2026-01-05T01:00:00+01:00",
        "2026-01-05 00:00:00",
        "2026-01-05T00:00:00.000000Z",
        1767571200,
        1767571200000,
        "1767571200",
        Decimal("1767571200000.0"),
    ],
)
def test_every_spelling_of_a_day_is_read(instant: object) -> None:
    assert read(with_cell("timestamp", instant)).first == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("instant", [None, "yesterday", True, [], 10**30, ""])
def test_a_day_that_can_not_be_read_stops_the_source(instant: object) -> None:
    with pytest.raises(ContractError, match=r"une date est illisible|n’est pas un nombre"):
        read(with_cell("timestamp", instant))
    # One of many costs itself alone.
    figures = read(with_cell("timestamp", instant), ROW)
    assert figures.records == read(ROW).records
    assert figures.lost == (Count(what=say("unreadable lines"), count=1),)


@pytest.mark.parametrize("day", ["2025-12-31T00:00:00Z", "2026-02-01T00:00:00Z"])
def test_days_outside_the_span_are_dropped(day: str) -> None:
    figures = read(with_cell("timestamp", day))
    assert not figures.records
    assert figures.currencies == {"usd"}
    assert figures.first is None


def test_amounts_as_text_are_exact() -> None:
    row = [*ROW[:5], "12.5", "0.100000000000000000000000000001", "1", "4"]
    figures = read(row)
    assert figures.written.as_text
    assert figures.dollars == Decimal("0.100000000000000000000000000001")
    assert figures.records[0].requests == 4


@pytest.mark.parametrize("zero", [0, Decimal("0.0"), "0", "0.000"])
def test_rows_of_zeros_are_empty_buckets(zero: object) -> None:
    assert read([*ROW[:5], zero, zero, None, 0]).records == ()


def test_free_usage_costs_zero_and_a_missing_amount_is_counted() -> None:
    free = read(with_cell("total_cost", 0)).records[0]
    assert (free.cost, free.missing_amounts) == (Decimal(0), 0)
    missing = read(with_cell("total_cost", None)).records[0]
    assert (missing.cost, missing.missing_amounts) == (None, 1)
    nothing = read([*ROW[:5], None, None, None, None]).records[0]
    assert nothing.missing_amounts == 1


def test_usage_without_key_or_model() -> None:
    record = read(["2026-01-05T00:00:00Z", "", None, "dubbing", None, 1, 1, 1, 1]).records[0]
    assert (record.api_key, record.model, record.item) == (None, None, "dubbing")


@pytest.mark.parametrize("currency", ["eur", "inr", "pln", "gbp", "EUR", "chf"])
def test_another_currency_is_never_dollars(currency: str) -> None:
    figures = read(with_cell("fiat_currency", None), head=changed("total_cost", unit=currency))
    assert figures.currencies == {currency.lower()}
    assert figures.records[0].cost is None
    assert (f"cost_{currency.lower()}", Decimal("0.30")) in figures.records[0].units
    assert figures.records[0].missing_amounts == 0


@pytest.mark.parametrize("unit", [None, "", "gbp", "usd", "EUR"])
def test_what_a_row_says_of_its_currency_comes_before_the_unit_of_the_column(unit: str | None) -> None:
    rows = [with_cell("fiat_currency", said) for said in ("EUR", "usd", "chf")]
    figures = read(*rows, head=changed("total_cost", unit=unit))
    assert figures.currencies == {"eur", "usd", "chf"}
    euro, dollar, franc = figures.records
    assert (euro.cost, dict(euro.units)["cost_eur"]) == (None, Decimal("0.30"))
    assert dollar.cost == Decimal("0.30")
    assert (franc.cost, dict(franc.units)["cost_chf"]) == (None, Decimal("0.30"))
    assert all(dict(record.units)["credits"] == Decimal("12.5") for record in figures.records)


def test_amounts_whose_currency_nobody_tells_are_missing_and_credits_are_not() -> None:
    silent = changed("total_cost", unit=None)
    nobody, zero = with_cell("fiat_currency", None), [*ROW[:4], None, Decimal(7), 0, None, 1]
    figures = read(ROW, nobody, zero, head=silent)
    assert [record.cost for record in figures.records] == [Decimal("0.30"), None, Decimal(0)]
    assert [record.missing_amounts for record in figures.records] == [0, 1, 0]
    assert figures.lost == (Count(what=say("amounts without a currency"), count=1),)
    assert [dict(record.units)["credits"] for record in figures.records] == [Decimal("12.5"), Decimal("12.5"), 7]
    # Without any currency, zeros say nothing and miss nothing.
    alone = read(zero, head=silent)
    assert (alone.currencies, alone.records[0].cost, alone.records[0].missing_amounts) == (frozenset(), None, 0)
    assert alone.without_money


def test_an_answer_that_lacks_the_currency_it_was_asked_for_is_read_by_its_unit() -> None:
    place = [name for name, _, _ in HEAD].index("fiat_currency")
    head = [column for column in HEAD if column[0] != "fiat_currency"]
    assert read([*ROW[:place], *ROW[place + 1 :]], head=head).records == read(ROW).records


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (("unit_price", "Float", "usd"), Decimal("0.001")),
        (("discount", "Float", "eur"), Decimal(3)),
        (("bonus", "Float", "credits"), Decimal(3)),
        (("waiting", "Float", "min"), Decimal(3)),
        (("errors", "Int", None), 3),
        (("total_charge_count", "Int", None), 3),
    ],
)
@pytest.mark.parametrize("place", [0, 5, len(HEAD)])
def test_one_more_column_beside_a_known_one_changes_nothing(
    column: tuple[str, str, str | None], value: object, place: int
) -> None:
    head, row = [*HEAD], [*ROW]
    head.insert(place, column)
    row.insert(place, value)
    figures = read(row, head=head)
    assert figures.records == read(ROW).records
    assert not figures.doubts
    assert not figures.lost
    known = column[0] == "total_charge_count"
    assert figures.new == (() if known else (Count(what=f"{PATH} columns.{column[0]}", count=1),))


def test_credits_of_an_unknown_unit_are_left_out_and_said() -> None:
    place = [name for name, _, _ in HEAD].index("total_usage")
    figures = read(ROW, head=[*HEAD[:place], ("total_usage", "Float", "points"), *HEAD[place + 1 :]])
    (doubt,) = figures.doubts
    assert str(doubt.what.sentence) == "les crédits"
    assert "total_usage (Float, points)" in str(doubt.sentence)
    (record,), (whole,) = figures.records, read(ROW).records
    assert record.cost == whole.cost is not None
    assert "credits" not in dict(record.units)


@pytest.mark.parametrize(
    ("name", "others", "what"),
    [
        ("total_cost", [("paid", "Float", "usd"), ("due", "Float", "usd")], "le montant"),
        ("total_usage", [("spent", "Float", "credits"), ("left", "Float", "credits")], "les crédits"),
        ("total_minutes", [("spoken", "Float", "min"), ("heard", "Float", "min")], "les minutes"),
        ("usage_count", [("calls", "Int", None), ("voices", "Int", None)], "les requêtes"),
        ("total_cost", [("total_cost", "Float", "usd"), ("total_cost", "Float", "usd")], "le montant"),
    ],
)
def test_a_figure_that_several_columns_could_be_is_left_out_alone(
    name: str, others: Sequence[tuple[str, str, str | None]], what: str
) -> None:
    place = [column for column, _, _ in HEAD].index(name)
    figures = read([*ROW[:place], 1, 2, *ROW[place + 1 :]], head=[*HEAD[:place], *others, *HEAD[place + 1 :]])
    (doubt,) = figures.doubts
    assert str(doubt.what.sentence) == what
    assert all(f"{other} ({kind}" in str(doubt.sentence) for other, kind, _ in others)
    (record,), (whole,) = figures.records, read(ROW).records
    assert record.missing_amounts == 0
    kept = {"total_cost": "cost", "usage_count": "requests"}.get(name, "units")
    for field in ("api_key", "model", "cost", "requests", "units"):
        if field != kept:
            assert getattr(record, field) == getattr(whole, field)
    assert not figures.without_money


def test_an_empty_month_needs_no_columns() -> None:
    for report, head in ((COSTS, changed("total_cost", unit=None)), (CREDITS, [("a", "b", None), ("a", "b", "c")])):
        assert read_table(table([], head), report, JANUARY).records == ()
    broken = table([]).model_copy(update={"column_units": []})
    assert read_table(broken, CREDITS, JANUARY).records == ()
    assert read_table(table([]), CREDITS, JANUARY).currencies == {"usd"}


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ([*HEAD[:-1], ("until", "DateTime", None)], "plusieurs colonnes possibles pour la date"),
        ([*HEAD[:-1], ("model", "String", None)], "plusieurs colonnes possibles pour model"),
        ([("day", "String", None), *HEAD[1:]], "aucune colonne pour la date"),
        ([HEAD[0], ("key", "String", None), *HEAD[2:]], "aucune colonne pour hashed_xi_api_key"),
        ([*HEAD[:5], *[(f"x{n}", "Float", None) for n in range(4)]], "ni crédits ni montant"),
    ],
)
def test_columns_without_which_nothing_can_be_read_stop_the_source(
    head: Sequence[tuple[str, str, str | None]], problem: str
) -> None:
    with pytest.raises(ContractError, match=problem) as error:
        read(ROW, head=head)
    for name, kind, _ in head:
        assert f"{name} ({kind}" in str(error.value.sentence)
    assert "abc" not in repr(error.value.sentence)


def test_an_error_lists_a_bounded_number_of_columns() -> None:
    head: Sequence[tuple[str, str, str | None]] = [("x" * 500, "Float", None)] * 300
    with pytest.raises(ContractError) as error:
        read([1 for _ in head], head=head)
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize(
    ("name", "value", "lost"),
    [
        ("total_cost", "free", "montants illisibles"),
        ("total_cost", True, "montants illisibles"),
        ("total_cost", "NaN", "montants illisibles"),
        ("total_cost", Decimal("1e400"), "montants illisibles"),
        ("total_usage", Decimal("1e-400"), "crédits illisibles"),
        ("total_usage", [1], "crédits illisibles"),
        ("total_minutes", {}, "minutes illisibles"),
        ("usage_count", Decimal("1.5"), "nombres de requêtes illisibles"),
        ("usage_count", -1, "nombres de requêtes illisibles"),
        ("usage_count", True, "nombres de requêtes illisibles"),
        ("usage_count", 10**17, "nombres de requêtes illisibles"),
    ],
)
def test_a_cell_that_is_no_number_is_lost_alone(name: str, value: object, lost: str) -> None:
    figures = read(with_cell(name, value), ROW)
    odd, whole = figures.records
    assert [(one.what.fr, one.count) for one in figures.lost] == [(lost, 1)]
    assert whole == read(ROW).records[0]
    assert odd == read(with_cell(name, None)).records[0]
    assert odd.missing_amounts == (1 if name == "total_cost" else 0)


@pytest.mark.parametrize(
    "cells", [with_cell("model", {"name": "eleven_v3"}), ROW[:-1], [*ROW, 1], {}, {"a": 1}, None, "row", -1]
)
def test_a_row_that_can_not_be_placed_is_lost_alone_and_all_of_them_stop_the_source(cells: Any) -> None:
    figures = read(cells, ROW)
    assert figures.records == read(ROW).records
    assert figures.lost == (Count(what=say("unreadable lines"), count=1),)
    with pytest.raises(ContractError) as error:
        read(cells, cells)
    assert "abc" not in repr(error.value.sentence)


def test_lists_of_unequal_length_stop_the_source() -> None:
    broken = table([ROW]).model_copy(update={"column_units": []})
    with pytest.raises(ContractError, match="longueurs inégales"):
        read_table(broken, CREDITS, JANUARY)


def test_an_answer_with_nothing_at_all_is_an_empty_one() -> None:
    assert read_table(table([], []), CREDITS, JANUARY) == ReportFigures(CREDITS, JANUARY)


@pytest.mark.parametrize("name", ["hashed_xi_api_key_label", "api_key_name", "xi_api_key_name"])
def test_a_label_column_names_keys(name: str) -> None:
    head = [*HEAD, (name, "String", None)]
    figures = read([*ROW, "My own key"], [*with_cell("hashed_xi_api_key", None), "nobody"], head=head)
    assert figures.labels == (Thing(kind=Kind.API_KEY, id="abc", name="My own key"),)


def test_days_billed_by_cost_count_the_quantity_in_the_unit_of_the_charge() -> None:
    rows: Sequence[Sequence[object]] = [
        ["2026-01-05T00:00:00Z", "abc", "eleven_v3", "characters", "usd", Decimal("1.5"), 900],
        ["2026-01-06T00:00:00Z", "abc", "eleven_v3", "agent_setup", "usd", Decimal(1), 3],
        ["2026-01-07T00:00:00Z", None, None, "numbers", "usd", Decimal(2), 1],
    ]
    first, second, third = read_table(table(rows, COST_HEAD), COSTS, JANUARY).records
    assert (first.cost, first.requests, first.units) == (Decimal("1.5"), None, (("characters", Decimal(900)),))
    assert (second.cost, second.units) == (Decimal(1), ())
    assert (third.model, third.item) == (None, "numbers")


def test_days_billed_by_cost_without_an_amount_stop_the_source() -> None:
    head = [column for column in COST_HEAD if column[0] != "total_cost"]
    row = ["2026-01-05T00:00:00Z", "abc", "eleven_v3", "characters", "usd", 900]
    with pytest.raises(ContractError, match="aucune colonne de montant"):
        read_table(table([row], head), COSTS, JANUARY)


def test_statistics_are_summed_by_label_within_the_span() -> None:
    days = [datetime(2025, 12, 31, tzinfo=UTC) + timedelta(days=n) for n in (0, 1, 31, 32)]
    stats = Stats(
        time=[int(day.timestamp()) * 1000 for day in days],
        usage={"eleven_v3": [100, Decimal("0.1"), Decimal("0.2"), 100], "null": [0, 5, 0, 0]},
    )
    shares = {share.model: share.amount for share in read_stats(stats, JANUARY)}
    assert shares == {"eleven_v3": Decimal("0.3"), None: Decimal(5)}


def test_statistics_of_unequal_length_stop_the_source() -> None:
    with pytest.raises(ContractError, match="axe du temps"):
        read_stats(Stats(time=[1, 2], usage={"All": [1]}), JANUARY)


def test_every_key_has_a_name_or_the_beginning_of_its_hash() -> None:
    accounts = ServiceAccounts.model_validate(
        {
            "service-accounts": [
                {"api-keys": [{"hashed_xi_api_key": "0123456789", "name": "Site"}]},
                {"api-keys": [{"hashed_xi_api_key": "nameless-key", "name": " "}, {"hashed_xi_api_key": "third-key"}]},
            ]
        }
    )
    labels = (
        Thing(kind=Kind.API_KEY, id="0123456789", name="label"),
        Thing(kind=Kind.API_KEY, id="person-key", name="Mine"),
    )
    records = tuple(UsageRecord(api_key=key) for key in ("person-key", "gone-for-long", "0123456789", None))
    things = name_keys(list_things(accounts), labels, records)
    assert {thing.id: thing.name for thing in things} == {
        "0123456789": "Site",
        "nameless-key": "nameless",
        "third-key": "third-ke",
        "person-key": "Mine",
        "gone-for-long": "gone-for",
    }
    assert {thing.kind for thing in things} == {Kind.API_KEY}


def test_a_listed_key_without_a_hash_costs_itself_alone() -> None:
    keys = [{"hashed_xi_api_key": ""}, {"name": "Site"}, {"hashed_xi_api_key": "abc"}]
    accounts = ServiceAccounts.model_validate({"service-accounts": [{"api-keys": keys}, {"name": "empty"}]})
    assert [thing.id for thing in list_things(accounts)] == ["abc"]
    assert count_hashless(accounts) == 2


def answer(status: int, body: object = None, headers: dict[str, str] | None = None, path: str = PATH) -> Answer:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(path, status, httpx.Headers(headers or {}), content)


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (400, {"type": "authentication_error", "code": "invalid_api_key"}, CredentialError),
        (401, {"status": "invalid_api_key", "message": "…"}, CredentialError),
        (401, {"type": "authentication_error", "code": "missing_permissions"}, CredentialError),
        (401, {"status": "missing_permissions"}, CredentialError),
        (403, {"type": "authorization_error", "code": "insufficient_permissions"}, CredentialError),
        (403, "no", CredentialError),
        (401, {"status": "quota_exceeded", "message": "…"}, TransientError),
        (401, {"type": "authentication_error", "code": "quota_exceeded", "status": "quota_exceeded"}, TransientError),
        (400, {"type": "invalid_request", "code": "quota_exceeded"}, TransientError),
        (401, {"status": "detected_unusual_activity"}, CredentialError),
        (401, {"type": "authentication_error", "code": "ip_not_allowed"}, CredentialError),
        (400, {"type": "rate_limit_error", "code": "system_busy"}, TransientError),
        (400, {"type": "internal_error"}, TransientError),
        (400, {"type": "validation_error", "code": "invalid_parameters"}, RefusedError),
        (401, {"type": "invalid_request", "code": "cost_billed_range"}, RefusedError),
        (403, {"type": "invalid_request", "code": "cost_billed_range"}, RefusedError),
        (404, {"type": "invalid_request", "code": "cost_billed_range"}, RefusedError),
        (410, None, RefusedError),
        (402, {"type": "payment_required"}, RefusedError),
        (400, {"type": "not_found"}, NotOfferedError),
    ],
)
def test_words_come_before_the_status(status: int, detail: object, kind: type[SourceError]) -> None:
    error = explain(answer(status, {"detail": detail}))
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("detail", "said", "unsaid"),
    [
        ({"type": "authentication_error", "code": "invalid_api_key"}, "clé valide", "quota"),
        ({"status": "missing_permissions"}, "workspace_analytics_full_read", "clé valide"),
        ({"type": "authentication_error", "status": "quota_exceeded"}, "pas en cause", "clé valide"),
        ({"status": "detected_unusual_activity"}, "detected_unusual_activity", "clé valide"),
        ({"type": "authentication_error", "code": "ip_not_allowed"}, "ip_not_allowed", "clé valide"),
        ({"status": "Some words: sk_123 is not welcome"}, "clé valide", "sk_123"),
    ],
)
def test_a_401_is_told_by_its_code(detail: object, said: str, unsaid: str) -> None:
    error = explain(answer(401, {"detail": detail}))
    assert error is not None
    assert said in str(error.sentence)
    assert unsaid not in str(error.sentence)
    assert PATH in str(error.sentence)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"detail": "Not Found"}),
        (409, {"detail": {"type": "conflict", "code": "billing"}}),
        (422, {"detail": [{"loc": ["body"], "msg": "Field required", "type": "missing"}]}),
        (429, {"detail": {"type": "rate_limit_error", "code": "rate_limit_exceeded"}}),
        (503, {"detail": {"type": "service_unavailable"}}),
        (500, "<html>"),
        (418, {"detail": {"type": "new_word", "code": 7}}),
        (400, []),
    ],
)
def test_the_common_rules_read_the_rest(status: int, body: object) -> None:
    assert explain(answer(status, body)) is None


def test_a_permission_is_named_by_the_path_that_needs_it() -> None:
    body = {"detail": {"status": "missing_permissions", "message": "secret text"}}
    for path, permission in ((PATH, "workspace_analytics_full_read"), ("/v1/user/subscription", "user_read")):
        error = explain(answer(401, body, path=path))
        assert error is not None
        assert permission in str(error.sentence)
        assert "secret" not in repr(error.sentence)


@pytest.mark.parametrize(("seconds", "final"), [("7", False), ("900", True)])
def test_a_wait_that_is_asked_for_under_another_status_is_kept(seconds: str, final: bool) -> None:
    body = {"detail": {"type": "rate_limit_error"}}
    error = explain(answer(400, body, {"retry-after": seconds}))
    assert isinstance(error, TransientError)
    assert (error.retry_after, error.final) == (float(seconds), final)


def test_spans_are_right_whether_ends_are_inclusive_or_not() -> None:
    assert JANUARY.milliseconds == (1767225600000, 1769903999999)
    assert JANUARY.first_days(9).milliseconds == (1767225600000, 1768003199999)


# Against what is published.


def spec(shared: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((shared / "specs/elevenlabs.yaml").read_text())
    return loaded


def validator(spec: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": spec["components"]})


@pytest.mark.parametrize("report", [CREDITS, COSTS], ids=["credits", "costs"])
@pytest.mark.parametrize("grouped", [True, False])
def test_questions_fit_the_published_description(shared: Path, report: Report, grouped: bool) -> None:
    published = spec(shared)
    body: Query = query(report if grouped else replace(report, group_by=()), JANUARY)
    schema = published["paths"][report.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    sent = body.model_dump(mode="json", exclude_none=True)
    validator(published, schema).validate(sent)
    known = published["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]["properties"]
    assert set(sent) <= set(known)


def test_published_examples_are_read(shared: Path) -> None:
    folder = shared / "examples/elevenlabs"

    def example(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text(), parse_float=Decimal)

    by_product = replace(CREDITS, group_by=(PRODUCT,))
    april = Span(datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC))
    figures = read_table(Table.model_validate(example("usage_by_product.docs_response")), by_product, april)
    assert {record.item: record.units for record in figures.records} == {
        "text-to-speech": (("credits", Decimal("125.5")),),
        "voice-cloning": (("credits", Decimal("75.25")),),
        "speech-to-text": (("credits", Decimal("50.0")),),
    }
    assert figures.currencies == frozenset()
    stats = Stats.model_validate(example("character_stats.response"))
    early = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))
    assert [(share.model, share.amount) for share in read_stats(stats, early)] == [("All", Decimal(49))]
    assert Subscription.model_validate(example("user_subscription.response")).money == "usd"
    accounts = ServiceAccounts.model_validate(example("service_accounts_list.shape_response"))
    assert list_things(accounts) == (Thing(kind=Kind.API_KEY, id="hashed_xi_api_key", name="name"),)


def test_required_fields_are_required_by_the_published_description(shared: Path) -> None:
    schemas = spec(shared)["components"]["schemas"]
    for model, name in (
        (Table, "WorkspaceAnalyticsQueryResponseModel"),
        (Stats, "UsageCharactersResponseModel"),
        (Subscription, "ExtendedSubscriptionResponseModel"),
        (ServiceAccounts, "WorkspaceServiceAccountListResponseModel"),
    ):
        needed = {field.alias or own for own, field in model.model_fields.items() if field.is_required()}
        assert needed <= set(schemas[name]["required"])
