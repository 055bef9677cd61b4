from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from sandbox.openai import OpenAIApi
from sandbox.openai.families import COSTS, REQUESTS, USAGE
from sandbox.openai.world import Account

JANUARY = (1767225600, 1769904000)
FEBRUARY = (1769904000, 1772323200)
Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]


@pytest.fixture
def api(clock: Callable[[], datetime]) -> OpenAIApi:
    return OpenAIApi(clock)


@pytest.fixture
def account(api: OpenAIApi) -> Account:
    return api.accounts[0]


@pytest.fixture
def client(api: OpenAIApi, account: Account, direct: Direct) -> httpx.Client:
    return direct(api.app, {"authorization": f"Bearer {account.key}"})


def results(
    client: httpx.Client, path: str, span: tuple[int, int] = JANUARY, query: Any = None
) -> list[dict[str, Any]]:
    """Results of all pages."""
    found: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"start_time": span[0], "end_time": span[1], "limit": 31, **(query or {})}
    while True:
        answer = client.get("/organization/" + path, params=parameters)
        assert answer.status_code == 200, answer.text
        page = json.loads(answer.content, parse_float=Decimal)
        found += [result for bucket in page["data"] for result in bucket["results"]]
        assert page["has_more"] == (page["next_page"] is not None)
        if not page["has_more"]:
            return found
        parameters["page"] = page["next_page"]


def dollars(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["amount"]["value"]) for row in rows), Decimal(0))


@pytest.mark.parametrize("family", [*USAGE, COSTS], ids=lambda family: family.name)
def test_answers_fit_the_published_description(
    client: httpx.Client, conforms: Callable[[str], Check], shared: Path, family: Any
) -> None:
    path = family.name if family is COSTS else f"usage/{family.name}"
    answer = client.get(
        f"/organization/{path}", params={"start_time": JANUARY[0], "limit": 31, "group_by[]": family.dimensions[:1]}
    ).json()
    conforms("openai")(f"/organization/{path}", answer)
    if family.name == "decisions":
        return  # no example of it has been published
    name = "costs" if family is COSTS else f"usage_{family.name}"
    example = json.loads((shared / f"examples/openai/{name}.response.json").read_text())
    ours = next(bucket["results"][0] for bucket in answer["data"] if bucket["results"])
    assert set(example) == set(answer)
    assert set(example["data"][0]["results"][0]) <= set(ours)
    assert example["data"][0]["results"][0]["object"] == ours["object"]


def test_registry_fits_the_published_description(
    client: httpx.Client, conforms: Callable[[str], Check], shared: Path
) -> None:
    projects = client.get("/organization/projects?include_archived=true").json()
    conforms("openai")("/organization/projects", projects)
    one = projects["data"][1]
    assert set(json.loads((shared / "examples/openai/object_Project.json").read_text())) <= set(one)
    keys = client.get(f"/organization/projects/{one['id']}/api_keys").json()
    conforms("openai")("/organization/projects/{project_id}/api_keys", keys)
    key = keys["data"][0]
    assert set(json.loads((shared / "examples/openai/object_ProjectApiKey.json").read_text())) <= set(key)


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_answers_add_up_to_the_bill(clock: Callable[[], datetime], direct: Direct, seed: int) -> None:
    api = OpenAIApi(clock, seed)
    for account in api.accounts:
        client = direct(api.app, {"authorization": f"Bearer {account.key}"})
        for month, span in (("2026-01", JANUARY), ("2026-02", FEBRUARY)):
            bill = api.bill(account, month)
            costs = results(client, "costs", span, {"group_by[]": ["project_id", "api_key_id", "line_item"]})
            assert dollars(costs) == dollars(results(client, "costs", span)) == bill.total
            for row in bill.rows:
                mine = [cost for cost in costs if (cost["project_id"] or "") == row.key]
                assert dollars(mine) == (row.cost or 0)
            requests = [
                result["num_model_requests"]
                for family in REQUESTS
                for result in results(client, f"usage/{family}", span)
            ]
            assert sum(requests) == sum(row.requests or 0 for row in bill.rows)
            usage = [
                result
                for family in ("completions", "decisions", "embeddings", "moderations")
                for result in results(client, f"usage/{family}", span, {"group_by": "project_id"})
            ]
            for row in bill.rows:
                mine = [result for result in usage if (result["project_id"] or "") == row.key]
                assert sum(result["input_tokens"] for result in mine) == (row.tokens_input or 0)
                assert sum(result.get("output_tokens", 0) for result in mine) == (row.tokens_output or 0)


def test_the_same_seed_tells_the_same_story(clock: Callable[[], datetime]) -> None:
    first, second, other = (OpenAIApi(clock, seed).accounts[0] for seed in (5, 5, 6))
    assert first.facts("2025-07") == second.facts("2025-07") != other.facts("2025-07")
    assert (first.key, first.projects, first.keys) == (second.key, second.projects, second.keys)


def test_the_world_is_awkward(api: OpenAIApi, account: Account) -> None:
    names = [project.name for one in api.accounts for project in one.projects]
    assert len(names) > len(set(names))
    assert {None, "", "=1+1"} <= set(names)
    assert max(len(name) for name in names if name) == 300
    rows = api.bill(account, "2026-01").rows
    unknown = {row.key for row in rows} - {project.id for project in account.projects} - {""}
    assert unknown, "usage of a deleted project"
    costs = [fact.amount for fact in account.facts("2026-01") if fact.amount is not None]
    assert min(costs) < 0
    assert Decimal("1E-7") in costs
    assert 0 in costs
    assert any(None in row.models.values() for row in rows), "usage without cost"
    assert any(row.tokens_input is None and row.cost for row in rows), "cost without usage"


def test_facts_end_now_and_grow_with_the_clock() -> None:
    moment = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
    account = OpenAIApi(lambda: moment).accounts[0]
    before = list(account.facts("2026-02"))
    assert max(fact.at for fact in before) < moment
    moment += timedelta(days=3)
    assert account.facts("2026-02")[: len(before)] == before
    assert len(account.facts("2026-02")) > len(before)
    assert account.facts("2024-01") == account.facts("2026-04") == []


def test_a_test_can_rewrite_history(api: OpenAIApi, account: Account, client: httpx.Client) -> None:
    account.clear("2026-01")
    assert results(client, "costs") == []
    account.facts("2026-01").append(account.facts("2025-12")[0])
    assert len(api.bill(account, "2026-01").rows) == 1


def test_pages(client: httpx.Client, api: OpenAIApi) -> None:
    query = {"start_time": JANUARY[0], "end_time": JANUARY[1]}
    first = client.get("/organization/costs", params=query).json()
    assert len(first["data"]) == 7
    assert [bucket["end_time"] - bucket["start_time"] for bucket in first["data"]] == [86400] * 7
    whole = results(client, "costs", query={"group_by": "project_id"})
    api.page_size = 2
    assert results(client, "costs", query={"group_by": "project_id"}) == whole
    api.rows_per_bucket = 3
    assert results(client, "costs", query={"group_by": "project_id"}) == whole


def test_a_cursor_is_good_for_its_own_request_only(client: httpx.Client) -> None:
    query: dict[str, Any] = {"start_time": JANUARY[0], "end_time": JANUARY[1]}
    token = client.get("/organization/costs", params=query).json()["next_page"]
    assert client.get("/organization/costs", params={**query, "page": token}).status_code == 200
    wrong: dict[str, Any]
    for wrong in ({**query, "page": "page_x"}, {**query, "page": token, "limit": 9}, {**query, "page": token[:-4]}):
        assert client.get("/organization/costs", params=wrong).status_code == 400


def test_buckets_are_cut_at_both_ends_and_at_midnight(client: httpx.Client) -> None:
    query: dict[str, Any] = {"start_time": JANUARY[0] + 3601, "end_time": JANUARY[0] + 90_000, "limit": 5}
    answer = client.get("/organization/usage/completions", params=query).json()
    spans = [(bucket["start_time"], bucket["end_time"]) for bucket in answer["data"]]
    assert spans == [
        (JANUARY[0] + 3600, JANUARY[0] + 86_400),
        (JANUARY[0] + 86_400, JANUARY[0] + 90_000),
    ]


@pytest.mark.parametrize(("width", "buckets"), [("1d", 7), ("1h", 24), ("1m", 60)])
def test_default_page_by_width(client: httpx.Client, width: str, buckets: int) -> None:
    query: dict[str, Any] = {"start_time": JANUARY[0], "end_time": JANUARY[1], "bucket_width": width}
    assert len(client.get("/organization/usage/completions", params=query).json()["data"]) == buckets


def test_what_is_not_grouped_by_is_null(client: httpx.Client) -> None:
    for cost in results(client, "costs"):
        assert {cost[name] for name in COSTS.dimensions} == {None}


def test_both_spellings_of_arrays_and_filters(client: httpx.Client, account: Account) -> None:
    plain = results(client, "usage/completions", query={"group_by": ["project_id", "model"]})
    assert plain == results(client, "usage/completions", query={"group_by[]": ["project_id", "model"]})
    project = account.projects[1].id
    only = results(client, "usage/completions", query={"group_by": ["project_id", "model"], "project_ids[]": project})
    assert only == [result for result in plain if result["project_id"] == project] != []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "start_time=x",
        "start_time=-1",
        "start_time=1767225600&end_time=1767225600",
        "start_time=1767225600&end_time=1767225660",  # the same UTC date
        "start_time=1767225600&limit=0",
        "start_time=1767225600&limit=181",
        "start_time=1767225600&bucket_width=1h",
        "start_time=1767225600&group_by=project_id,line_item",
        "start_time=1767225600&group_by=model",
        "start_time=1767225600&group_by=user_id&group_by=project_id",
        "start_time=1767225600&start_time=1767225600",
        "start_time=1767225600&group_bys=project_id",
    ],
)
def test_refused_questions(client: httpx.Client, conforms: Callable[[str], Check], query: str) -> None:
    answer = client.get(f"/organization/costs?{query}")
    assert answer.status_code == 400
    conforms("openai")("ErrorResponse", answer.json())
    assert answer.headers["x-request-id"]


def test_refused_keys(api: OpenAIApi, account: Account, client: httpx.Client) -> None:
    def status(path: str, key: str | None) -> int:
        headers = {} if key is None else {"authorization": key}
        del client.headers["authorization"]
        try:
            return client.get(path, headers=headers).status_code
        finally:
            client.headers["authorization"] = f"Bearer {account.key}"

    costs, projects = f"/organization/costs?start_time={JANUARY[0]}", "/organization/projects"
    assert status(costs, None) == status(costs, account.key) == status(costs, "Bearer sk-admin-nobody") == 401
    assert status(costs, f"Bearer {account.expired_key}") == 401
    assert status(costs, f"Bearer {account.project_key}") == 401
    api.wrong_kind_status = 403
    assert status(costs, f"Bearer {account.project_key}") == 403
    assert (status(costs, f"Bearer {account.limited_key}"), status(projects, f"Bearer {account.limited_key}")) == (
        200,
        403,
    )
    assert (status(costs, f"Bearer {account.registry_key}"), status(projects, f"Bearer {account.registry_key}")) == (
        403,
        200,
    )


def test_unknown_paths_and_methods(api: OpenAIApi, client: httpx.Client) -> None:
    assert client.get("/organization/usage/everything").status_code == 404
    assert client.post("/organization/costs").status_code == 405
    assert client.get("/organization/projects/proj_nobody/api_keys").status_code == 404
    api.absent.add("/organization/usage/decisions")
    assert client.get("/organization/usage/decisions").status_code == 404
    api.forbidden.add("/organization/projects")
    api.terse_errors = True
    answer = client.get("/organization/projects")
    assert answer.status_code == 403
    assert isinstance(answer.json()["error"], str)


def test_registry_pages(api: OpenAIApi, account: Account, client: httpx.Client) -> None:
    api.page_size = 2
    found: list[str] = []
    query: dict[str, Any] = {"include_archived": "true"}
    while True:
        page = client.get("/organization/projects", params=query).json()
        found += [project["id"] for project in page["data"]]
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert found == [project.id for project in account.projects]
    assert client.get("/organization/projects?limit=101").status_code == 400
    assert client.get("/organization/projects?after=proj_nobody").status_code == 400
    api.last_ids = False
    assert client.get("/organization/projects").json()["last_id"] is None


def test_archived_projects_and_keys_of_people_who_left_are_listed_on_request(
    account: Account, client: httpx.Client
) -> None:
    assert len(client.get("/organization/projects").json()["data"]) < len(account.projects)
    left = next(key for key in account.keys if key.owner_access == "inactive")
    path = f"/organization/projects/{left.project_id}/api_keys"
    assert client.get(path).json()["data"] == []
    for access in ("inactive", "any"):
        listed = client.get(path, params={"owner_project_access": access}).json()["data"]
        assert [key["id"] for key in listed] == [left.id]


def test_amounts_come_in_both_spellings_without_losing_a_digit(
    api: OpenAIApi, account: Account, client: httpx.Client
) -> None:
    total = api.bill(account, "2026-01").total
    kinds = {}
    for api.amounts in ("number", "text", "mixed"):
        rows = results(client, "costs", query={"group_by": "project_id"})
        assert dollars(rows) == total
        kinds[api.amounts] = {isinstance(row["amount"]["value"], str) for row in rows}
    assert kinds == {"number": {False}, "text": {True}, "mixed": {False, True}}


def test_uncertain_ends(api: OpenAIApi, client: httpx.Client) -> None:
    query = {"start_time": FEBRUARY[0], "end_time": FEBRUARY[1], "limit": 31}
    now = int(api.now().timestamp())
    assert len(client.get("/organization/costs", params=query).json()["data"]) == 28
    api.future_end = "clamp"
    assert client.get("/organization/costs", params=query).json()["data"][-1]["end_time"] == now
    api.future_end = "refuse"
    assert client.get("/organization/costs", params=query).status_code == 400
    api.earliest = datetime(2026, 1, 15, tzinfo=UTC)
    assert client.get("/organization/costs", params={"start_time": JANUARY[0]}).status_code == 400


def test_uncertain_groups_and_fields(api: OpenAIApi, client: httpx.Client) -> None:
    api.costs_by_key, api.costs_by_user, api.undocumented = False, True, False
    query: dict[str, Any] = {"start_time": JANUARY[0], "group_by": "api_key_id"}
    assert client.get("/organization/costs", params=query).status_code == 400
    query["group_by"] = ["user_id", "project_id"]
    page = client.get("/organization/costs", params=query).json()
    assert "start_time_iso" not in page["data"][0]
    api.split_since = api.now()
    assert "input_cached_tokens" not in results(client, "usage/completions")[0]
