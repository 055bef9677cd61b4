"""Refusals and troubles that have nothing to do with what is asked."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sandbox.notion import trouble
from sandbox.notion.requests.guard import TOKEN
from sandbox.server import Server


def test_the_version_header(notion: Any) -> None:
    answer = notion.http.get("/v1/users/me", headers={"Authorization": f"Bearer {notion.api.token}"})
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_version")
    notion.version = "2027-01-01"
    assert "Notion-Version" in notion.refused(400, "GET", "/users/me")
    notion.version = "2022-06-28"
    assert "speaks 2025-09-03 and 2026-03-11" in notion.refused(400, "GET", "/users/me")


@pytest.mark.parametrize("header", [{}, *({"Authorization": text} for text in ("Bearer secret_wrong", "", TOKEN))])
def test_the_token(notion: Any, header: dict[str, str]) -> None:
    answer = notion.http.get("/v1/users/me", headers=header | {"Notion-Version": "2026-03-11"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_connection_that_may_only_read(notion: Any) -> None:
    services = notion.services()
    only_read = {"Authorization": f"Bearer {notion.api.read_only_token}"}
    notion.query(services, headers=only_read)
    body = {"parent": {"data_source_id": services["id"]}, "properties": {}}
    answer = notion.send("POST", "/pages", body, headers=only_read)
    assert (answer.status_code, answer.json()["code"]) == (403, "restricted_resource")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_wrong_methods_are_unknown_paths(notion: Any, method: str) -> None:
    assert notion.refused(400, method, "/users/me") == "Invalid request URL."


@pytest.mark.parametrize("content", [b"{", b'{"page_size": NaN}', b"\xff"])
def test_bodies_that_are_no_json(notion: Any, content: bytes) -> None:
    headers = {"Notion-Version": "2026-03-11", "Authorization": f"Bearer {notion.api.token}"}
    answer = notion.http.post("/v1/search", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_a_body_over_the_limit(notion: Any) -> None:
    services = notion.services()
    long = {"Nom": {"title": [{"text": {"content": "é" * 2000}}] * 100}}
    body = {"parent": {"data_source_id": services["id"]}, "properties": long}
    assert "500000 bytes" in notion.refused(413, "POST", "/pages", body | {"properties": {"Nom": long, "M": long}})
    notion.api.body_limit_status = 400
    notion.refused(400, "POST", "/pages", body | {"properties": {"Nom": long, "M": long}})


def test_the_budget_of_a_minute(notion: Any, moving: Any) -> None:
    notion.api.requests_per_minute = 3
    for _ in range(3):
        notion.ask("GET", "/users/me")
        moving.move(seconds=10)
    answer = notion.send("GET", "/users/me")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit",
        "retry_after": "30",
    }
    moving.move(seconds=29.5)
    assert notion.send("GET", "/users/me").headers["retry-after"] == "1"
    moving.move(seconds=0.5)
    notion.ask("GET", "/users/me")
    assert notion.api.environment("http://x/notion")["NOTION_REQUESTS_PER_MINUTE"] == "3"


def test_the_pace_is_kept(notion: Any, moving: Any) -> None:
    for _ in range(4):
        notion.ask("GET", "/users/me")
        moving.move(seconds=0.5)
    moving.move(seconds=60)
    notion.ask("GET", "/users/me")
    assert (notion.api.pace.most_within(1), notion.api.pace.most_within(60)) == (2, 4)
    assert notion.api.pace.tokens_in_urls == []
    notion.send("GET", f"/users/me?token={notion.api.token}")
    assert notion.api.pace.tokens_in_urls == ["/v1/users/me"]


def test_503_after_a_create_was_saved(notion: Any) -> None:
    services = notion.services()
    notion.api.commit_then_503()
    answer = notion.send("POST", "/pages", {"parent": {"data_source_id": services["id"]}, "properties": {}})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    extra = answer.json()["additional_data"]
    assert "Do not repeat the write" in extra["retry_guidance"]
    assert [page["id"] for page in notion.query(services)["results"]] == [extra["committed_resource_id"]]
    notion.row(services)


def test_503_after_an_update_was_saved(notion: Any, words: Any) -> None:
    services = notion.services()
    row = notion.row(services)
    notion.api.commit_then_503(method="PATCH")
    answer = notion.send("PATCH", f"/pages/{row['id']}", {"properties": {"Nom": {"title": words("A")}}})
    assert "committed_resource_id" not in answer.json()["additional_data"]
    assert notion.api.store.database("Services").rows()[0].title == "A"


def test_a_conflict_on_demand_saves_nothing(notion: Any) -> None:
    services = notion.services()
    notion.api.conflict(times=2)
    body = {"parent": {"data_source_id": services["id"]}, "properties": {}}
    for _ in range(2):
        answer = notion.send("POST", "/pages", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict_error")
    assert notion.query(services)["results"] == []
    notion.row(services)


@pytest.mark.parametrize("through_relation", [False, True])
def test_overlapping_writes(notion: Any, words: Any, through_relation: bool) -> None:
    services = notion.services()
    usages = notion.usages(services)
    service = notion.row(services)
    pages = [notion.row(usages)] * 4 if not through_relation else [notion.row(usages) for _ in range(4)]
    notion.api.write_seconds, notion.api.conflicts_reach_relations = 1.0, through_relation
    body = {"properties": {"Service": {"relation": [{"id": service["id"]}]}}}
    headers = {"Notion-Version": "2026-03-11", "Authorization": f"Bearer {notion.api.token}"}
    with Server([notion.api]) as server, httpx.Client(headers=headers) as client, ThreadPoolExecutor(4) as pool:
        paths = [f"{server.url('notion')}/v1/pages/{page['id']}" for page in pages]
        statuses = sorted(answer.status_code for answer in pool.map(lambda path: client.patch(path, json=body), paths))
    assert statuses == [200, 409, 409, 409]


def test_the_free_blocks_and_the_rows_come_to_an_end(notion: Any) -> None:
    services = notion.services()
    notion.api.blocks_left = 1
    notion.row(services)
    body = {"parent": {"data_source_id": services["id"]}, "properties": {}}
    answer = notion.send("POST", "/pages", body)
    assert (answer.status_code, answer.json()["additional_data"]) == (403, {"block_limit": 1000})
    notion.api.blocks_left, notion.api.row_limit = None, 1
    answer = notion.send("POST", "/pages", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "row_limit_exceeded")


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (trouble.too_many_requests, 429, "rate_limited"),
        (trouble.blocked, 429, "rate_limited"),
        (trouble.overloaded, 529, "service_overload"),
        (trouble.conflicting, 409, "conflict_error"),
        (trouble.internal_error, 500, "internal_server_error"),
        (trouble.unavailable, 503, "service_unavailable"),
        (trouble.gateway_timeout, 504, "gateway_timeout"),
        (trouble.block_limit, 403, "restricted_resource"),
        (trouble.bad_gateway, 502, None),
        (trouble.too_many_requests_html, 429, None),
    ],
)
def test_faults_have_their_bodies(notion: Any, published: Any, make: Any, status: int, code: str | None) -> None:
    headers = {"Notion-Version": "2026-03-11", "Authorization": f"Bearer {notion.api.token}"}
    with Server([notion.api]) as server:
        server.faults.add(make(path="/users/me", times=1))
        answer = httpx.get(f"{server.url('notion')}/v1/users/me", headers=headers)
        assert httpx.get(f"{server.url('notion')}/v1/users/me", headers=headers).status_code == 200
    assert answer.status_code == status
    if code is None:
        assert answer.headers["content-type"] == "text/html"
    else:
        assert answer.json()["code"] == code
        published("ErrorResponse", answer.json())


def test_the_503_of_a_query_has_the_documented_fields(recorded: Any) -> None:
    theirs = recorded("doc_error_503_query")["response_body"]
    fault = trouble.query_unavailable()
    ours = json.loads(fault.encoded()[0])
    assert ours["additional_data"] == theirs["additional_data"]
    assert (fault.status, ours["code"]) == (503, theirs["code"])
