from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Fault, Kind
from sandbox.server import Server
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.jsonexact import ExactJSONResponse, dumps
from sandbox.shared.query import Query, Refused, seal, unseal


class Echo:
    """An API that counts how often it has been asked, and says what with."""

    name = "echo"
    mount = "/echo/v1"

    def __init__(self) -> None:
        self.asked = 0
        self.app = Starlette(routes=[Route("/{rest:path}", self._answer, methods=["GET", "POST"])])

    def environment(self, base_url: str) -> dict[str, str]:
        return {"ECHO_BASE_URL": base_url}

    async def _answer(self, request: Request) -> Response:
        self.asked += 1
        body = (await request.body()).decode()
        return ExactJSONResponse({"path": request.url.path, "asked": self.asked, "body": body})


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, Echo]]:
    echo = Echo()
    with Server([echo]) as server:
        yield server, echo


@pytest.fixture
def server(running: tuple[Server, Echo]) -> Server:
    running[0].faults.clear()
    running[0].journal.clear()
    return running[0]


@pytest.fixture
def echo(running: tuple[Server, Echo], server: Server) -> Echo:
    running[1].asked = 0
    return running[1]


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url("echo")) as client:
        yield client


def test_the_api_sees_the_path_without_its_mount(server: Server, echo: Echo, client: httpx.Client) -> None:
    assert client.get("/a/b?x=1").json() == {"path": "/a/b", "asked": 1, "body": ""}
    assert client.post("/a", content="hello").json()["body"] == "hello"
    assert server.environment() == {"ECHO_BASE_URL": server.origin + "/echo/v1"}
    assert httpx.get(server.origin + "/nobody").status_code == 404


def test_the_journal_keeps_every_request(server: Server, echo: Echo, client: httpx.Client) -> None:
    client.get("/a?x=1", headers={"x-mark": "here"})
    client.post("/b", content="hello")
    first, second = server.journal.requests("echo")
    assert (first.method, first.path, first.query, first.status) == ("GET", "/a", "x=1", 200)
    assert first.header("x-mark") == "here"
    assert second.body == b"hello"
    assert server.journal.requests(method="POST") == server.journal.requests(path="/b") == [second]
    assert server.journal.requests("other") == []


@pytest.mark.parametrize(("kind", "asked"), [(Kind.CUT_BEFORE, 0), (Kind.CUT_AFTER, 1)])
def test_a_cut_connection(server: Server, echo: Echo, client: httpx.Client, kind: Kind, asked: int) -> None:
    server.faults.add(Fault("echo", kind))
    with pytest.raises(httpx.TransportError):
        client.post("/a", content="hello")
    assert echo.asked == asked
    assert [request.status for request in server.journal.requests()] == [0]
    assert client.get("/a").status_code == 200


@pytest.mark.parametrize(("kind", "asked"), [(Kind.STATUS, 0), (Kind.STATUS_AFTER, 1)])
def test_a_status(server: Server, echo: Echo, client: httpx.Client, kind: Kind, asked: int) -> None:
    body = {"error": "slow down"}
    server.faults.add(Fault("echo", kind, status=429, headers={"Retry-After": "7"}, body=body))
    answer = client.get("/a")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (429, "7", body)
    assert echo.asked == asked
    assert server.journal.requests()[0].status == 429


def test_a_status_with_text_and_one_without_a_body(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.STATUS, body="Bad gateway", status=502))
    server.faults.add(Fault("echo", Kind.STATUS))
    text, nothing = client.get("/a"), client.get("/a")
    assert (text.status_code, text.text, text.headers["content-type"]) == (502, "Bad gateway", "text/plain")
    assert (nothing.status_code, nothing.content) == (503, b"")


def test_half_a_body(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.TRUNCATE))
    with client.stream("GET", "/a") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.TransportError):
            answer.read()
    assert echo.asked == 1


def test_a_page_for_people(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.HTML))
    answer = client.get("/a")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert answer.text.startswith("<!doctype html>")
    assert echo.asked == 0


def test_a_rewritten_answer(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.REWRITE, rewrite=lambda body: body | {"more": "è" * 50}))
    assert client.get("/a").json() == {"path": "/a", "asked": 1, "body": "", "more": "è" * 50}


def test_turns(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.STATUS, skip=1, times=2))
    assert [client.get("/a").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    server.faults.add(Fault("echo", Kind.STATUS, times=-1, status=500))
    assert [client.get("/a").status_code for _ in range(3)] == [500] * 3
    server.faults.clear()
    assert client.get("/a").status_code == 200


def test_which_requests_a_rule_fits(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("other", Kind.STATUS))
    server.faults.add(Fault("echo", Kind.STATUS, path=r"^/usage/\w+$", method="POST"))
    server.faults.add(Fault("echo", Kind.STATUS, when=lambda query, body: query.get("page") == "2" or body == b"no"))
    assert client.get("/usage/a").status_code == client.post("/usage/a/b").status_code == 200
    assert client.post("/usage/a").status_code == 503
    assert client.get("/usage/a?page=1").status_code == 200
    assert client.get("/usage/a?page=2").status_code == 503


def test_the_first_rule_with_turns_left_acts(server: Server, echo: Echo, client: httpx.Client) -> None:
    server.faults.add(Fault("echo", Kind.STATUS, status=500))
    server.faults.add(Fault("echo", Kind.STATUS, status=501))
    assert [client.get("/a").status_code for _ in range(3)] == [500, 501, 200]


def test_exact_json() -> None:
    value = {"a": [Decimal("1E-7"), Decimal("1.2300"), Decimal("-0.5")], "b": (1, 0.5, True, None), "c": 'é"\n🤖'}
    text = dumps(value)
    assert text.startswith(b'{"a":[0.0000001,1.2300,-0.5],"b":[1,0.5,true,null],"c":')
    assert json.loads(text)["c"] == 'é"\n🤖'
    for wrong in (Decimal("NaN"), Decimal("Infinity"), float("nan")):
        with pytest.raises(ValueError, match="JSON"):
            dumps([wrong])
    with pytest.raises(TypeError):
        dumps(object())


def test_queries_refuse_what_nobody_took() -> None:
    query = Query([("a", "1"), ("b", "true"), ("c[]", "x"), ("c[]", "y"), ("d", "")])
    assert (query.integer("a"), query.flag("b"), query.many("c[]"), query.integer("none")) == (
        1,
        True,
        ["x", "y"],
        None,
    )
    with pytest.raises(Refused, match="'d'"):
        query.finish()


def test_cursors_are_bound_to_their_request() -> None:
    token = seal("7", scope="s", edition="e")
    assert unseal(token, scope="s", edition="e") == "7"
    for scope, edition, status in (("other", "e", 400), ("s", "later", 410)):
        with pytest.raises(Refused) as refused:
            unseal(token, scope=scope, edition=edition)
        assert refused.value.status == status
    for broken in ("", "page_", "page_!!", "page_e30=", "page_bnVsbA==", token[:-2]):
        with pytest.raises(Refused):
            unseal(broken, scope="s", edition="e")


def test_a_bill_adds_up_what_is_known() -> None:
    row = BillRow("", "a", None, Decimal("1.5"), None, None, None)
    assert Bill((row, BillRow("", "b", None, None, None, None, None), row)).total == 3
