from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp

from sandbox.openrouter import OpenRouterApi
from sandbox.openrouter.world import Account

MONTH = "2026-01"
RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]


@pytest.fixture
def api(clock: Callable[[], datetime]) -> OpenRouterApi:
    return OpenRouterApi(clock)


@pytest.fixture
def account(api: OpenRouterApi) -> Account:
    return api.accounts[0]


@pytest.fixture
def client(api: OpenRouterApi, account: Account, direct: Direct) -> httpx.Client:
    return direct(api.app, {"authorization": f"Bearer {account.key}"})


def ask(client: httpx.Client, **body: Any) -> Any:
    question = {"metrics": ["credits_usage", "request_count"], "granularity": "month", "time_range": RANGE, **body}
    answer = client.post("/analytics/query", json=question)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)["data"]


def only(**values: Any) -> list[dict[str, Any]]:
    return [{"field": name, "operator": "eq", "value": value} for name, value in values.items()]


def money(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["credits_usage"]) for row in rows), Decimal(0))


def test_published_shapes(client: httpx.Client, account: Account, conforms: Callable[[str], Check]) -> None:
    check, workspace = conforms("openrouter.responses"), account.workspaces[1]
    for path, parameters in {
        "/key": {},
        "/keys": {"workspace_id": workspace.id},
        "/workspaces": {},
    }.items():
        answer = client.get(path, params=parameters)
        assert answer.status_code == 200, path
        check(path, answer.json())


def test_published_shape_of_a_query(client: httpx.Client, shared: Path) -> None:
    spec = json.loads((shared / "specs" / "openrouter.responses.json").read_text())
    content = spec["paths"]["/analytics/query"]["post"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": spec["components"]}
    body = {"metrics": ["total_usage"], "dimensions": ["model"], "granularity": "day", "time_range": RANGE}
    Draft202012Validator(schema).validate(client.post("/analytics/query", json=body).json())


def test_sums_equal_the_bill(api: OpenRouterApi, client: httpx.Client, account: Account) -> None:
    bill = api.bill(account, MONTH)
    metrics = ["credits_usage", "request_count", "tokens_prompt", "tokens_completion"]
    for workspace in account.workspaces:
        for key in (key for key in account.keys if key.workspace == workspace.id):
            filters = only(workspace=workspace.id, api_key_id=key.hash)
            rows = ask(client, metrics=metrics, dimensions=["model"], filters=filters)["data"]
            expected = next((row for row in bill.rows if row.key == key.hash), None)
            if expected is None:
                assert rows == []
                continue
            assert {row["model"]: Decimal(row["credits_usage"]) for row in rows} == expected.models
            assert sum(int(row["tokens_prompt"]) for row in rows) == expected.tokens_input
            assert sum(int(row["tokens_completion"]) for row in rows) == expected.tokens_output
            assert sum(int(row["request_count"]) for row in rows) == expected.requests
        rows = ask(client, dimensions=["api_key_id", "model"], filters=only(workspace=workspace.id))["data"]
        assert money(rows) == sum(row.cost or 0 for row in bill.rows if row.workspace == workspace.id) > 0
    assert money(ask(client)["data"]) == bill.total == money(ask(client, granularity=None)["data"])


def test_labels(api: OpenRouterApi, client: httpx.Client, account: Account) -> None:
    def labels(workspace: int) -> list[str | None]:
        filters = only(workspace=account.workspaces[workspace].id, model="google/gemini-3-flash-preview")
        return [row["api_key_id"] for row in ask(client, dimensions=["api_key_id", "model"], filters=filters)["data"]]

    def everyone() -> set[str | None]:
        return {row["api_key_id"] for row in ask(client, dimensions=["api_key_id"])["data"]}

    assert labels(1) == ["worker | batch", "worker | batch"]
    api.merge_labels = True
    assert labels(1) == ["worker | batch"]
    assert {None, "first-try", "chatbot"} < everyone()
    assert any(row.key == "label:first-try" for row in api.bill(account, MONTH).rows)
    api.deleted_label, api.no_key_label = False, ""
    assert "first-try" not in everyone()
    assert "" in everyone()
    assert not any(row.key.startswith("label:") for row in api.bill(account, MONTH).rows)


def test_hash_that_nobody_has(client: httpx.Client, account: Account) -> None:
    answer = ask(client, dimensions=["model"], filters=only(api_key_id=account.deleted[0].hash))
    assert answer["data"] == []
    assert "Could not resolve" in answer["warnings"][0]
    number = ask(client, dimensions=["model"], filters=only(api_key_id=account.keys[0].number))
    by_hash = ask(client, dimensions=["model"], filters=only(api_key_id=account.keys[0].hash))
    assert number == by_hash


def test_forms(api: OpenRouterApi, client: httpx.Client) -> None:
    row = ask(client, metrics=["request_count", "usage_cache", "usage_data", "byok_usage"])["data"][0]
    assert row["date__month"] == "2026-01-01"
    assert isinstance(row["request_count"], str)
    assert row["usage_cache"] is None
    assert row["usage_data"] < 0 < row["byok_usage"]
    api.counts_as_text, api.time_column, api.time_form = False, "created_at", "iso"
    row = ask(client)["data"][0]
    assert row["created_at__month"] == "2026-01-01T00:00:00.000Z"
    assert isinstance(row["request_count"], int)
    assert len(ask(client, granularity="day")["data"]) == 31
    assert len(ask(client, granularity="week", metrics=["byok_fees"])["data"]) == 5
    users = ask(client, dimensions=["user"])["data"]
    assert {row["user_email"] for row in users} == {None, "ada@sandbox.example", "grace@sandbox.example"}


def test_truncation_and_order(api: OpenRouterApi, client: httpx.Client) -> None:
    whole = ask(client, dimensions=["api_key_id", "model"], order_by={"field": "credits_usage", "direction": "desc"})
    assert not whole["metadata"]["truncated"]
    assert [row["credits_usage"] for row in whole["data"]] == sorted(
        (row["credits_usage"] for row in whole["data"]), reverse=True
    )
    cut = ask(client, dimensions=["api_key_id", "model"], limit=3)
    assert (len(cut["data"]), cut["metadata"]["row_count"], cut["metadata"]["truncated"]) == (3, 3, True)
    api.truncate_at = 5
    assert ask(client, dimensions=["api_key_id", "model"], limit=10000)["metadata"]["truncated"]


def test_end_and_reach(api: OpenRouterApi, client: httpx.Client) -> None:
    assert len(ask(client)["data"]) == 1
    api.end_inclusive = True
    assert [row["date__month"] for row in ask(client)["data"]] == ["2026-02-01", "2026-01-01"]
    old = {"start": "2024-12-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}
    assert ask(client, time_range=old)["data"]
    api.look_back = "empty"
    assert ask(client, time_range=old)["data"] == []
    api.look_back = "refused"
    body = {"metrics": ["total_usage"], "time_range": old}
    assert client.post("/analytics/query", json=body).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": []},
        {"metrics": ["cost"]},
        {"dimensions": ["model", "workspace", "api_key_id"]},
        {"dimensions": ["key"]},
        {"granularity": "quarter"},
        {"granularity": "minute"},
        {"limit": 10001},
        {"limit": 0},
        {"page": 1},
        {"time_range": {"start": "2026-01-01T00:00Z", "end": "2026-02-01T00:00Z"}},
        {"time_range": {"start": RANGE["end"], "end": RANGE["start"]}},
        {"time_range": {"start": "2025-01-01T00:00:00Z", "end": RANGE["end"]}},
        {"metrics": ["byok_fees"], "time_range": {"start": "2025-12-01T00:00:00Z", "end": RANGE["end"]}},
        {"filters": [{"field": "model", "operator": "is", "value": "x"}]},
        {"filters": [{"field": "model", "operator": "in", "value": "x"}]},
        {"filters": [{"field": "cost", "operator": "eq", "value": "x"}]},
        {"filters": only(model="x") * 21},
        {"order_by": {"field": "tokens_prompt", "direction": "desc"}},
        {"classifier_dimensions": {"classifier_id": "x"}},
    ],
)
def test_refused_bodies(client: httpx.Client, conforms: Callable[[str], Check], change: dict[str, Any]) -> None:
    answer = client.post("/analytics/query", json={"metrics": ["request_count"], "time_range": RANGE, **change})
    assert answer.status_code == 400
    conforms("openrouter.responses")("BadRequestResponse", answer.json())


def test_refused_keys(api: OpenRouterApi, account: Account, direct: Direct, conforms: Callable[[str], Check]) -> None:
    check = conforms("openrouter.responses")
    for headers in ({}, {"authorization": "Bearer nobody"}):
        answer = direct(api.app, headers).get("/keys")
        assert answer.status_code == 401
        check("UnauthorizedResponse", answer.json())
    ordinary = direct(api.app, {"authorization": f"Bearer {account.inference_key}"})
    answer = ordinary.get("/keys")
    assert answer.status_code == 403
    check("ForbiddenResponse", answer.json())
    assert ordinary.get("/key").json()["data"]["is_management_key"] is False


def test_pages(api: OpenRouterApi, client: httpx.Client, account: Account) -> None:
    api.page_size = 2
    pages = [client.get("/workspaces", params={"offset": offset}).json() for offset in (0, 2, 4)]
    assert [len(page["data"]) for page in pages] == [2, 1, 0]
    assert {page["total_count"] for page in pages} == {3}
    account.add_keys(120, account.workspaces[1].id)
    listed = [
        client.get("/keys", params={"workspace_id": account.workspaces[1].id, "offset": offset}).json()["data"]
        for offset in (0, 100)
    ]
    assert [len(page) for page in listed] == [100, 23]


def test_key_listing_hides(client: httpx.Client, account: Account) -> None:
    def names(**parameters: str) -> set[str]:
        return {key["name"] for key in client.get("/keys", params=parameters).json()["data"]}

    research = account.workspaces[2].id
    assert names() == {"chatbot", "", "Nobody uses me"}
    assert "Old demo" not in names(workspace_id=research)
    assert {"Old demo", "Workshop of May"} < names(
        workspace_id=research, include_disabled="true", include_expired="true"
    )


def test_counters_of_the_running_month(api: OpenRouterApi, client: httpx.Client, account: Account) -> None:
    bill = {row.key: row.cost for row in api.bill(account, "2026-02").rows}
    keys = json.loads(client.get("/keys").content, parse_float=Decimal)["data"]
    assert {key["hash"]: Decimal(key["usage_monthly"]) for key in keys} == {
        key["hash"]: bill.get(key["hash"], Decimal(0)) for key in keys
    }


def test_unknown_routes_and_methods(api: OpenRouterApi, client: httpx.Client) -> None:
    assert client.get("/invoices").json()["error"]["code"] == 404
    assert client.delete("/keys").status_code == 405
    assert client.get("/keys", params={"limit": 5}).status_code == 400
    assert client.get("/keys", params={"workspace_id": "default"}).status_code == 400
    assert client.get("/workspaces", params={"limit": 101}).status_code == 400
    api.absent.add("/analytics/query")
    assert client.post("/analytics/query", json={}).status_code == 404


def test_same_seed_same_facts(account: Account, clock: Callable[[], datetime]) -> None:
    twin, other = OpenRouterApi(clock).accounts[0], OpenRouterApi(clock, seed=2).accounts[0]
    assert (account.facts(MONTH), account.key) == (twin.facts(MONTH), twin.key)
    assert other.facts(MONTH) != account.facts(MONTH)
    account.clear(MONTH)
    assert account.facts(MONTH) == []
