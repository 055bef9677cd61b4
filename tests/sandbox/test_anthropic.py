from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from sandbox.anthropic import AnthropicApi
from sandbox.anthropic.world import Account

Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]

ROOT = "/v1/organizations"
JANUARY = {"starting_at": "2026-01-01T00:00:00Z", "ending_at": "2026-02-01T00:00:00Z"}
FEBRUARY = {"starting_at": "2026-02-01T00:00:00Z", "ending_at": "2026-03-01T00:00:00Z"}
NOVEMBER = {"starting_at": "2025-11-01T00:00:00Z", "ending_at": "2025-12-01T00:00:00Z"}
KEYED = {"group_by[]": ["workspace_id", "api_key_id", "model"]}


@pytest.fixture
def api(clock: Callable[[], datetime]) -> AnthropicApi:
    return AnthropicApi(clock)


@pytest.fixture
def account(api: AnthropicApi) -> Account:
    return api.accounts[0]


@pytest.fixture
def client(api: AnthropicApi, account: Account, direct: Direct) -> httpx.Client:
    return direct(api.app, headers(account))


def headers(account: Account) -> dict[str, str]:
    return {
        "x-api-key": account.key,
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "other-beta-2026-01-01, analytics-usage-cost-2026-08-24",
    }


def pages(client: httpx.Client, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The `data` of all pages."""
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(f"{ROOT}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        assert page["has_more"] == (page["next_page"] is not None)
        if not page["has_more"]:
            return found
        query = {**query, "page": page["next_page"]}


def analytics(client: httpx.Client, kind: str, month: dict[str, str], query: Any = None) -> list[dict[str, Any]]:
    return pages(client, f"analytics/{kind}", {**month, "limit": 1000, **(query or {})})


def legacy(client: httpx.Client, path: str, month: dict[str, str], query: Any = None) -> list[dict[str, Any]]:
    buckets = pages(client, path, {**month, "limit": 31, **(query or {})})
    return [result for bucket in buckets for result in bucket["results"]]


def cents(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["cost"]["amount"]) for row in rows), Decimal(0))


def tokens_in(usage: dict[str, Any]) -> int:
    return int(
        usage["uncached_input_tokens"] + usage["cache_read_input_tokens"] + sum(usage["cache_creation"].values())
    )


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("analytics/usage", KEYED),
        ("analytics/cost", {"group_by[]": [*KEYED["group_by[]"], "cost_type", "token_type"]}),
        ("usage_report/messages", {"group_by[]": ["workspace_id", "api_key_id", "model", "service_tier"]}),
        ("cost_report", {"group_by[]": ["workspace_id", "description"]}),
    ],
)
def test_reports_fit_the_published_description(
    client: httpx.Client, conforms: Callable[[str], Check], path: str, query: dict[str, Any]
) -> None:
    answer = client.get(f"{ROOT}/{path}", params={**JANUARY, **query})
    assert answer.status_code == 200
    assert answer.json()["data"]
    conforms("anthropic")(f"{ROOT}/{path}", answer.json())


@pytest.mark.parametrize(
    "listing",
    [
        ("workspaces", "workspaces_list.response", "2026-10-21"),
        ("api_keys", "api_keys_list.v2023-06-01.response", "2023-06-01"),
        ("api_keys", None, "2026-10-21"),
        ("me", "organizations_me.response", "2026-10-21"),
    ],
)
def test_registry_fits_the_published_description(
    client: httpx.Client, conforms: Callable[[str], Check], shared: Path, listing: tuple[str, str | None, str]
) -> None:
    path, example, version = listing
    answer = client.get(f"{ROOT}/{path}", headers={"anthropic-version": version}).json()
    conforms("anthropic")(f"{ROOT}/{path}", answer)
    if example is None:
        return  # no example of this version has been published
    published = json.loads((shared / f"examples/anthropic/{example}.json").read_text())
    assert set(published) == set(answer)
    if "data" in published:
        assert set(published["data"][0]) <= set(answer["data"][0])


@pytest.mark.parametrize(
    ("path", "example"), [("usage_report/messages", "usage_report_messages"), ("cost_report", "cost_report")]
)
def test_older_reports_have_the_published_fields(client: httpx.Client, shared: Path, path: str, example: str) -> None:
    published = json.loads((shared / f"examples/anthropic/{example}.response.json").read_text())
    answer = client.get(f"{ROOT}/{path}", params=JANUARY).json()
    assert set(published) == set(answer)
    assert set(published["data"][0]["results"][0]) == set(answer["data"][0]["results"][0])


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_analytics_add_up_to_the_bill(clock: Callable[[], datetime], direct: Direct, seed: int) -> None:
    api = AnthropicApi(clock, seed)
    account = api.accounts[0]
    client = direct(api.app, headers(account))
    for name, month in (("2026-01", JANUARY), ("2026-02", FEBRUARY)):
        bill = api.bill(account, name)
        costs, usage = (analytics(client, kind, month, KEYED) for kind in ("cost", "usage"))
        fanned = {"group_by[]": [*KEYED["group_by[]"], "cost_type", "token_type"]}
        for rows in (costs, analytics(client, "cost", month), analytics(client, "cost", month, fanned)):
            assert cents(rows) / 100 == bill.total
        for row in bill.rows:
            place = {"workspace_id": row.workspace, "api_key_id": row.key or None}
            assert cents([cost for cost in costs if place.items() <= cost["group"].items()]) / 100 == (row.cost or 0)
            mine = [one for one in usage if place.items() <= one["group"].items()]
            assert sum(tokens_in(one["usage"]) for one in mine) == (row.tokens_input or 0)
            assert sum(one["usage"]["output_tokens"] for one in mine) == (row.tokens_output or 0)
            counted = [one["usage"]["requests"] or 0 for one in mine if one["group"]["model"]]
            assert sum(counted) == (row.requests or 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_older_reports_add_up_to_the_bill(clock: Callable[[], datetime], direct: Direct, seed: int) -> None:
    api = AnthropicApi(clock, seed)
    account = api.accounts[0]
    client = direct(api.app, headers(account))
    bill = api.bill(account, "2025-11")
    query = {"group_by[]": ["workspace_id", "description"]}
    costs = legacy(client, "cost_report", NOVEMBER, query)
    usage = legacy(client, "usage_report/messages", NOVEMBER, {"group_by[]": "workspace_id"})
    for rows in (costs, legacy(client, "cost_report", NOVEMBER)):
        assert sum(Decimal(row["amount"]) for row in rows) / 100 == bill.total
    for row in bill.rows:
        place = None if row.key == account.default_workspace else row.key
        assert sum(Decimal(one["amount"]) for one in costs if one["workspace_id"] == place) / 100 == row.cost
        assert sum(tokens_in(one) for one in usage if one["workspace_id"] == place) == row.tokens_input
        assert row.requests is None


def test_both_generations_tell_the_same_money(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    newer = cents(analytics(client, "cost", JANUARY))
    older = sum(Decimal(row["amount"]) for row in legacy(client, "cost_report", JANUARY))
    assert newer == older


def test_the_same_seed_tells_the_same_story(clock: Callable[[], datetime]) -> None:
    first, second, other = (AnthropicApi(clock, seed).accounts[0] for seed in (5, 5, 6))
    assert first.facts("2025-07") == second.facts("2025-07") != other.facts("2025-07")
    assert (first.key, first.workspaces, first.keys) == (second.key, second.workspaces, second.keys)


def test_the_world_is_awkward(api: AnthropicApi, account: Account) -> None:
    names = [key.name for key in account.keys]
    assert len(names) > len(set(names))
    assert max(map(len, names)) == 300
    rows = api.bill(account, "2026-01").rows
    assert any(row.key and row.name is None for row in rows), "a deleted key"
    assert sum(row.key == "" for row in rows) > 1, "work without a key in several workspaces"
    assert any(None in row.models.values() for row in rows), "usage without cost"
    amounts = [charge.amount for fact in account.facts("2026-01") for charge in fact.charges]
    assert min(amounts) < 0
    assert 0 in amounts
    assert Decimal("0.00001") in amounts, "1e-7 USD"


def test_a_test_can_rewrite_history(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    account.clear("2026-01")
    assert analytics(client, "cost", JANUARY, KEYED) == []
    fact = account.facts("2026-02")[0]
    account.facts("2026-01").append(replace(fact, at=datetime(2026, 1, 9, tzinfo=UTC)))
    assert len(api.bill(account, "2026-01").rows) == 1
    assert len(analytics(client, "usage", JANUARY, KEYED)) == 1


def test_limit_counts_rows_before_costs_are_fanned_out(api: AnthropicApi, client: httpx.Client) -> None:
    whole = analytics(client, "cost", JANUARY, KEYED)
    assert len(whole) > 3
    assert pages(client, "analytics/cost", {**JANUARY, **KEYED, "limit": 3}) == whole
    api.page_size = 2
    assert analytics(client, "cost", JANUARY, KEYED) == whole
    fanned: dict[str, Any] = {**JANUARY, "group_by[]": ["workspace_id", "cost_type", "token_type"], "limit": 1}
    page = client.get(f"{ROOT}/analytics/cost", params=fanned).json()
    assert len(page["data"]) > 1
    assert page["has_more"]
    assert {row["cost"]["requests"] for row in page["data"]} == {None}


def test_rows_come_dearest_first_unless_told_otherwise(client: httpx.Client) -> None:
    amounts = [Decimal(row["cost"]["amount"]) for row in analytics(client, "cost", JANUARY, KEYED)]
    assert amounts == sorted(amounts, reverse=True)
    query = {"time_bucket_width": "1d", "order_by": "time", "order": "asc"}
    days = [row["starting_at"] for row in analytics(client, "usage", JANUARY, query)]
    assert days == sorted(days)
    assert len(days) == 31


def test_grouping_by_token_type_alone_loses_the_other_costs(client: httpx.Client) -> None:
    alone = cents(analytics(client, "cost", JANUARY, {"group_by[]": "token_type"}))
    both = cents(analytics(client, "cost", JANUARY, {"group_by[]": ["token_type", "cost_type"]}))
    assert alone < both == cents(analytics(client, "cost", JANUARY))


def test_an_empty_filter_entry_is_usage_without_a_key(client: httpx.Client, account: Account) -> None:
    keyless = analytics(client, "cost", JANUARY, {**KEYED, "api_key_ids[]": ""})
    assert keyless
    assert {row["group"]["api_key_id"] for row in keyless} == {None}
    one = analytics(client, "usage", JANUARY, {**KEYED, "api_key_ids[]": account.keys[0].id})
    assert {row["group"]["api_key_id"] for row in one} == {account.keys[0].id}
    assert analytics(client, "usage", JANUARY, {"session_ids[]": "nobody"}) == []


def test_cursors(direct: Direct) -> None:
    moment = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
    api = AnthropicApi(lambda: moment)
    client = direct(api.app, headers(api.accounts[0]))
    query: dict[str, Any] = {**JANUARY, **KEYED, "limit": 3}
    token = client.get(f"{ROOT}/analytics/cost", params=query).json()["next_page"]

    def status(**more: Any) -> int:
        return client.get(f"{ROOT}/analytics/cost", params={**query, **more}).status_code

    assert status(page=token) == 200
    assert status(page=token, limit=4) == status(page="page_x") == 400
    moment += timedelta(minutes=29)
    assert status(page=token) == 200
    moment += timedelta(minutes=2)
    assert status(page=token) == 410


def test_new_data_waits_for_the_refresh(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    answer = client.get(f"{ROOT}/analytics/cost", params=FEBRUARY).json()
    assert answer["data_refreshed_at"] == "2026-02-14T12:00:00Z"
    before = api.bill(account, "2026-02").total
    api.lag = timedelta(days=3)
    assert api.bill(account, "2026-02").total < before
    assert cents(analytics(client, "cost", FEBRUARY)) / 100 == api.bill(account, "2026-02").total


@pytest.mark.parametrize(
    "query",
    [
        "",
        "starting_at=2026-01-01",
        "starting_at=2026-01-01T00:00:00",
        "starting_at=2025-12-31T00:00:00Z&ending_at=2026-01-02T00:00:00Z",
        "starting_at=2026-01-01T00:00:00Z&ending_at=2026-02-02T00:00:00Z",
        "starting_at=2026-01-02T00:00:00Z&ending_at=2026-01-01T00:00:00Z",
        "starting_at=2026-01-01T00:00:00Z&time_bucket_width=1d",
        "starting_at=2026-01-01T00:00:00Z&ending_at=2026-01-03T00:00:00Z&time_bucket_width=1m",
        "starting_at=2026-01-01T00:00:00Z&limit=1001",
        "starting_at=2026-01-01T00:00:00Z&limit=0",
        "starting_at=2026-01-01T00:00:00Z&order_by=time",
        "starting_at=2026-01-01T00:00:00Z&order_by=requests",
        "starting_at=2026-01-01T00:00:00Z&group_by=model",
        "starting_at=2026-01-01T00:00:00Z&group_by[]=day",
        "starting_at=2026-01-01T00:00:00Z&speeds[]=slow",
        "starting_at=2026-01-01T00:00:00Z&exclude_deleted_users=true",
        "starting_at=2026-01-01T00:00:00Z"
        + "".join(
            f"&group_by[]={name}" for name in ("model", "speed", "product", "api_key_id", "workspace_id", "actor")
        ),
    ],
)
def test_refused_questions(client: httpx.Client, conforms: Callable[[str], Check], query: str) -> None:
    answer = client.get(f"{ROOT}/analytics/cost?{query}")
    assert answer.status_code == 400
    conforms("anthropic")("ErrorResponse", answer.json())
    assert answer.headers["request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize(
    "path",
    [
        "usage_report/messages",
        "usage_report/messages?starting_at=2026-01-01T00:00:00Z&limit=32",
        "usage_report/messages?starting_at=2026-01-01T00:00:00Z&group_by[]=speed",
        "usage_report/messages?starting_at=2026-01-01T00:00:00Z&group_by[]=description",
        "usage_report/messages?starting_at=2026-01-01T00:00:00Z&group_by[]=model&group_by[]=account_id"
        "&group_by[]=service_tier&group_by[]=context_window&group_by[]=api_key_id&group_by[]=workspace_id",
        "cost_report?starting_at=2026-01-01T00:00:00Z&group_by[]=model",
        "cost_report?starting_at=2026-01-01T00:00:00Z&bucket_width=1h",
        "cost_report?starting_at=2026-01-01T00:00:00Z&page=page_x",
        "workspaces?limit=1001",
        "workspaces?after_id=wrkspc_nobody",
        "api_keys?after_id=a&before_id=b",
        "api_keys?status=lost",
        "me?x=1",
    ],
)
def test_refused_questions_elsewhere(client: httpx.Client, path: str) -> None:
    assert client.get(f"{ROOT}/{path}").status_code == 400


def test_five_groups_and_the_fans_of_cost_are_allowed(client: httpx.Client) -> None:
    groups = ["model", "speed", "product", "api_key_id", "workspace_id"]
    assert analytics(client, "usage", JANUARY, {"group_by[]": groups})
    assert analytics(client, "cost", JANUARY, {"group_by[]": [*groups, "cost_type", "token_type"]})


def test_refused_keys_and_headers(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    def ask(path: str, **headers: str) -> tuple[int, str]:
        answer = client.get(f"{ROOT}/{path}", headers={name.replace("_", "-"): text for name, text in headers.items()})
        return answer.status_code, answer.json().get("error", {}).get("type", "")

    cost = "analytics/cost?starting_at=2026-01-01T00:00:00Z"
    assert ask("me", x_api_key="sk-ant-admin01-nobody") == (401, "authentication_error")
    assert ask("me", x_api_key=account.workspace_key) == (401, "authentication_error")
    api.wrong_kind_status = 403
    assert ask("me", x_api_key=account.workspace_key) == (403, "permission_error")
    assert ask(cost, x_api_key=account.limited_key) == (200, "")
    assert ask("api_keys", x_api_key=account.limited_key) == (403, "permission_error")
    assert ask("me", anthropic_version="2020-01-01") == (400, "invalid_request_error")
    assert ask(cost, anthropic_beta="other") == (400, "invalid_request_error")
    api.beta_missing_status = 404
    assert ask(cost, anthropic_beta="other") == (404, "not_found_error")
    assert client.get(f"{ROOT}/workspaces").status_code == 200
    del client.headers["x-api-key"]
    assert ask("me") == (401, "authentication_error")


def test_absent_forbidden_and_unknown(api: AnthropicApi, client: httpx.Client) -> None:
    api.absent.add(f"{ROOT}/analytics/cost")
    api.forbidden.add(f"{ROOT}/api_keys")
    api.legacy_versions = {"2023-06-01"}
    assert client.get(f"{ROOT}/analytics/cost").json()["error"]["type"] == "not_found_error"
    assert client.get(f"{ROOT}/api_keys").json()["error"]["details"] == {"error_code": "api_key_scope_missing"}
    assert client.get(f"{ROOT}/cost_report", params=JANUARY).status_code == 400
    assert client.get(f"{ROOT}/everything").status_code == 404
    assert client.post(f"{ROOT}/me").status_code == 405


def test_the_default_workspace(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    def listed(**query: Any) -> list[str]:
        answer = client.get(f"{ROOT}/workspaces", params=query)
        return [workspace["id"] for workspace in answer.json()["data"]] if answer.status_code == 200 else []

    assert account.default_workspace not in listed(include_archived="true")
    everything = listed(include_archived="true", include_default="true")
    assert everything == [workspace.id for workspace in account.workspaces]
    assert len(listed(include_default="true")) < len(everything)
    api.default_listed = False
    assert listed(include_default="true") == []
    ours = {row["group"]["workspace_id"] for row in analytics(client, "cost", JANUARY, {"group_by[]": "workspace_id"})}
    assert account.default_workspace in ours
    older = legacy(client, "cost_report", JANUARY, {"group_by[]": "workspace_id"})
    assert None in {row["workspace_id"] for row in older}


def test_keys_by_version_page_and_status(api: AnthropicApi, account: Account, client: httpx.Client) -> None:
    api.page_size = 3
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {}
    while True:
        page = client.get(f"{ROOT}/api_keys", params=query).json()
        found += page["data"]
        if not page["has_more"]:
            break
        query["after_id"] = page["last_id"]
    assert [key["id"] for key in found] == [key.id for key in account.keys]
    assert all(key["scope"]["workspace_id"] for key in found)
    back = client.get(f"{ROOT}/api_keys", params={"before_id": found[5]["id"]}).json()
    assert [key["id"] for key in back["data"]] == [key["id"] for key in found[2:5]]
    api.page_size, api.archived_keys_listed = None, False
    older = client.get(f"{ROOT}/api_keys", headers={"anthropic-version": "2023-06-01"}).json()["data"]
    assert len(older) == len(found) - 1
    assert None in {key["workspace_id"] for key in older}
    archived = client.get(f"{ROOT}/api_keys", params={"status": "archived"}).json()["data"]
    assert [key["status"] for key in archived] == ["archived"]


def test_speed_needs_its_beta_header(client: httpx.Client) -> None:
    fast = {"anthropic-beta": "fast-mode-2026-02-01"}
    answer = client.get(f"{ROOT}/usage_report/messages", params={**JANUARY, "group_by[]": "speed"}, headers=fast)
    speeds = {result["speed"] for bucket in answer.json()["data"] for result in bucket["results"]}
    assert speeds == {"fast", "standard"}


def test_older_reports_page_by_days(api: AnthropicApi, client: httpx.Client) -> None:
    assert len(client.get(f"{ROOT}/cost_report", params=JANUARY).json()["data"]) == 7
    whole = legacy(client, "usage_report/messages", JANUARY, {"group_by[]": "model"})
    api.page_size = 4
    assert legacy(client, "usage_report/messages", JANUARY, {"group_by[]": "model"}) == whole
