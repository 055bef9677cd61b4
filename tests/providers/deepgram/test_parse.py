from __future__ import annotations

import json
from collections.abc import Iterable
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
    Projects,
    Usage,
    money_records,
    usage_records,
)
from providers.deepgram.tables import same_figures
from providers.http import Answer, parse
from usage.errors import ContractError, CredentialError
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source
from usage.records import UsageRecord
from usage.sums import MonthSums

MONTH = Month.parse("2025-01")
WHERE = "/projects/p/billing/breakdown"


def decoded(body: Any) -> Any:
    return json.loads(json.dumps(body) if not isinstance(body, str) else body, parse_float=Decimal)


def page(*rows: Any, units: str = "day", amount: Any = 1) -> Any:
    return {"start": "a", "end": "b", "resolution": {"units": units, "amount": amount}, "results": list(rows)}


def money(body: Any, month: Month = MONTH) -> list[UsageRecord]:
    return list(money_records(parse(decoded(body), Billing, WHERE), "p", month, WHERE))


def used(body: Any, month: Month = MONTH, **narrowed: str) -> list[UsageRecord]:
    return list(usage_records(parse(decoded(body), Usage, WHERE), "p", month, WHERE, **narrowed))


def day(text: str = "2025-01-16", **group: Any) -> dict[str, Any]:
    return {"start": text, "end": text, **group}


def test_published_billing_becomes_one_item_with_its_cost(shared: Path) -> None:
    body = (shared / "examples/deepgram/billing_breakdown.response.json").read_text()
    assert money(body) == [
        UsageRecord(project="p", api_key="123456789012345678901234", item="streaming::nova-3", cost=Decimal("0.25"))
    ]


def test_published_usage_becomes_one_model_with_its_units(shared: Path) -> None:
    body = (shared / "examples/deepgram/usage_breakdown.response.json").read_text()
    assert used(body) == [
        UsageRecord(
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


@pytest.mark.parametrize("body", [{"results": []}, {"resolution": {"units": "day", "amount": 1}}])
def test_what_the_month_can_not_be_cut_without_is_required(body: Any) -> None:
    with pytest.raises(ContractError):
        money(body)
    with pytest.raises(ContractError):
        used(body)


@pytest.mark.parametrize("row", [{"dollars": 1}, {"dollars": 1, "grouping": None}, {"dollars": 1, "grouping": {}}, {}])
def test_money_without_a_day_is_never_dropped_in_silence(row: Any) -> None:
    with pytest.raises(ContractError, match="jour"):
        money(page(row))


def test_usage_without_a_day_is_refused_unless_it_is_nothing() -> None:
    assert used(page({}, {"requests": 0, "total_hours": 0.0, "grouping": None})) == []
    with pytest.raises(ContractError, match="jour"):
        used(page({"requests": 1}))


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


def test_a_count_that_is_not_whole_breaks_the_contract() -> None:
    with pytest.raises(ContractError, match=r"results\.0\.requests"):
        used(page({"requests": 1.5, "grouping": day()}))


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
    total = MonthSums(Source(provider=ProviderName.DEEPGRAM))
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
            "total_hours": AMOUNTS.map(abs).map(str),
            "agent_hours": st.sampled_from(["0", "0.25"]),
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
    assert scope in error.sentence
    assert error.status == status


def test_a_wrong_key_and_a_project_that_is_not_the_key_s_are_told_apart(shared: Path) -> None:
    folder = shared / "examples/deepgram"
    wrong = refused(401, (folder / "error_401_invalid_auth.json").read_text())
    assert isinstance(wrong, CredentialError)
    assert "ne reconnaît pas la clé" in wrong.sentence
    unauthorized = (folder / "error_403_unauthorized.json").read_text()
    assert "ne reconnaît pas la clé" in refused(403, unauthorized, "/projects").sentence
    for body, status in (
        (unauthorized, 403),
        ((folder / "error_404_project_not_found.json").read_text(), 404),
    ):
        error = refused(status, body)
        assert isinstance(error, CredentialError)
        assert "ce projet" in error.sentence


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"err_code":"INVALID_AUTH"}'),
        (429, '{"err_code":"UNAUTHORIZED"}'),
        (401, "[]"),
        (403, "<html>"),
        (401, ""),
    ],
)
def test_anything_else_is_left_to_the_common_rules(status: int, body: str) -> None:
    assert refused(status, body) is None


def test_a_path_that_does_not_exist_is_left_to_the_common_rules(shared: Path) -> None:
    folder = shared / "examples/deepgram"
    for name in ("error_404_not_found.json", "error_404_uuid_parsing.txt"):
        assert refused(404, (folder / name).read_text()) is None
