"""Listings are read to their end and to no other, whatever Notion answers on the way."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notion.client.connection import SMALLEST_PAGE, TRIES
from notion.client.paging import MOST, PAGE_SIZE, RESTARTS, STALLED
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.errors import invalid
from sandbox.notion.store import Database
from tests.notion.office import Notion
from tests.notion.wires import Handler, answer, gateway
from usage.errors import NotionAccessError, NotionBusyError, NotionError

REFUSED = invalid("The start_cursor provided is invalid: 22222222-2222-4222-8222-222222222222")


@pytest.fixture
def base(notion: Notion) -> Database:
    base: Database = notion.api.store.make_database("Base", {"Nom": {"title": {}}})
    for number in range(350):
        notion.api.store.add_row(base, {"Nom": str(number)})
    return base


def names(rows: Any) -> list[str]:
    return [row.properties["Nom"].text for row in rows]


def has_cursor(query: Mapping[str, str], body: bytes) -> bool:
    return "start_cursor" in query or b"start_cursor" in body


def size_over(limit: int) -> Any:
    return lambda _, body: json.loads(body or b"{}").get("page_size", 0) > limit


def sizes(notion: Notion) -> list[int]:
    return [
        json.loads(request.body)["page_size"]
        for request in notion.server.journal.requests()
        if request.path.endswith("/query")
    ]


# -- a cursor that is refused


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_refused_cursor_begins_the_listing_again(notion: Notion, base: Database, skip: int) -> None:
    notion.server.faults.add(trouble.answer(REFUSED, path="/query$", when=has_cursor, skip=skip))
    found = names(notion.connection.rows(base.source_id))
    assert sorted(found) == sorted(str(number) for number in range(350))


def test_so_it_does_in_a_listing_of_blocks(notion: Notion) -> None:
    for number in range(150):
        notion.api.store.make_database(str(number), {"Nom": {"title": {}}})
    notion.server.faults.add(trouble.answer(REFUSED, path="/children$", when=has_cursor))
    blocks = list(notion.connection.children(notion.api.parent_page_id))
    assert len(blocks) == len({block.id for block in blocks}) == 150


def test_and_in_a_listing_of_all_rows(notion: Notion, base: Database) -> None:
    notion.api.query_limit = 120
    for _ in range(3):
        notion.wait(1)
        for number in range(100):
            notion.api.store.add_row(base, {"Nom": f"later {number}"})
    # 350 rows of one minute are more than a query gives.
    for row in base.rows()[:300]:
        notion.api.store.trash(row)
    before = {row.id for row in base.rows()}
    notion.server.faults.add(trouble.answer(REFUSED, path="/query$", when=has_cursor, times=2))
    rows = list(notion.connection.every_row(base.source_id))
    assert {row.id for row in rows} == before
    assert len(rows) == len(before)


def test_a_cursor_that_is_always_refused_ends(notion: Notion, base: Database) -> None:
    notion.server.faults.add(trouble.answer(REFUSED, path="/query$", when=has_cursor, times=-1))
    with pytest.raises(NotionAccessError, match="start_cursor"):
        list(notion.connection.rows(base.source_id))
    assert len(notion.asked()) == 2 * (RESTARTS + 1)


def test_a_question_that_is_refused_is_not_asked_again(notion: Notion, base: Database) -> None:
    with pytest.raises(NotionAccessError):
        list(notion.connection.rows(base.source_id, {"property": "nope", "number": {"equals": 1}}))
    assert len(notion.asked()) == 1


# -- pages that are too much for Notion


@pytest.mark.parametrize("fault", [trouble.gateway_timeout, trouble.query_unavailable, trouble.bad_gateway])
@pytest.mark.parametrize("limit", [50, 25, 10])
def test_smaller_pages_where_larger_ones_fail(notion: Notion, base: Database, fault: Any, limit: int) -> None:
    notion.server.faults.add(fault(path="/query$", when=size_over(limit), times=-1))
    found = names(notion.connection.rows(base.source_id))
    assert sorted(found) == sorted(str(number) for number in range(350))
    asked = sizes(notion)
    tried = [size for size in (PAGE_SIZE, 50, 25, 12, SMALLEST_PAGE) if size > limit]
    # Twice each, and from the first that passes on always the same.
    assert asked[: 2 * len(tried)] == [size for size in tried for _ in range(2)]
    assert len(set(asked[2 * len(tried) :])) == 1


def test_once_is_no_reason_for_smaller_pages(notion: Notion, base: Database) -> None:
    notion.server.faults.add(trouble.query_unavailable(times=1))
    assert len(names(notion.connection.rows(base.source_id))) == 350
    assert set(sizes(notion)) == {PAGE_SIZE}


def test_a_limit_of_requests_is_no_reason_for_smaller_pages(notion: Notion, base: Database) -> None:
    notion.server.faults.add(trouble.too_many_requests(times=TRIES - 1))
    assert len(names(notion.connection.rows(base.source_id))) == 350
    assert set(sizes(notion)) == {PAGE_SIZE}


def test_the_smallest_page_that_fails_ends_busy(notion: Notion, base: Database) -> None:
    notion.server.faults.add(trouble.gateway_timeout(path="/query$", times=-1))
    with pytest.raises(NotionBusyError, match="HTTP 504"):
        list(notion.connection.rows(base.source_id))
    assert sizes(notion) == [100, 100, 50, 50, 25, 25, 12, 12] + [SMALLEST_PAGE] * TRIES


# -- what is no row


def test_rows_alone_are_asked_for(notion: Notion, base: Database) -> None:
    list(notion.connection.rows(base.source_id))
    list(notion.connection.every_row(base.source_id))
    queries = [one for one in notion.server.journal.requests() if one.path.endswith("/query")]
    assert {json.loads(one.body)["result_type"] for one in queries} == {"page"}


def test_what_is_no_whole_row_is_passed_over_and_counted(
    notion: Notion, base: Database, caplog: pytest.LogCaptureFixture
) -> None:
    source = {"object": "data_source", "id": base.source_id, "properties": {"Nom": {"id": "title", "type": "title"}}}
    others = [source, {"object": "page", "id": "33333333-3333-4333-8333-333333333333"}, None, 7]

    def add(body: Any) -> Any:
        return {**body, "results": [*others, *body["results"]]}

    notion.server.faults.add(Fault("notion", Kind.REWRITE, path="/query$", rewrite=add, times=2))
    assert len(list(notion.connection.rows(base.source_id))) == 350
    assert caplog.messages == ["8 résultats de Notion, qui ne sont pas des lignes entières, sont passés."]


def test_nothing_is_said_where_nothing_is_passed_over(
    notion: Notion, base: Database, caplog: pytest.LogCaptureFixture
) -> None:
    list(notion.connection.rows(base.source_id))
    assert caplog.messages == []


# -- where it ends


def rewritten(**changes: Any) -> Fault:
    return Fault("notion", Kind.REWRITE, path="/query$", rewrite=lambda body: {**body, **changes}, times=-1)


def test_no_more_with_a_cursor_is_the_end(notion: Notion, base: Database) -> None:
    notion.server.faults.add(rewritten(has_more=False, next_cursor="22222222-2222-4222-8222-222222222222"))
    assert len(list(notion.connection.rows(base.source_id))) == PAGE_SIZE
    assert len(notion.asked()) == 1


@pytest.mark.parametrize("cursor", [None, ""])
def test_more_without_a_cursor_is_an_error(notion: Notion, base: Database, cursor: str | None) -> None:
    notion.server.faults.add(rewritten(has_more=True, next_cursor=cursor))
    with pytest.raises(NotionError, match="sans dire où la lire"):
        list(notion.connection.rows(base.source_id))


def endless(kind: str) -> Handler:
    """More of a listing, for ever: its pages in a circle, empty ones, the same row, or ever new ones."""
    count = itertools.count()

    def page(_: httpx.Request) -> httpx.Response:
        number = next(count)
        ids: dict[str, list[Any]] = {
            "circle": [number],
            "empty": [],
            "same": [0],
            "new": [f"{number} {index}" for index in range(5000)],
        }
        rows = [{"id": str(key), "created_time": "2026-01-05T10:00:00Z", "properties": {}} for key in ids[kind]]
        cursor = str(number % 3 if kind == "circle" else number)
        return answer(json.dumps({"results": rows, "has_more": True, "next_cursor": cursor}).encode())

    return page


@pytest.mark.parametrize(
    ("kind", "requests"), [("circle", 4), ("empty", STALLED), ("same", STALLED + 1), ("new", MOST // 5000 + 1)]
)
def test_a_listing_without_end_ends(kind: str, requests: int) -> None:
    connection = gateway(endless(kind))
    with pytest.raises(NotionError, match="suite"):
        list(connection.rows("ds"))
    assert connection.requests == requests


def test_an_answer_without_its_rows_is_no_empty_listing() -> None:
    connection = gateway(lambda _: answer(b'{"object": "list", "has_more": false, "next_cursor": null}'))
    with pytest.raises(NotionError, match="results"):
        list(connection.rows("ds"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_whatever_fails_on_the_way_each_row_comes_once(notion: Notion, base: Database, data: st.DataObject) -> None:
    notion.server.faults.clear()
    faults = [
        lambda skip: trouble.answer(REFUSED, path="/query$", when=has_cursor, skip=skip),
        lambda skip: trouble.gateway_timeout(path="/query$", skip=skip, times=2),
        lambda skip: trouble.query_unavailable(skip=skip, times=2),
        lambda skip: Fault("notion", Kind.CUT_AFTER, path="/query$", skip=skip),
    ]
    for fault in data.draw(st.lists(st.sampled_from(faults), max_size=3)):
        notion.server.faults.add(fault(data.draw(st.integers(0, 5))))
    assert sorted(names(notion.connection.rows(base.source_id))) == sorted(str(number) for number in range(350))
