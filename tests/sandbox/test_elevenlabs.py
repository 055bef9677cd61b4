from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from sandbox.elevenlabs import ElevenLabsApi
from sandbox.elevenlabs.world import Account

MONTH = "2026-01"
START, END = 1767225600000, 1769903999999  # January 2026, UTC, milliseconds
DAY = 86_400_000
CREDITS = "/v1/workspace/analytics/query/usage-by-product-over-time"
COSTS = "/v1/workspace/analytics/usage"
STATS = "/v1/usage/character-stats"
TABLE = "WorkspaceAnalyticsQueryResponseModel"
Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]


@pytest.fixture
def api(clock: Callable[[], datetime]) -> ElevenLabsApi:
    return ElevenLabsApi(clock)


@pytest.fixture
def account(api: ElevenLabsApi) -> Account:
    return api.accounts[0]


@pytest.fixture
def client(api: ElevenLabsApi, account: Account, direct: Direct) -> httpx.Client:
    return direct(api.app, {"xi-api-key": account.key})


@pytest.fixture
def check(conforms: Callable[[str], Check]) -> Check:
    return conforms("elevenlabs.responses")


def exact(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def ask(client: httpx.Client, path: str, **body: Any) -> Any:
    return exact(client.post(path, json={"start_time": START, "end_time": END, "interval_seconds": 86400, **body}))


def totals(table: dict[str, Any], by: str, measure: str) -> dict[Any, Decimal]:
    """Sums of a column by the values of another; all-zero rows add nothing."""
    of, figure, sums = table["columns"].index(by), table["columns"].index(measure), dict[Any, Decimal]()
    for row in table["rows"]:
        sums[row[of]] = sums.get(row[of], Decimal(0)) + Decimal(row[figure])
    return sums


def test_published_shapes(client: httpx.Client, account: Account, check: Check) -> None:
    check(TABLE, ask(client, CREDITS, group_by=["hashed_xi_api_key", "model", "fiat_currency"]))
    account.cost_billed_since = date(2025, 1, 1)
    check(TABLE, ask(client, COSTS, group_by=["hashed_xi_api_key", "model", "fiat_charge_type", "fiat_currency"]))
    stats = client.get(STATS, params={"start_unix": START, "end_unix": END, "include_workspace_metrics": "true"})
    check("/v1/usage/character-stats", stats.json())
    check("/v1/user/subscription", client.get("/v1/user/subscription").json())
    listed = client.get("/v1/service-accounts").json()
    check("/v1/service-accounts", listed)
    owner = listed["service-accounts"][0]["service_account_user_id"]
    check(
        "/v1/service-accounts/{service_account_user_id}/api-keys",
        client.get(f"/v1/service-accounts/{owner}/api-keys").json(),
    )


@pytest.mark.parametrize("by_cost", [False, True])
def test_sums_equal_the_bill(api: ElevenLabsApi, client: httpx.Client, account: Account, by_cost: bool) -> None:
    account.cost_billed_since = date(2025, 1, 1) if by_cost else None
    table = ask(client, COSTS if by_cost else CREDITS, group_by=["hashed_xi_api_key", "model"])
    bill = api.bill(account, MONTH)
    assert totals(table, "hashed_xi_api_key", "total_cost") == {row.key or None: row.cost for row in bill.rows}
    assert sum(totals(table, "model", "total_cost").values()) == bill.total > 0
    if by_cost:
        assert {row.requests for row in bill.rows} == {None}
    else:
        counted = totals(table, "hashed_xi_api_key", "usage_count")
        assert counted == {row.key or None: row.requests for row in bill.rows}


def test_a_month_that_contains_the_move(api: ElevenLabsApi, client: httpx.Client, account: Account) -> None:
    account.cost_billed_since = date(2026, 1, 12)
    refused = client.post(CREDITS, json={"start_time": START, "end_time": END, "interval_seconds": 86400})
    assert refused.status_code == 400
    assert "/v1/workspace/analytics/usage" in refused.json()["detail"]["message"]
    before = ask(client, CREDITS, end_time=START + 11 * DAY - 1, group_by=["model"])
    after = ask(client, COSTS, group_by=["model"])
    parts = [sum(totals(part, "model", "total_cost").values()) for part in (before, after)]
    assert sum(parts) == api.bill(account, MONTH).total
    assert all(parts)


def test_money_that_cannot_be_had(api: ElevenLabsApi, client: httpx.Client, account: Account) -> None:
    account.money_column = False
    assert "usd" not in ask(client, CREDITS)["column_units"]
    assert None not in {row.cost for row in api.bill(account, MONTH).rows}
    account.fiat_metric = "zeros"
    assert {row.cost for row in api.bill(account, MONTH).rows} == {None}
    account.money_column, account.currency = True, "eur"
    assert "eur" in ask(client, CREDITS)["column_units"]
    assert {row.cost for row in api.bill(account, MONTH).rows} == {None}


def test_deprecated_endpoint(api: ElevenLabsApi, client: httpx.Client, account: Account) -> None:
    def stats(**parameters: str) -> Any:
        return exact(client.get(STATS, params={"start_unix": str(START), "end_unix": str(END), **parameters}))

    everyone = {"include_workspace_metrics": "true", "metric": "fiat_units_spent"}
    total = api.bill(account, MONTH).total
    for breakdown in ("none", "all_api_keys", "model"):
        answer = stats(**everyone, breakdown_type=breakdown)
        assert {len(values) for values in answer["usage"].values()} == {31} == {len(answer["time"])}
        assert sum(Decimal(value) for values in answer["usage"].values() for value in values) == total
    # Two keys of one name share a list.
    assert "Podcasts 🎙️" in stats(**everyone, breakdown_type="all_api_keys")["usage"]
    own = stats(metric="credits")["usage"]["All"]
    assert sum(own) == 0, "the reporting key itself has used nothing"
    assert len(stats(**everyone, aggregation_interval="month")["time"]) == 1
    account.fiat_metric = "refused"
    assert client.get(STATS, params={"start_unix": START, "end_unix": END, **everyone}).status_code == 400


def test_switches_of_form(api: ElevenLabsApi, client: httpx.Client) -> None:
    forms = {"z": "2026-01-01T00:00:00Z", "offset": "2026-01-01T00:00:00+00:00", "space": "2026-01-01 00:00:00"}
    for form, text in {**forms, "seconds": START // 1000, "milliseconds": START}.items():
        api.time_form = form  # type: ignore[assignment]
        assert ask(client, CREDITS)["rows"][0][0] == text
    api.column_names["credits"], api.reverse_columns, api.blank_units = "credits_used", True, True
    api.numbers_as_text, api.label_columns = True, True
    table = ask(client, CREDITS, group_by=["hashed_xi_api_key"])
    assert table["columns"][-1] == "timestamp"
    assert {"credits_used", "hashed_xi_api_key_label"} < set(table["columns"])
    assert None not in table["column_units"]
    assert isinstance(table["rows"][0][table["columns"].index("credits_used")], str)


def test_end_of_range(api: ElevenLabsApi, client: httpx.Client) -> None:
    assert len(ask(client, CREDITS, end_time=END + 1)["rows"]) == 31
    api.end_inclusive = True
    assert len(ask(client, CREDITS, end_time=END + 1)["rows"]) == 32
    assert len(ask(client, CREDITS)["rows"]) == 31


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CREDITS, {"start_time": START}, 422),
        (CREDITS, {"start_time": START, "end_time": END, "page": 1}, 422),
        (CREDITS, {"start_time": START // 1000, "end_time": END // 1000}, 422),
        (CREDITS, {"start_time": str(START), "end_time": END}, 422),
        (CREDITS, {"start_time": START, "end_time": END, "group_by": ["api_key"]}, 400),
        (CREDITS, {"start_time": END, "end_time": START}, 400),
        (CREDITS, {"start_time": START, "end_time": END, "time_zone": "Mars"}, 400),
        (COSTS, {"start_time": START, "end_time": END}, 422),
        (COSTS, {"start_time": START, "end_time": END, "interval_seconds": 3600}, 422),
        (COSTS, {"start_time": START, "end_time": END, "interval_seconds": 86400, "time_zone": "UTC"}, 422),
        (COSTS, {"start_time": START, "end_time": END, "interval_seconds": 86400, "group_by": ["voice_id"]}, 400),
        (
            COSTS,
            {
                "start_time": START,
                "end_time": END,
                "interval_seconds": 86400,
                "group_by": ["hashed_xi_api_key", "product_type"],
            },
            400,
        ),
    ],
)
def test_refused_bodies(client: httpx.Client, check: Check, path: str, body: Any, status: int) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    if status == 422:
        check("HTTPValidationError", answer.json())
    else:
        assert {"type", "code", "message", "status"} <= set(answer.json()["detail"])


def test_two_scarce_columns_with_a_filter(client: httpx.Client, account: Account) -> None:
    account.cost_billed_since = date(2025, 1, 1)
    key = account.service_accounts[0].keys[0].hash
    pinned = [{"column": "hashed_xi_api_key", "operation": "eq", "values": [key]}]
    table = ask(client, COSTS, group_by=["hashed_xi_api_key", "product_type"], filters=pinned)
    assert {row[1] for row in table["rows"]} == {key}


def test_refused_keys(api: ElevenLabsApi, account: Account, direct: Direct) -> None:
    body = {"start_time": START, "end_time": END, "interval_seconds": 86400}
    assert direct(api.app, {}).get("/v1/user/subscription").json()["detail"]["type"] == "authentication_error"
    stranger = direct(api.app, {"xi-api-key": "sk_sandbox_stranger"})
    assert stranger.get("/v1/user/subscription").json()["detail"]["status"] == "invalid_api_key"
    api.wrong_key_status = 400
    answer = stranger.get("/v1/user/subscription")
    assert (answer.status_code, answer.json()["detail"]["type"]) == (400, "authentication_error")
    limited = direct(api.app, {"xi-api-key": account.limited_key})
    assert limited.get("/v1/user/subscription").status_code == 200
    answer = limited.post(CREDITS, json=body)
    assert (answer.status_code, answer.json()["detail"]["status"]) == (401, "missing_permissions")
    api.limited_sees_own = True
    assert limited.post(CREDITS, json=body).status_code == 200
    nameless = direct(api.app, {"xi-api-key": account.nameless_key})
    assert nameless.post(CREDITS, json=body).status_code == 200
    assert nameless.get("/v1/service-accounts").status_code == 401


def test_unknown_routes_and_methods(api: ElevenLabsApi, client: httpx.Client) -> None:
    assert client.get("/v1/user").json() == {"detail": "Not Found"}
    assert client.get(CREDITS).status_code == 405
    assert client.get("/v1/user/subscription", params={"page": 1}).status_code == 422
    api.absent.add("/workspace/analytics/usage")
    assert client.post(COSTS, json={}).status_code == 404


def test_facts_can_be_edited_and_follow_the_clock() -> None:
    clock = [datetime(2026, 2, 10, tzinfo=UTC)]
    api = ElevenLabsApi(lambda: clock[0])
    account = api.accounts[0]
    account.clear("2026-01")
    assert api.bill(account, "2026-01").rows == ()
    early = list(account.facts("2026-02"))
    account.facts("2026-02")[0] = replace(early[0], credits=Decimal(1))
    clock[0] = datetime(2026, 3, 2, tzinfo=UTC)
    late = account.facts("2026-02")
    assert len(late) > len(early)
    assert late[1 : len(early)] == early[1:]
    assert late[0].credits == 1
    other = ElevenLabsApi(lambda: clock[0]).accounts[0].facts("2026-02")
    assert other[1:] == late[1:]
    assert ElevenLabsApi(lambda: clock[0], seed=2).accounts[0].facts("2026-02") != other
