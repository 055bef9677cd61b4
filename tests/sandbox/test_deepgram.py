from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from sandbox.deepgram import DeepgramApi
from sandbox.deepgram.world import Account

MONTH = "2026-01"
SPAN = {"start": "2026-01-01", "end": "2026-01-31"}
Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]


@pytest.fixture
def api(clock: Callable[[], datetime]) -> DeepgramApi:
    return DeepgramApi(clock)


@pytest.fixture
def account(api: DeepgramApi) -> Account:
    return api.accounts[0]


@pytest.fixture
def client(api: DeepgramApi, account: Account, direct: Direct) -> httpx.Client:
    return open_with(api, account.key, direct)


def open_with(api: DeepgramApi, key: str, direct: Direct) -> httpx.Client:
    return direct(api.app, {"authorization": f"Token {key}"})


def rows(client: httpx.Client, path: str, project: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/projects/{project}/{path}", params={**SPAN, **parameters})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.content, parse_float=Decimal)["results"]
    return found


def dollars(found: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["dollars"]) for row in found), Decimal(0))


def test_published_shapes(client: httpx.Client, account: Account, conforms: Callable[[str], Check]) -> None:
    check, project = conforms("deepgram.responses"), account.projects[0]
    check("/v1/projects", client.get("/projects").json())
    root = f"/projects/{project.id}"
    for path in ("/keys", "/usage/breakdown", "/billing/breakdown"):
        answer = client.get(root + path, params={} if path == "/keys" else SPAN)
        assert answer.status_code == 200, path
        check("/v1/projects/{project_id}" + path, answer.json())
    for grouping in ("accessor", "endpoint", "feature_set", "models", "method", "tags", "deployment"):
        answer = client.get(root + "/usage/breakdown", params={**SPAN, "grouping": grouping})
        assert answer.json()["results"]
        check("/v1/projects/{project_id}/usage/breakdown", answer.json())


def test_sums_equal_the_bill(api: DeepgramApi, direct: Direct) -> None:
    for account in api.accounts:
        client = open_with(api, account.key, direct)
        bill = api.bill(account, MONTH)
        for row in bill.rows:
            billing = rows(client, "billing/breakdown", row.key, grouping=["accessor", "line_item"])
            usage = rows(client, "usage/breakdown", row.key, grouping="models")
            assert dollars(billing) == row.cost == dollars(rows(client, "billing/breakdown", row.key))
            assert sum(line["requests"] for line in usage) == row.requests
            tokens = sum(line["tokens_in"] for line in usage)
            assert (tokens or None) == row.tokens_input
            for name, cost in row.models.items():
                parts = [line for line in billing if line["grouping"]["line_item"] == name]
                models = [line for line in usage if " + ".join(line["grouping"]["models"]) == name]
                assert models if cost is None else dollars(parts) == cost
    assert [len(api.bill(account, MONTH).rows) for account in api.accounts] == [1, 2]


def test_usage_and_money_have_different_rows(client: httpx.Client, account: Account) -> None:
    project = account.projects[0].id
    accessors = {row["grouping"]["accessor"] for row in rows(client, "usage/breakdown", project, grouping="accessor")}
    listed = {key["api_key"]["api_key_id"] for key in client.get(f"/projects/{project}/keys").json()["api_keys"]}
    assert None in accessors
    assert accessors - listed - {None}, "a deleted key"
    own = rows(client, "billing/breakdown", project, grouping="deployment")
    assert {row["grouping"]["deployment"] for row in own} == {"hosted"}
    used = rows(client, "usage/breakdown", project, grouping="deployment")
    assert {row["grouping"]["deployment"] for row in used} == {"hosted", "self-hosted"}
    corrections = rows(client, "billing/breakdown", project, line_item="correction")
    assert [row["dollars"] for row in corrections] == [Decimal("-1.2500000001")]


def test_filters(client: httpx.Client, account: Account) -> None:
    project = account.projects[0]
    by_key = rows(client, "usage/breakdown", project.id, grouping="accessor")
    key = project.keys[0].id
    one = rows(client, "usage/breakdown", project.id, grouping="models", accessor=key)
    expected = sum(row["requests"] for row in by_key if row["grouping"]["accessor"] == key)
    assert sum(row["requests"] for row in one) == expected > 0
    assert rows(client, "usage/breakdown", project.id, diarize="true")
    assert rows(client, "billing/breakdown", project.id, tag="archive")


def test_end_of_range(api: DeepgramApi, client: httpx.Client, account: Account) -> None:
    project = account.projects[0].id
    span = {"start": "2026-01-01", "end": "2026-02-01"}
    last = [rows(client, "usage/breakdown", project, **span)[-1]["grouping"]["start"]]
    api.end_inclusive = False
    last.append(rows(client, "usage/breakdown", project, **span)[-1]["grouping"]["start"])
    assert last == ["2026-02-01", "2026-01-31"]
    assert client.get(f"/projects/{project}/usage/breakdown", params=span).json()["end"] == "2026-01-31"


def test_coarse_resolution(api: DeepgramApi, client: httpx.Client, account: Account) -> None:
    project = account.projects[0].id
    api.coarse_beyond = 31
    assert len(rows(client, "usage/breakdown", project)) == 31
    api.coarse_beyond = 30
    answer = client.get(f"/projects/{project}/billing/breakdown", params=SPAN).json()
    assert answer["resolution"] == {"units": "week", "amount": 1}
    assert [row["grouping"]["end"] for row in answer["results"]][-2:] == ["2026-01-28", "2026-01-31"]


def test_switches_of_form(api: DeepgramApi, client: httpx.Client, account: Account) -> None:
    project = account.projects[0].id
    api.sparse, api.models_as_text, api.counts_as_floats = True, True, True
    found = rows(client, "usage/breakdown", project, grouping="models")
    assert {row["grouping"]["models"] for row in found} >= {"Nova-3", "Aura-2"}
    assert not any("tokens_in" in row for row in found)
    assert all(isinstance(row["requests"], Decimal) for row in found)
    api.billing_since = date(2026, 2, 1)
    assert rows(client, "billing/breakdown", project) == []
    assert api.bill(account, MONTH).rows[0].cost is None


def test_keys(api: DeepgramApi, direct: Direct) -> None:
    account = api.accounts[1]
    client, path = open_with(api, account.key, direct), f"/projects/{account.projects[0].id}/keys"

    def count(**parameters: str) -> int:
        return len(client.get(path, params=parameters).json()["api_keys"])

    assert (count(status="active"), count(status="expired"), count()) == (2, 1, 2)
    api.unfiltered_keys = "all"
    assert count() == 3
    own = open_with(api, account.member_key, direct).get(path).json()["api_keys"]
    assert [key["member"]["member_id"] for key in own] == [account.member]


def test_refused_keys(api: DeepgramApi, account: Account, direct: Direct) -> None:
    root = f"/projects/{account.projects[0].id}"
    for headers in ({}, {"authorization": "Token nobody"}, {"authorization": f"Bearer {account.key}"}):
        answer = direct(api.app, headers).get("/projects")
        assert (answer.status_code, answer.json()["err_code"]) == (401, "INVALID_AUTH")
    member = open_with(api, account.member_key, direct)
    assert member.get(root + "/usage/breakdown").status_code == 200
    answer = member.get(root + "/billing/breakdown")
    assert (answer.status_code, answer.text) == (401, "User does not have sufficient permissions.")
    assert answer.headers["content-type"].startswith("text/plain")
    limited = open_with(api, account.limited_key, direct)
    assert limited.get("/projects").status_code == 200
    assert limited.get(root + "/keys").json()["err_code"] == "INSUFFICIENT_PERMISSIONS"
    api.scope_refusal = "category"
    answer = limited.get(root + "/usage/breakdown")
    assert (answer.status_code, answer.json()["category"]) == (403, "INSUFFICIENT_PERMISSIONS")


def test_projects_of_others(api: DeepgramApi, client: httpx.Client, account: Account) -> None:
    other = api.accounts[1].projects[0]
    answer = client.get(f"/projects/{other.id}/keys")
    assert (answer.status_code, answer.json()["err_code"]) == (404, "PROJECT_NOT_FOUND")
    api.stranger_status = 403
    assert client.get(f"/projects/{other.id}/keys").json()["category"] == "UNAUTHORIZED"
    assert client.get("/projects/production/keys").text.startswith("UUID parsing failed")
    account.projects.append(other)
    shared = {row.key: row for row in api.bill(account, MONTH).rows}
    assert shared[other.id] == api.bill(api.accounts[1], MONTH).rows[0]
    assert dollars(rows(client, "billing/breakdown", other.id)) == shared[other.id].cost


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("usage/breakdown", {"start": "2026-1-1"}),
        ("usage/breakdown", {"start": "2026-02-01", "end": "2026-01-01"}),
        ("usage/breakdown", {"grouping": "model"}),
        ("usage/breakdown", {"grouping": ["models", "accessor"]}),
        ("usage/breakdown", {"accessor": "key"}),
        ("usage/breakdown", {"page": "2"}),
        ("billing/breakdown", {"grouping": "accessor,line_item"}),
        ("billing/breakdown", {"grouping": "models"}),
        ("keys", {"status": "deleted"}),
    ],
)
def test_refused_parameters(client: httpx.Client, account: Account, path: str, parameters: dict[str, Any]) -> None:
    answer = client.get(f"/projects/{account.projects[0].id}/{path}", params=parameters)
    assert (answer.status_code, answer.json()["err_code"]) == (400, "INVALID_QUERY_PARAMETER")


def test_unknown_routes_and_methods(api: DeepgramApi, client: httpx.Client, account: Account) -> None:
    root = f"/projects/{account.projects[0].id}"
    assert client.get(root + "/invoices").status_code == 404
    assert client.delete(root + "/keys").status_code == 405
    api.absent.add("/billing/breakdown")
    assert client.get(root + "/billing/breakdown").status_code == 404
    api.repeated_grouping = "last"
    assert client.get(root + "/usage/breakdown", params={"grouping": ["accessor", "models"]}).status_code == 200


def test_same_seed_same_facts(api: DeepgramApi, clock: Callable[[], datetime]) -> None:
    twin, other = DeepgramApi(clock), DeepgramApi(clock, seed=2)
    assert [account.facts(MONTH) for account in api.accounts] == [account.facts(MONTH) for account in twin.accounts]
    assert api.accounts[0].key == twin.accounts[0].key != other.accounts[0].key
    assert all(fact.at < clock() for fact in api.accounts[0].facts("2026-02"))
    assert api.accounts[0].facts("2026-03") == []
