from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.deepgram import Deepgram
from providers.deepgram.parse import (
    ApiKeys,
    Billing,
    BreakdownFigures,
    Projects,
    Usage,
    parse_billing,
    parse_usage,
)
from providers.deepgram.usage import covers, rest, same_figures
from providers.shared.answers import Answer, parse
from usage.errors import ContractError, CredentialError
from usage.language.saying import say
from usage.money import exact_sum
from usage.month import Month
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

MONTH = Month.parse("2025-01")
WHERE = "/projects/p/billing/breakdown"


def decoded(body: Any) -> Any:
    return json.loads(json.dumps(body) if not isinstance(body, str) else body, parse_float=Decimal)


def page(*rows: Any, units: str = "day", amount: Any = 1) -> Any:
    return {"start": "a", "end": "b", "resolution": {"units": units, "amount": amount}, "results": list(rows)}


def billing(body: Any, month: Month = MONTH) -> BreakdownFigures:
    return parse_billing(parse(decoded(body), Billing, WHERE), "p", month, WHERE)


def money(body: Any, month: Month = MONTH) -> list[UsageRecord]:
    return list(billing(body, month).records)


def usage(body: Any, month: Month = MONTH, **narrowed: str) -> BreakdownFigures:
    return parse_usage(parse(decoded(body), Usage, WHERE), "p", month, WHERE, **narrowed)


def used(body: Any, month: Month = MONTH, **narrowed: str) -> list[UsageRecord]:
    return list(usage(body, month, **narrowed).records)


def day(text: str = "2025-01-16", **group: Any) -> dict[str, Any]:
    return {"start": text, "end": text, **group}


def test_published_billing_becomes_one_item_with_its_cost(shared: Path) -> None:
    body = (shared / "examples/deepgram/billing_breakdown.response.json").read_text()
    assert money(body) == [
        UsageRecord(
            day=date(2025, 1, 16),
            project="p",
            api_key="123456789012345678901234",
            item="streaming::nova-3",
            cost=Decimal("0.25"),
        )
    ]


def test_published_usage_becomes_one_model_with_its_units(shared: Path) -> None:
    body = (shared / "examples/deepgram/usage_breakdown.response.json").read_text()
    assert used(body) == [
        UsageRecord(
            day=date(2025, 1, 16),
            project="p",
            api_key="123456789012345678901234",
            model="Nova-2",
            # The example has hours with the voice agent, so its tokens are a real zero.
            tokens_input=0,
            tokens_output=0,
            requests=373381,
            units=(
                ("agent_hours", Decimal("41.33564388888889")),
                ("characters", Decimal(9158866)),
                ("hours", Decimal("1621.7395791666668")),
            ),
        )
    ]


def test_published_registries_are_read(shared: Path) -> None:
    folder = shared / "examples/deepgram"
    keys = parse(decoded((folder / "keys_list.response.json").read_text()), ApiKeys, "keys")
    assert [(owned.api_key.api_key_id, owned.api_key.comment) for owned in keys.api_keys] == [
        ("1234567890abcdef1234567890abcdef", "A comment")
    ]
    assert "john@test.com" not in repr(keys)
    projects = parse(decoded((folder / "projects_list.response.json").read_text()), Projects, "projects")
    assert [(project.project_id, project.name) for project in projects.projects] == [("project_id", "name")]


def test_dollars_keep_every_digit_and_their_sign() -> None:
    body = '{"resolution":{"units":"day","amount":1.0},"results":['
    body += '{"dollars":-1.2500000001,"grouping":{"start":"2025-01-01","line_item":"correction"}},'
    body += '{"dollars":1e-7,"grouping":{"start":"2025-01-01","line_item":"x"}},'
    body += '{"dollars":0.12345678901234567890123456789,"grouping":{"start":"2025-01-01","line_item":"x"}},'
    body += '{"dollars":0,"grouping":{"start":"2025-01-01","line_item":"x"}}]}'
    assert [record.cost for record in money(body)] == [
        Decimal("-1.2500000001"),
        Decimal("0.0000001"),
        Decimal("0.12345678901234567890123456789"),
        Decimal(0),
    ]


def test_an_amount_that_is_not_given_is_counted_as_missing() -> None:
    records = money(page({"grouping": day(line_item="x")}, {"dollars": None, "grouping": day(line_item="x")}))
    assert [(record.cost, record.missing_amounts) for record in records] == [(None, 1), (None, 1)]


def test_an_amount_that_is_not_a_number_breaks_the_contract_without_being_shown() -> None:
    with pytest.raises(ContractError) as caught:
        money(page({"dollars": "a lot", "grouping": day()}))
    assert "a lot" not in str(caught.value)
    sheet = billing(page({"dollars": "a lot", "grouping": day()}, {"dollars": 1, "grouping": day()}))
    assert [record.cost for record in sheet.records] == [Decimal(1)]
    assert list(sheet.notes.dropped.values()) == [1]


@pytest.mark.parametrize("dollars", ["1e400", "1e-400", "-1e27"])
def test_an_amount_that_no_bill_holds_is_lost_alone(dollars: str) -> None:
    odd = '{"dollars":' + dollars + ',"grouping":{"start":"2025-01-01"}}'
    fine = '{"dollars":1,"grouping":{"start":"2025-01-01"}}'
    sheet = billing('{"resolution":{"units":"day","amount":1},"results":[' + odd + "," + fine + "]}")
    assert [record.cost for record in sheet.records] == [Decimal(1)]
    assert list(sheet.notes.dropped.values()) == [1]


@pytest.mark.parametrize("outside", ["2024-12-31", "2025-02-01"])
def test_other_days_than_the_month_s_are_dropped(outside: str) -> None:
    inside = [{"dollars": 1, "grouping": day(text)} for text in ("2025-01-01", "2025-01-31")]
    assert len(money(page(*inside, {"dollars": 5, "grouping": day(outside)}))) == 2
    assert used(page({"requests": 5, "grouping": day(outside)})) == []


def test_a_day_may_be_written_as_an_instant() -> None:
    assert len(money(page({"dollars": 1, "grouping": day("2025-01-31T00:00:00Z")}))) == 1


@pytest.mark.parametrize(("units", "amount"), [("week", 1), ("day", 2), ("month", 1), ("hour", 24)])
def test_buckets_that_are_not_days_are_refused(units: str, amount: int) -> None:
    with pytest.raises(ContractError):
        money(page(units=units, amount=amount))
    with pytest.raises(ContractError):
        used(page(units=units, amount=amount))


@pytest.mark.parametrize("body", [{"resolution": {"units": "day", "amount": 1}}, {"results": {}}, {"results": None}])
def test_what_the_month_can_not_be_cut_without_is_required(body: Any) -> None:
    with pytest.raises(ContractError):
        money(body)
    with pytest.raises(ContractError):
        used(body)


def test_without_a_size_of_buckets_lines_tell_it_themselves() -> None:
    one, week, silent = day(), {"start": "2025-01-06", "end": "2025-01-12"}, {"start": "2025-01-16"}
    rows: list[Any] = [{"dollars": 1, "requests": 1, "grouping": group} for group in (one, week, silent)]
    for sheet in (billing({"results": rows}), usage({"results": rows})):
        assert len(sheet.records) == 1
        assert sum(sheet.notes.dropped.values()) == 2
    for group in (week, silent):
        with pytest.raises(ContractError, match="quel jour"):
            money({"results": [{"dollars": 1, "grouping": group}]})
    assert money({"results": []}) == used({"results": []}) == []


def test_lines_may_carry_their_day_themselves() -> None:
    row = {"start": "2025-01-05", "end": "2025-01-05", "dollars": 2, "requests": 3}
    assert [record.cost for record in money({"results": [row]})] == [Decimal(2)]
    assert [record.requests for record in used(page(row))] == [3]
    assert billing(page(row)).first == usage(page(row)).first == date(2025, 1, 5)


@pytest.mark.parametrize("row", [{"dollars": 1}, {"dollars": 1, "grouping": None}, {"dollars": 1, "grouping": {}}, {}])
def test_money_without_a_day_is_never_dropped_in_silence(row: Any) -> None:
    with pytest.raises(ContractError, match="jour"):
        money(page(row))
    sheet = billing(page(row, {"dollars": 2, "grouping": day()}))
    assert [record.cost for record in sheet.records] == [Decimal(2)]
    assert list(sheet.notes.dropped.values()) == [1]
    assert "jour" in str(sheet.notes.gaps(say("the costs"))[0].sentence)


def test_usage_without_a_day_is_refused_unless_it_is_nothing() -> None:
    assert used(page({}, {"requests": 0, "total_hours": 0.0, "grouping": None})) == []
    with pytest.raises(ContractError, match="jour"):
        used(page({"requests": 1}))
    assert list(usage(page({"requests": 1}, {"requests": 2, "grouping": day()})).notes.dropped.values()) == [1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("requests", 1.5),
        ("requests", -1),
        ("requests", True),
        ("tokens_in", -7),
        ("tokens_out", "many"),
        ("total_hours", -0.5),
        ("total_hours", Decimal("1e-400")),
        ("agent_hours", Decimal("1e400")),
        ("agent_hours", True),
        ("tts_characters", "x"),
        ("grouping", []),
        ("grouping", {"start": "soon"}),
    ],
)
def test_an_odd_line_is_lost_alone_and_counted(name: str, value: Any) -> None:
    odd = {"requests": 1, "grouping": day(), name: value}

    def read(*rows: Any) -> BreakdownFigures:
        # Not through JSON: a float does not hold all that the text of a body may.
        return parse_usage(parse(page(*rows), Usage, WHERE), "p", MONTH, WHERE)

    sheet = read(odd, {"requests": 2, "grouping": day()})
    assert [record.requests for record in sheet.records] == [2]
    assert list(sheet.notes.dropped.values()) == [1]
    with pytest.raises(ContractError, match=name):
        read(odd)


def test_fields_that_are_new_are_noticed() -> None:
    known = {"hours": 1.0, "requests": 1, "grouping": day(tags=None, deployment=None, endpoint="listen")}
    assert usage(page(known)).notes.new == {}
    grown = usage(page({**known, "video_hours": 1.0, "grouping": day(region="eu")}, known))
    assert grown.notes.new == {f"{WHERE} video_hours": 1, f"{WHERE} grouping.region": 1}
    assert billing(page({"dollars": 1, "credits": 2, "grouping": day()})).notes.new == {f"{WHERE} credits": 1}


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2025-01-01", "2025-01-31", 31),
        ("2025-01-01", "2025-02-01", 31),
        ("2025-01-01T00:00:00Z", "2025-01-20T00:00:00Z", 20),
        ("2025-01-12", "2025-02-01", 20),
        ("2024-12-01", "2025-01-01", 1),
        # What says nothing about the month tells no days.
        ("2026-01-01", "2026-02-01", None),
        ("a", "b", None),
        (None, "2025-01-20", None),
        (3, {}, None),
    ],
)
def test_days_are_those_that_the_answer_says_it_is_about(start: Any, end: Any, days: int | None) -> None:
    body = {**page(), "start": start, "end": end}
    told = billing(body).days
    assert usage(body).days == told
    assert (None if told is None else len(told)) == days


def test_a_line_of_zeros_is_no_usage() -> None:
    zeros = {"hours": 0.0, "total_hours": 0.0, "agent_hours": 0.0, "tokens_in": 0, "tokens_out": 0, "tts_characters": 0}
    assert used(page({**zeros, "requests": 0, "grouping": day()})) == []


def test_tokens_are_the_agent_s_alone() -> None:
    heard, talked, wrote = used(
        page(
            {"total_hours": 1.5, "tokens_in": 0, "tokens_out": 0, "requests": 2, "grouping": day()},
            {"agent_hours": 0.5, "grouping": day()},
            {"tokens_in": 7.0, "requests": 12.0, "grouping": day()},
        )
    )
    assert (heard.tokens_input, heard.tokens_output) == (None, None)
    assert (talked.tokens_input, talked.tokens_output, talked.requests) == (0, 0, None)
    assert (wrote.tokens_input, wrote.tokens_output, wrote.requests, wrote.units) == (7, 0, 12, ())


@pytest.mark.parametrize(
    ("models", "label"),
    [
        (["Nova-3"], "Nova-3"),
        ("Nova-3", "Nova-3"),
        (["Nova-3", "Aura-2"], "Nova-3 + Aura-2"),
        ([""], None),
        ([], None),
        ("", None),
        (None, None),
    ],
)
def test_models_come_as_a_list_or_as_text(models: Any, label: str | None) -> None:
    assert [record.model for record in used(page({"requests": 1, "grouping": day(models=models)}))] == [label]


def test_an_empty_id_is_no_id() -> None:
    assert [record.api_key for record in used(page({"requests": 1, "grouping": day(accessor="")}))] == [None]
    (record,) = money(page({"dollars": 1, "grouping": day(accessor="", line_item="")}))
    assert record.api_key is None
    assert record.item


def test_usage_narrowed_to_a_key_belongs_to_it() -> None:
    (record,) = used(page({"requests": 1, "grouping": day(models=["Nova-3"])}), api_key="k")
    assert (record.api_key, record.model) == ("k", "Nova-3")


AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**6), max_value=10**6)
BILLED = st.lists(
    st.builds(
        lambda dollars, number, key, item: {
            "dollars": str(dollars),
            "grouping": day(f"2025-01-{number:02d}", accessor=key, line_item=item),
        },
        AMOUNTS,
        st.integers(1, 31),
        st.sampled_from([None, "k1", "k2"]),
        st.sampled_from([None, "streaming::nova-3", "streaming::diarize"]),
    ),
    max_size=12,
)


def sums(parts: Iterable[Iterable[UsageRecord]]) -> set[UsageRecord]:
    total = RecordSums()
    for part in parts:
        total.add(part)
    return set(total.records())


@given(rows=BILLED, data=st.data())
def test_money_adds_up_in_any_order_and_any_number_of_answers(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    assert sums([money(page(*shuffled[:cut])), money(page(*shuffled[cut:]))]) == sums([money(page(*rows))])
    total = exact_sum(record.cost for record in money(page(*rows)))
    assert total == exact_sum(Decimal(row["dollars"]) for row in rows)


COUNTS = st.integers(0, 10**9)
USED = st.lists(
    st.fixed_dictionaries(
        {
            "total_hours": AMOUNTS.map(abs).map(float),
            "agent_hours": st.sampled_from([0.0, 0.25]),
            "tokens_in": COUNTS,
            "tokens_out": COUNTS,
            "tts_characters": COUNTS,
            "requests": COUNTS,
            "grouping": st.integers(1, 31).map(lambda number: day(f"2025-01-{number:02d}", models=["Nova-3"])),
        }
    ),
    max_size=12,
)


@given(rows=USED, data=st.data())
def test_usage_adds_up_in_any_order_and_any_number_of_answers(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    parts = [used(page(*shuffled[:cut])), used(page(*shuffled[cut:]))]
    assert sums(parts) == sums([used(page(*rows))])
    assert same_figures([record for part in parts for record in part], used(page(*rows)))
    assert sum(record.requests or 0 for part in parts for record in part) == sum(row["requests"] for row in rows)


def test_figures_differ_when_one_measure_does() -> None:
    row = UsageRecord(requests=3, units=(("hours", Decimal("1.00000000001")),))
    assert same_figures([row], [UsageRecord(requests=3, units=(("hours", Decimal(1)),))])
    assert not same_figures([row], [UsageRecord(requests=4, units=row.units)])
    assert not same_figures([row], [UsageRecord(requests=3)])
    assert not same_figures([row], [])
    assert same_figures([], [])


def test_sums_of_rounded_hours_are_equal_within_their_last_digit_and_counts_exactly() -> None:
    def hours(value: str, requests: int = 5) -> list[UsageRecord]:
        return [UsageRecord(requests=requests, units=(("hours", Decimal(value)),))]

    assert same_figures(hours("10.00"), hours("10.04"), lines=8)
    assert not same_figures(hours("10.00"), hours("10.05"), lines=8)
    assert not same_figures(hours("10.00"), hours("10.00", requests=6), lines=1000)


def test_the_rest_makes_a_part_whole() -> None:
    whole = [UsageRecord(requests=10, tokens_input=5, tokens_output=7, units=(("hours", Decimal("2.5")),))]
    part = [UsageRecord(model="m", requests=9, tokens_input=5, tokens_output=6, units=(("hours", Decimal("2.5")),))]
    left = rest(whole, part)
    assert left == UsageRecord(requests=1, tokens_input=0, tokens_output=1)
    assert same_figures([*part, left], whole)
    assert rest(whole, whole) is None
    assert covers(whole, part)
    assert not covers(part, whole)


HOURS = st.decimals(0, 1000, places=6)
PARTS = st.lists(
    st.builds(
        lambda requests, tokens, hours: UsageRecord(
            requests=requests, tokens_input=tokens, tokens_output=tokens, units=(("hours", hours),)
        ),
        st.integers(0, 1000),
        st.integers(0, 1000),
        HOURS,
    ),
    max_size=6,
)


@given(part=PARTS, more=PARTS)
def test_a_part_and_its_rest_are_the_whole(part: list[UsageRecord], more: list[UsageRecord]) -> None:
    whole = [*part, *more]
    left = rest(whole, part)
    assert covers(whole, part)
    assert same_figures([*part, *([left] if left else [])], whole)


def refused(status: int, body: str, path: str = "/projects/p/billing/breakdown") -> Any:
    return Deepgram().explain(Answer(path, status, httpx.Headers({"content-type": "text/html"}), body.encode()))


@pytest.mark.parametrize(
    ("status", "example"),
    [
        (401, "error_401_billing_breakdown.txt"),
        (401, "error_401_insufficient_permissions.json"),
        (403, "error_403_insufficient_permissions.json"),
    ],
)
@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/projects/p/billing/breakdown", "billing:read"),
        ("/projects/p/usage/breakdown", "usage:read"),
        ("/projects/p/keys", "keys:read"),
        ("/projects", "project:read"),
    ],
)
def test_a_missing_scope_is_named_whatever_the_shape(
    shared: Path, status: int, example: str, path: str, scope: str
) -> None:
    error = refused(status, (shared / "examples/deepgram" / example).read_text(), path)
    assert isinstance(error, CredentialError)
    assert scope in str(error.sentence)
    assert error.status == status


def test_a_wrong_key_and_a_project_that_is_not_the_key_s_are_told_apart(shared: Path) -> None:
    folder = shared / "examples/deepgram"
    invalid = (folder / "error_401_invalid_auth.json").read_text()
    wrong = refused(401, invalid, "/projects")
    assert isinstance(wrong, CredentialError)
    assert "ne reconnaît pas la clé" in str(wrong.sentence)
    # A key that has read the projects is not a wrong one.
    for body in (invalid, "[]", "<html>", ""):
        error = refused(401, body)
        assert isinstance(error, CredentialError)
        assert "qui lit pourtant la liste des projets" in str(error.sentence)
        assert "billing:read" in str(error.sentence)
    unauthorized = (folder / "error_403_unauthorized.json").read_text()
    assert "ne reconnaît pas la clé" in str(refused(403, unauthorized, "/projects"))
    for body, status in (
        (unauthorized, 403),
        ((folder / "error_404_project_not_found.json").read_text(), 404),
    ):
        error = refused(status, body)
        assert isinstance(error, CredentialError)
        assert "ce projet" in str(error.sentence)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "<html>"),
        (400, '{"err_code":"INVALID_AUTH"}'),
        (429, '{"err_code":"UNAUTHORIZED"}'),
        (401, "[]"),
        (403, "<html>"),
        (401, ""),
    ],
)
def test_anything_else_is_left_to_the_common_rules(status: int, body: str) -> None:
    assert refused(status, body, "/projects") is None


def test_a_path_that_does_not_exist_is_left_to_the_common_rules(shared: Path) -> None:
    folder = shared / "examples/deepgram"
    for name in ("error_404_not_found.json", "error_404_uuid_parsing.txt"):
        assert refused(404, (folder / name).read_text()) is None
