"""Answers that are too large, too slow, or no JSON that anybody can work with: one sentence each."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notion.client.bounded import BoundedClient
from notion.client.connection import TRIES, DoubtfulCreation
from notion.databases.found import Databases
from notion.databases.services import read_services
from notion.rows.values import read_row
from notion.workspace import Workspace
from tests.notion.office import Notion, Office
from tests.notion.wires import Handler, Pieces, answer, gateway
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.peers.bodies import TooLargeError


def told(content: bytes, status: int = 200, **headers: str) -> str:
    """The sentence about a body that comes every time."""
    with pytest.raises(NotionError) as caught:
        gateway(lambda _: answer(content, status, **headers)).data_source("ds")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- time


def test_a_server_that_dribbles_is_not_waited_for_without_end() -> None:
    moments = iter(range(0, 10**9, 50))

    def forever() -> Iterator[bytes]:
        while True:
            yield b" "

    client = BoundedClient(
        lambda _: None,
        clock=lambda: next(moments),
        transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Pieces(forever()))),
    )
    with pytest.raises(httpx.ReadTimeout):
        client.get("https://notion.example")


def test_a_server_that_never_answers_is_not_waited_for_without_end() -> None:
    ends = threading.Event()

    def silent(_: httpx.Request) -> httpx.Response:
        ends.wait()
        return httpx.Response(200)

    client = BoundedClient(lambda _: None, deadline=0.05, transport=httpx.MockTransport(silent))
    with pytest.raises(httpx.ReadTimeout):
        client.get("https://notion.example")
    ends.set()


def test_headers_that_dribble_are_not_waited_for_without_end() -> None:
    """A byte now and then keeps each single wait short: only the whole has a deadline."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not ends.wait(0.01):
                    peer.sendall(b"x")

        server = threading.Thread(target=serve)
        server.start()
        client = BoundedClient(lambda _: None, deadline=0.2, timeout=60, trust_env=False)
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"http://127.0.0.1:{listening.getsockname()[1]}")
        ends.set()
        server.join()


def test_the_deadline_is_a_time_out() -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("not whole after 120 s", request=request)

    with pytest.raises(NotionBusyError, match="n’a pas répondu à temps"):
        gateway(late).data_source("ds")


# -- size


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_too_large(packed: bool) -> None:
    content = b"x" * 2_000_000
    handler: Handler = lambda _: (  # noqa: E731
        answer(gzip.compress(content), content_encoding="gzip") if packed else answer(content)
    )
    client = BoundedClient(lambda _: None, limit=1_000_000, transport=httpx.MockTransport(handler))
    with pytest.raises(TooLargeError):
        client.get("https://notion.example")


def test_a_packed_answer() -> None:
    shown = gzip.compress(json.dumps({"id": "ds"}).encode())
    assert gateway(lambda _: answer(shown, content_encoding="gzip")).data_source("ds").id == "ds"


def test_packings_that_were_not_asked_for() -> None:
    asked: list[str] = []

    def twice(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        return answer(gzip.compress(gzip.compress(b"{}")), content_encoding="gzip, gzip")

    with pytest.raises(NotionBusyError, match="illisible"):
        gateway(twice).data_source("ds")
    assert asked == ["gzip"] * TRIES


# -- JSON


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!doctype html><title>Sign in</title>", "une page HTML au lieu de JSON"),
        (b'{"id": "ds"', "un corps illisible ou coupé au lieu de JSON"),
        (b"", "un corps illisible ou coupé au lieu de JSON"),
        (b"[" * 200_000, "démesuré"),
        (b'{"id": "ds", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "démesuré"),
        (b'{"id": "ds", "x": ' + b"9" * 5000 + b"}", "démesuré"),
        (b'{"id": "ds", "x": [' + b"[]," * 4_000_001 + b"[]]}", "démesuré"),
        (b"[]", "attendu : un objet"),
        (b'"ds"', "attendu : un objet"),
        (b"null", "attendu : un objet"),
        (b'{"id": 7}', "champ id"),
    ],
    ids=["html", "cut", "empty", "open", "deep", "long number", "many", "list", "text", "null", "field"],
)
def test_bodies_that_cannot_be_worked_with(content: bytes, words: str) -> None:
    assert words in told(content)


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"message": ' + b"[" * 900 + b"]" * 900 + b"}", b"\xff", b"[]"])
@pytest.mark.parametrize(("status", "words"), [(400, "HTTP 400"), (502, "HTTP 502"), (302, "NOTION_BASE_URL")])
def test_refusals_that_cannot_be_read(content: bytes, status: int, words: str) -> None:
    assert words in told(content, status)


def test_a_creation_with_an_unreadable_answer_is_in_doubt() -> None:
    with pytest.raises(DoubtfulCreation, match="démesuré"):
        gateway(lambda _: answer(b"[" * 5000 + b"]" * 5000)).create_row("ds", {})


def test_a_half_of_a_pair_in_a_name() -> None:
    content = rb'{"id": "ds", "properties": {"a\ud800": {"id": "x", "name": "a\ud800", "type": "number"}}}'
    (column,) = gateway(lambda _: answer(content)).data_source("ds").properties.values()
    assert column.name == "a�"


@pytest.mark.parametrize("name", ["../users", "a\x00b", "%2e%2e"])
def test_ids_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(NotionError, match="identifiant"):
        gateway(lambda _: answer(b"{}")).page(name)


CELL = {"id": "c", "type": "date", "date": {"start": "2026-01-05"}}
PAGE = {
    "object": "page",
    "id": "p",
    "created_time": "2026-01-05T10:00:00.000Z",
    "last_edited_time": "2026-01-05T10:00:00.000Z",
    "in_trash": False,
    "properties": {"Collecte Le": CELL, "n": {"id": "n", "type": "number", "number": 1}},
}
ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("2026-13-45"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "type", "start"]), inner),
    max_leaves=4,
)


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [before, *(path for key in keys for path in paths(value[key], (*before, key)))]


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(copied[path[0]], path[1:], odd)
    return copied


@pytest.fixture
def found(office: Office) -> Databases:
    """Both databases as they stand there."""
    databases: Databases = office.open(office.notion.connection).databases
    return databases


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_an_answer_is_read_or_refused(found: Databases, data: st.DataObject) -> None:
    """No answer ends in anything but a `NotionError`, not even when its rows are read as rows."""
    listing = {"object": "list", "results": [PAGE], "has_more": False, "next_cursor": None}
    path = data.draw(st.sampled_from(paths(listing)))
    content = json.dumps(put(listing, path, data.draw(ODD))).replace("NaN", "1e999").replace("Infinity", "1e999")
    column = {**CELL, "id": found.usages.columns["Collecte Le"].id}
    content = content.replace('"id": "c"', f'"id": {json.dumps(column["id"])}')
    asked = gateway(lambda _: answer(content.encode()))
    try:
        for page in asked.rows("ds"):
            read_row(found.usages, page)
        read_services(asked, found.services, ())
    except NotionError:
        return


# -- the clock


def test_the_clock_of_notion() -> None:
    here = datetime(2026, 2, 5, 8, 0, 0, 400_000, tzinfo=UTC)
    dates = iter(["Thu, 05 Feb 2026 08:05:00 GMT", "", "yesterday", "Thu, 05 Feb 2026 07:59:58 GMT"])
    asked = gateway(lambda _: answer(b'{"id": "ds"}', date=next(dates)), now=lambda: here)
    assert asked.clock_offset == timedelta()
    seen = []
    for _ in range(4):
        asked.data_source("ds")
        seen.append(asked.clock_offset)
    ahead = timedelta(minutes=5)
    assert seen == [ahead, ahead, ahead, timedelta(seconds=-2)]


def test_refusals_tell_the_time_too() -> None:
    here = datetime(2026, 2, 5, 8, tzinfo=UTC)
    asked = gateway(lambda _: answer(b"{}", 401, date="Thu, 05 Feb 2026 09:00:00 GMT"), now=lambda: here)
    with pytest.raises(NotionAccessError):
        asked.data_source("ds")
    assert asked.clock_offset == timedelta(hours=1)


def test_a_run_knows_the_clock_of_notion(office: Office) -> None:
    connection = office.notion.gateway()
    workspace: Workspace = office.open(connection)
    workspace.rows()
    # The stand-in's server runs on this machine.
    assert abs(connection.clock_offset) < timedelta(minutes=1)


def test_a_proxy_never_sees_the_token_of_a_stand_in(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    base = notion.api.store.make_database("Base", {"Nom": {"title": {}}})
    assert notion.gateway().database(base.id).id == base.id
