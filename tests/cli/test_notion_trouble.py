"""What can be wrong at Notion: a sentence that says what to do; nothing is fetched where nothing could be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults import Fault, Kind
from tests.cli.programs import Cli


def unshared(cli: Cli) -> None:
    cli.sandbox.notion.unshared.add(cli.sandbox.notion.parent_page_id)


def in_the_trash(cli: Cli) -> None:
    store = cli.sandbox.notion.store
    cli.set(NOTION_USAGES_DB_ID=store.database("Usages LLM").id)
    store.trash(store.database("Usages LLM"))


def wrong_type(cli: Cli) -> None:
    store = cli.sandbox.notion.store
    usages = store.database("Usages LLM")
    store.change_schema(usages, {"Requetes": None})
    store.change_schema(usages, {"Requetes": {"rich_text": {}}})


def column_gone(cli: Cli) -> None:
    store = cli.sandbox.notion.store
    store.change_schema(store.database("Usages LLM"), {"Log Status": None})


TROUBLE: dict[str, tuple[Callable[[Cli], None], tuple[str, ...]]] = {
    "wrong token": (lambda cli: cli.set(NOTION_TOKEN="ntn_wrong"), ("401", "NOTION_TOKEN")),
    "page not shared": (unshared, ("NOTION_PARENT_PAGE_ID", "Connections")),
    "no such page": (lambda cli: cli.set(NOTION_PARENT_PAGE_ID="0" * 32), ("NOTION_PARENT_PAGE_ID",)),
    "neither ids nor page": (lambda cli: cli.unset("NOTION_PARENT_PAGE_ID"), ("NOTION_SERVICES_DB_ID",)),
    "no such database": (lambda cli: cli.set(NOTION_USAGES_DB_ID="0" * 32), ("NOTION_USAGES_DB_ID",)),
    "database in the trash": (in_the_trash, ("trash",)),
    "column of the wrong type": (wrong_type, ("Requetes", "rich_text", "number")),
    "column missing": (column_gone, ("Log Status", "llm-usage setup")),
}


@pytest.mark.parametrize(("break_it", "words"), TROUBLE.values(), ids=TROUBLE)
def test_a_person_has_to_put_it_right(ready: Cli, break_it: Callable[[Cli], None], words: tuple[str, ...]) -> None:
    break_it(ready)
    told = ready("collect", "--json")
    assert (told.status, told.err) == (2, "")
    assert list(told.json) == ["error"]
    assert all(word in told.json["error"] for word in words)
    assert {line.split()[0] for line in ready.asked()} <= {"notion"}

    checked = ready("check")
    assert checked.status == 1
    assert all(word in checked.out for word in words)


def test_databases_that_are_not_there_yet(cli: Cli, prefect_api: str) -> None:
    told = cli("collect")
    assert told.status == 2
    assert "llm-usage setup" in told.err


def test_notion_down_before_anything_is_fetched(ready: Cli) -> None:
    ready.sandbox.faults.add(
        Fault(api="notion", kind=Kind.STATUS, status=529, headers={"retry-after": "900"}, times=-1)
    )
    told = ready("collect", "--json")
    assert told.status == 1
    assert told.err.startswith("llm-usage: Notion asks to wait for 900 s")
    answer = told.json
    assert list(answer) == ["month", "status", "sources", "notion"]
    assert (answer["month"], answer["status"], len(answer["sources"])) == ("2026-01", "Echec", 7)
    assert all("Notion" in source["log"] and source["cost_usd"] is None for source in answer["sources"])
    told = ready("collect")
    assert (told.status, told.out) == (1, "")
    assert told.err.count("\n") == 1
    assert {line.split()[0] for line in ready.asked()} == {"notion"}


def test_notion_down_while_rows_are_written(ready: Cli) -> None:
    ready.only("ELEVENLABS_API_KEY")
    ready.sandbox.faults.add(
        Fault(
            api="notion", kind=Kind.STATUS, status=529, headers={"retry-after": "900"}, path="/pages", skip=5, times=-1
        )
    )
    told = ready("collect", "--json")
    assert told.status == 1
    assert told.err.startswith("llm-usage: Notion asks to wait for 900 s")
    written = told.json["notion"]["created"]
    assert written == len(ready.rows()) > 0

    ready.sandbox.faults.clear()
    answer = ready("collect", "--json").json
    assert (answer["status"], answer["notion"]["unchanged"]) == ("Succes", written)


def test_setup_and_status_while_notion_is_down(ready: Cli) -> None:
    ready.sandbox.faults.add(
        Fault(api="notion", kind=Kind.STATUS, status=529, headers={"retry-after": "900"}, times=-1)
    )
    for command in ("setup", "status"):
        told = ready(command, "--json")
        assert (told.status, told.err) == (1, "")
        assert list(told.json) == ["error"]


def breaks_off(cli: Cli) -> list[Fault]:
    refused = {
        "object": "error",
        "status": 400,
        "code": "validation_error",
        "message": "The start_cursor provided is invalid: 22222222-2222-4222-8222-222222222222",
    }
    with_cursor: Any = {"path": "/query$", "when": lambda _, body: b"start_cursor" in body}
    return [Fault("notion", Kind.STATUS, status=400, body=refused, **with_cursor)]


def too_slow(cli: Cli) -> list[Fault]:
    body = {"object": "error", "status": 504, "code": "gateway_timeout", "message": "Timed out."}
    large: Any = {"path": "/query$", "when": lambda _, asked: b'"page_size":100' in asked.replace(b" ", b"")}
    return [Fault("notion", Kind.STATUS, status=504, body=body, times=-1, **large)]


def a_wiki(cli: Cli) -> list[Fault]:
    source = {"object": "data_source", "id": "33333333-3333-4333-8333-333333333333", "properties": {}, "title": []}
    unasked: Any = {"path": "/query$", "when": lambda _, body: b"result_type" not in body}
    return [
        Fault(
            "notion",
            Kind.REWRITE,
            rewrite=lambda body: {**body, "results": [source, *body["results"]]},
            times=-1,
            **unasked,
        )
    ]


def conflicts(cli: Cli) -> list[Fault]:
    body = {"object": "error", "status": 409, "code": "conflict_error", "message": "Conflict."}
    return [Fault("notion", Kind.STATUS, path="/pages/", method="PATCH", status=409, body=body, times=3)]


@pytest.mark.parametrize("trouble", [breaks_off, too_slow, a_wiki, conflicts])
def test_what_passes_by_itself_is_not_even_told(ready: Cli, trouble: Callable[[Cli], list[Fault]]) -> None:
    assert ready("collect", "--month", "2026-01", "--json").status in (0, 1)
    store = ready.sandbox.notion.store
    usages = store.database("Usages LLM")
    for number in range(150):
        store.add_row(usages, {"Identifiant": f"2020-01 - {number}", "Mois": "2020-01"})
    before, status = ready.figures(), ready("status", "--json").json
    healing = ready("heal", "--dry-run", "--json").json
    for fault in trouble(ready):
        ready.sandbox.faults.add(fault)
    shown = ready("status", "--json")
    assert (shown.status, shown.json, shown.err) == (0, status, "")
    again = ready("heal", "--dry-run", "--json")
    assert {**again.json, "requests": 0} == {**healing, "requests": 0}
    told = ready("collect", "--month", "2026-01", "--json")
    assert told.json["notion"]["created"] == told.json["notion"]["trashed"] == 0
    assert "request fail" not in told.err
    assert ready.figures() == before
