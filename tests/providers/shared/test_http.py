from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Protocol, TypeVar

import httpx
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.shared.answers import Answer, ApiModel
from providers.shared.http import Explain, Http, retry_after
from providers.shared.patience import PATIENCE, RATE_PATIENCE, RATE_TRIES, TRIES, Pace, Retry
from sandbox.faults import Fault, Kind
from sandbox.server import Server
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    StaleCursorError,
    TransientError,
    UnavailableError,
)
from usage.language.sentence import Sentence
from usage.peers.bodies import BODY_LIMIT

SECRET = "sk-very-secret-0123456789"
QUERY = "secret-query"
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
T = TypeVar("T")


class Clock(Protocol):
    """See the fixture `clock`."""

    seconds: float
    slept: list[float]

    async def sleep(self, seconds: float) -> None: ...


class Echo:
    """Answers with whatever `answer` holds, and with the body of a POST."""

    name = "echo"
    mount = "/echo/v1"

    def __init__(self) -> None:
        self.app = Starlette(routes=[Route("/{rest:path}", self._answer, methods=["GET", "POST"])])
        self.answer = b"{}"
        self.headers: Mapping[str, str] = {}
        self.status = 200

    def environment(self, base_url: str) -> dict[str, str]:
        return {"ECHO_BASE_URL": base_url}

    async def _answer(self, request: Request) -> Response:
        body = await request.body() or self.answer
        return Response(body, self.status, dict(self.headers), media_type="application/json")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, Echo]]:
    echo = Echo()
    with Server([echo]) as server:
        yield server, echo


@pytest.fixture
def echo(running: tuple[Server, Echo]) -> Echo:
    running[1].answer, running[1].headers, running[1].status = b"{}", {}, 200
    return running[1]


@pytest.fixture
def server(running: tuple[Server, Echo], echo: Echo) -> Server:
    running[0].faults.clear()
    running[0].journal.clear()
    return running[0]


def ask(
    server: Server,
    clock: Clock,
    what: Callable[[Http], Awaitable[T]] | None = None,
    *,
    explain: Explain = lambda _: None,
    patience: float = PATIENCE,
    in_flight: int = 4,
    most_bytes: int = BODY_LIMIT,
) -> T | Answer:
    retry = Retry(
        sleep=clock.sleep, clock=lambda: clock.seconds, now=lambda: NOW, patience=patience, most_bytes=most_bytes
    )

    async def run() -> T | Answer:
        headers = {"Authorization": f"Bearer {SECRET}"}
        async with Http(server.url("echo"), headers, explain=explain, retry=retry, in_flight=in_flight) as http:
            return await (what(http) if what else http.get("/costs", [("page", QUERY)]))

    return asyncio.run(run())


def failed(server: Server, clock: Clock, *faults: Fault, explain: Explain = lambda _: None) -> SourceError:
    for fault in faults:
        server.faults.add(fault)
    with pytest.raises(SourceError) as error:
        ask(server, clock, explain=explain)
    return error.value


def status(code: int, headers: Mapping[str, str] | None = None, *, times: int = 1) -> Fault:
    return Fault("echo", Kind.STATUS, status=code, times=times, headers=headers or {})


# What is tried again


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 504, 529, 599])
def test_statuses_that_waiting_mends(server: Server, clock: Clock, code: int) -> None:
    server.faults.add(status(code, times=2))
    answer = ask(server, clock)
    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert [request.status for request in server.journal.requests()] == [code, code, 200]
    assert len(clock.slept) == 2


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.TRUNCATE])
def test_connections_that_break(server: Server, clock: Clock, kind: Kind) -> None:
    server.faults.add(Fault("echo", kind, times=3))
    assert isinstance(ask(server, clock), Answer)
    assert len(server.journal.requests()) == 4


def test_a_server_that_nobody_can_reach(clock: Clock) -> None:
    with Server([Echo()]) as server:
        pass
    with pytest.raises(TransientError, match=r"ne peut pas être joint .*vérifiez l’accès à Internet"):
        ask(server, clock)
    assert len(clock.slept) == TRIES - 1


def test_a_post_that_reads_is_tried_again_as_well(server: Server, clock: Clock) -> None:
    class Question(BaseModel):
        start: int
        end: int | None = None

    server.faults.add(status(503))
    answer = ask(server, clock, lambda http: http.post("/query", Question(start=1)))
    assert isinstance(answer, Answer)
    assert answer.json() == {"start": 1}
    assert [request.body for request in server.journal.requests(method="POST")] == [b'{"start":1}'] * 2


def test_five_tries_and_no_more(server: Server, clock: Clock) -> None:
    error = failed(server, clock, status(503, times=-1))
    assert isinstance(error, TransientError)
    assert error.status == 503
    assert error.sentence.fr == "/costs est en panne ou occupé (HTTP 503)."
    assert len(server.journal.requests()) == TRIES
    assert all(0 <= seconds <= 8 for seconds in clock.slept)


def test_waits_are_spread(server: Server, clock: Clock) -> None:
    for _ in range(3):
        server.faults.add(status(503, times=4))
        ask(server, clock)
    assert len(set(clock.slept)) == 12


def test_a_rate_limit_is_waited_for_longer_than_an_outage(server: Server, clock: Clock) -> None:
    error = failed(server, clock, status(429, {"Retry-After": "50"}, times=-1))
    assert isinstance(error, TransientError)
    assert error.retry_after == 50
    assert not error.final
    assert len(server.journal.requests()) in (6, RATE_TRIES)
    assert PATIENCE < clock.seconds <= RATE_PATIENCE


@pytest.mark.parametrize("header", [{}, {"Retry-After": "0"}, {"Retry-After-Ms": "0"}, {"Retry-After": "0.5"}])
def test_waits_for_a_limit_by_the_minute_outlast_it(server: Server, clock: Clock, header: dict[str, str]) -> None:
    server.faults.add(status(429, header, times=RATE_TRIES - 1))
    assert isinstance(ask(server, clock), Answer)
    assert sum(clock.slept) > 61
    # Not all of them at once, and each longer than the one before.
    assert clock.slept[0] < 5
    assert clock.slept[:4] == sorted(clock.slept[:4])


def test_all_requests_of_a_key_wait_for_its_rate_limit(server: Server, clock: Clock) -> None:
    server.faults.add(Fault("echo", Kind.STATUS, path="/0$", status=429, headers={"Retry-After": "40"}))

    async def one_after_another(pace: Pace) -> None:
        retry = Retry(sleep=clock.sleep, clock=lambda: clock.seconds, now=lambda: NOW, rate_tries=1)
        async with Http(server.url("echo"), {}, retry=replace(retry, rate_tries=2), pace=pace) as first:
            limited = asyncio.create_task(first.get("/0"))
            # Another month of the same key, with connections of its own.
            async with Http(server.url("echo"), {}, retry=retry, pace=pace) as second:
                while pace.free_at is None:
                    await asyncio.sleep(0)
                await second.get("/1")
            await limited

    asyncio.run(one_after_another(Pace()))
    assert max(clock.slept) >= 40
    assert next(request.path for request in server.journal.requests()) == "/0"
    assert clock.seconds >= 40


def test_a_source_has_its_time_and_no_more(server: Server, clock: Clock) -> None:
    server.faults.add(status(429, {"Retry-After": "100"}, times=-1))

    async def much(http: Http) -> list[SourceError | BaseException]:
        results = [await asyncio.gather(http.get(f"/{number}"), return_exceptions=True) for number in range(20)]
        return [error for (error,) in results if isinstance(error, SourceError)]

    errors = ask(server, clock, much)
    assert isinstance(errors, list)
    last = errors[-1]
    assert isinstance(last, TransientError)
    assert last.final
    assert last.sentence.fr == "/19 n’est pas lu jusqu’au bout : lire cette source prend plus de 15 minutes."
    assert clock.seconds <= 900
    assert not [request for request in server.journal.requests() if request.path == "/19"]


def test_an_answer_that_never_ends(server: Server, clock: Clock) -> None:
    async def trickle(http: Http) -> None:
        hung_up = asyncio.Event()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.005)
            hung_up.set()

        slow = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = slow.sockets[0].getsockname()[1]
        async with slow:
            try:
                async with Http(f"http://127.0.0.1:{port}", {}, retry=Retry(patience=0.05, tries=1)) as other:
                    await other.get("/costs")
            finally:
                await hung_up.wait()

    with pytest.raises(TransientError, match="/costs n’a pas répondu à temps"):
        ask(server, clock, trickle)


# How long is waited


@pytest.mark.parametrize(
    "header",
    [
        {"Retry-After": "7"},
        {"Retry-After-Ms": "7000"},
        {"Retry-After-Ms": "7000", "Retry-After": "90"},
        {"Retry-After-Ms": "soon", "Retry-After": "7"},
        {"Retry-After": format_datetime(NOW + timedelta(seconds=7), usegmt=True)},
        {"Anthropic-RateLimit-Requests-Reset": "2026-02-14T15:30:07Z"},
        {"Retry-After": "soon", "Anthropic-RateLimit-Requests-Reset": "2026-02-14T16:30:07+01:00"},
    ],
)
def test_the_server_says_how_long(server: Server, clock: Clock, header: dict[str, str]) -> None:
    server.faults.add(status(429, header))
    ask(server, clock)
    (seconds,) = clock.slept
    # At least as long; a little longer, so that clients don't come back together.
    assert 7 <= seconds < 8


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Sat, 14 Feb 2026 15:29:00 GMT"}, 0),
        ({"retry-after": "Sat, 14 Feb 2026 15:31:00 -0000"}, 60),
        ({"retry-after": "2026-02-14T15:31:00Z"}, None),
        ({"anthropic-ratelimit-requests-reset": "2026-02-14T15:31:00"}, 60),
        ({"anthropic-ratelimit-requests-reset": "later"}, None),
    ],
)
def test_reading_how_long(header: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(header), NOW) == seconds


@pytest.mark.parametrize("header", [{"Retry-After": "121"}, {"Retry-After": "Sat, 14 Feb 2026 16:30:00 GMT"}])
def test_a_wait_of_over_two_minutes_is_a_failure_that_says_so(
    server: Server, clock: Clock, header: dict[str, str]
) -> None:
    error = failed(server, clock, status(429, header))
    assert isinstance(error, TransientError)
    assert error.final
    assert "limite les demandes et demande d’attendre" in error.sentence.fr
    assert "plus que les 120 s prévues" in error.sentence.fr
    assert "limits the requests and asks to wait" in error.sentence.en
    assert len(server.journal.requests()) == 1
    assert clock.slept == []


def test_waiting_for_a_free_slot_does_not_use_up_the_patience(server: Server, clock: Clock) -> None:
    for number in range(5):
        server.faults.add(Fault("echo", Kind.STATUS, path=f"{number}$", status=429, headers={"Retry-After": "50"}))

    async def many(http: Http) -> int:
        answers = await asyncio.gather(*(http.get(f"/costs/{number}") for number in range(5)))
        return len(answers)

    assert ask(server, clock, many, patience=60, in_flight=1) == 5
    assert clock.seconds > 250


# What is not tried again


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RefusedError),
        (401, CredentialError),
        (402, RefusedError),
        (403, CredentialError),
        (404, NotOfferedError),
        (405, RefusedError),
        (410, StaleCursorError),
        (413, RefusedError),
        (422, RefusedError),
        (451, RefusedError),
    ],
)
def test_statuses_that_waiting_does_not_mend(server: Server, clock: Clock, code: int, kind: type[SourceError]) -> None:
    error = failed(server, clock, status(code, times=-1))
    assert type(error) is kind
    assert error.status == code
    assert f"(HTTP {code})" in error.sentence.fr
    assert f"(HTTP {code})" in error.sentence.en
    assert len(server.journal.requests()) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Server, clock: Clock, code: int) -> None:
    error = failed(server, clock, status(code, {"Location": server.url("echo") + "/elsewhere"}))
    assert isinstance(error, ContractError)
    assert [request.path for request in server.journal.requests()] == ["/costs"]


def test_a_provider_reads_its_own_refusals(server: Server, clock: Clock) -> None:
    def explain(answer: Answer) -> SourceError | None:
        return (
            UnavailableError(Sentence.of("Trop ancien."), status=answer.status)
            if b"too old" in answer.content
            else None
        )

    body = {"error": "too old"}
    fault = Fault("echo", Kind.STATUS, status=400, body=body)
    assert isinstance(failed(server, clock, fault, explain=explain), UnavailableError)
    assert isinstance(failed(server, clock, status(400), explain=explain), RefusedError)


# Bodies


def decode(server: Server, clock: Clock) -> object:
    answer = ask(server, clock)
    assert isinstance(answer, Answer)
    return answer.json()


def test_amounts_never_pass_through_a_float(server: Server, echo: Echo, clock: Clock) -> None:
    echo.answer = b'{"a": 0.1000000000000000055511151231257827, "b": 1e-7, "c": 12345678901234567890123456789012345678}'
    assert decode(server, clock) == {
        "a": Decimal("0.1000000000000000055511151231257827"),
        "b": Decimal("1E-7"),
        "c": 12345678901234567890123456789012345678,
    }


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"data": [', "un corps illisible ou coupé"),
        (b"", "un corps illisible ou coupé"),
        (b'{"a": NaN}', "un corps illisible ou coupé"),
        (b"\n <html>", "une page HTML"),
    ],
)
def test_bodies_that_are_no_json(server: Server, echo: Echo, clock: Clock, body: bytes, what: str) -> None:
    echo.answer = body
    with pytest.raises(ContractError) as error:
        decode(server, clock)
    assert error.value.sentence.fr == f"/costs a répondu deux fois de suite {what} au lieu de JSON (HTTP 200)."
    assert len(server.journal.requests()) == 2


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"error": {"message": SECRET, "type": "server_error", "code": None}}, "une erreur (server_error)"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": SECRET}}, "une erreur (overloaded_error)"),
        ({"error": SECRET}, "une erreur"),
        ({"detail": {"status": "quota_exceeded", "message": SECRET}}, "une erreur (quota_exceeded)"),
        ({"err_code": "INTERNAL", "err_msg": SECRET}, "une erreur"),
    ],
)
def test_an_error_under_200(server: Server, clock: Clock, body: Any, what: str) -> None:
    server.faults.add(Fault("echo", Kind.STATUS, status=200, body=body))
    assert decode(server, clock) == {}
    error = failed(server, clock, Fault("echo", Kind.STATUS, status=200, body=body, times=2))
    assert isinstance(error, ContractError)
    assert error.sentence.fr == f"/costs a répondu deux fois de suite {what} au lieu de chiffres (HTTP 200)."


@pytest.mark.parametrize(
    "body", [b'{"data": [], "error": null}', b'{"data": [], "error": {"code": "x_y"}}', b"[]", b"{}"]
)
def test_what_has_figures_is_no_error(server: Server, echo: Echo, clock: Clock, body: bytes) -> None:
    echo.answer = body
    ask(server, clock)
    assert len(server.journal.requests()) == 1


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_login_page_with_status_200(server: Server, echo: Echo, clock: Clock, size: int) -> None:
    server.faults.add(Fault("echo", Kind.HTML))
    assert decode(server, clock) == {}
    echo.answer = b"<html>" + b" " * size
    with pytest.raises(ContractError, match="deux fois de suite une page HTML"):
        decode(server, clock)


# Answers that are meant to do harm, or might as well be

MOST = 100_000
DEEP = '{"a":' * 30_000 + "1" + "}" * 30_000
LONG = '{"amount": ' + "9" * 5000 + "}"
MANY = '{"data": [' + "{}," * 4_000_001 + "{}]}"


@pytest.mark.parametrize("packed", [True, False])
def test_a_body_that_is_too_large_is_not_read_to_its_end(
    server: Server, echo: Echo, clock: Clock, packed: bool
) -> None:
    echo.answer = b'{"data": [' + b"1," * MOST + b"1]}"
    headers = {"Content-Encoding": "gzip"} if packed else {}
    echo.headers, echo.answer = headers, gzip.compress(echo.answer) if packed else echo.answer
    with pytest.raises(ContractError) as error:
        ask(server, clock, most_bytes=MOST)
    assert error.value.sentence.fr == "La réponse de /costs dépasse 0.0954 Mio ; elle n’est pas lue."
    # Another try would bring the same.
    assert len(server.journal.requests()) == 1


def test_a_body_that_is_packed_as_was_asked(server: Server, echo: Echo, clock: Clock) -> None:
    echo.headers, echo.answer = {"Content-Encoding": "gzip"}, gzip.compress(b'{"a": 1.5}')
    assert decode(server, clock) == {"a": Decimal("1.5")}
    (request,) = server.journal.requests()
    assert request.header("accept-encoding") == "gzip"


@pytest.mark.parametrize("headers", [{"Content-Encoding": "br"}, {"Content-Encoding": "gzip"}])
def test_a_body_that_can_not_be_unpacked(server: Server, echo: Echo, clock: Clock, headers: dict[str, str]) -> None:
    echo.headers, echo.answer = headers, gzip.compress(b'{"a": 1.5}')[:-9]
    with pytest.raises(TransientError, match="La réponse de /costs est coupée ou ne se décompresse pas"):
        ask(server, clock)
    assert len(server.journal.requests()) == TRIES


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialError), (404, NotOfferedError), (503, TransientError)])
@pytest.mark.parametrize("body", [b"x" * (MOST + 1), DEEP.encode(), LONG.encode()])
def test_a_refusal_is_one_whatever_its_body(
    *, server: Server, echo: Echo, clock: Clock, status: int, kind: type[SourceError], body: bytes
) -> None:
    echo.status, echo.answer = status, body
    with pytest.raises(kind) as error:
        ask(server, clock, most_bytes=MOST)
    assert error.value.status == status


@pytest.mark.parametrize("space", ["", " " * 100_000])
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (DEEP, "du JSON imbriqué sur plus de 100 niveaux"),
        (LONG, "un nombre de plus de 400 chiffres"),
        (MANY, "du JSON de plus de 8 millions de valeurs"),
    ],
    ids=["deep", "long", "many"],
)
def test_json_that_is_out_of_all_proportion(
    *, server: Server, echo: Echo, clock: Clock, body: str, what: str, space: str
) -> None:
    echo.answer = body.replace("{", "{" + space, 1).encode()
    with pytest.raises(ContractError) as error:
        decode(server, clock)
    assert what in error.value.sentence.fr
    assert error.value.__cause__ is None


@pytest.mark.parametrize("list_is", ["first", "last", "missing"])
def test_an_answer_in_parts(server: Server, echo: Echo, clock: Clock, list_is: str) -> None:
    lines = '"data": [{"id": "a", "amount": 1.5}, {"id": "b", "amount": 2}]'
    fields = {"first": f'{lines}, "more": true', "last": f'"more": true, {lines}', "missing": '"more": true'}
    echo.answer = f"{{{fields[list_is]}}}".encode()
    answer = ask(server, clock)
    assert isinstance(answer, Answer)
    if list_is == "missing":
        with pytest.raises(ContractError, match="champ data, attendu : une valeur"):
            list(answer.parts(Items, "data"))
        return
    parts = list(answer.parts(Items, "data"))
    assert [[item.id for item in part.data] for part in parts] == [["a"], ["b"], []]
    assert [part.more for part in parts] == [False, False, True]


def test_halves_of_characters_are_replaced(server: Server, echo: Echo, clock: Clock) -> None:
    echo.answer = rb'{"name": "a\ud83d\ude00b\ud83d", "\uDC00": ["\udfff", "\\ud800"]}'
    assert decode(server, clock) == {"name": "a😀b�", "�": ["�", "\\ud800"]}


class Item(ApiModel):
    id: str
    amount: Decimal


class Items(ApiModel):
    data: list[Item]
    more: bool = False


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ('{"data": [{"id": "a"}]}', "data.0.amount", "une valeur"),
        ('{"data": [{"id": "a", "amount": 1}, {"id": 7, "amount": "SECRET"}]}', "data.1.id", "un texte"),
        ('{"data": {"SECRET": 1}}', "data", "une liste"),
        ('["SECRET"]', "(racine)", "un objet"),
    ],
)
def test_a_contract_that_is_broken_names_the_field_and_not_its_value(
    *, server: Server, echo: Echo, clock: Clock, body: str, path: str, expected: str
) -> None:
    echo.answer = body.replace("SECRET", SECRET).encode()
    answer = ask(server, clock)
    assert isinstance(answer, Answer)
    with pytest.raises(ContractError) as error:
        answer.parse(Items)
    assert f"/costs ne répond plus comme prévu : champ {path}, attendu : {expected}" in error.value.sentence.fr
    assert SECRET not in repr(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_fields_that_nobody_knows_are_ignored(server: Server, echo: Echo, clock: Clock) -> None:
    echo.answer = b'{"data": [{"id": "a", "amount": 1.5, "new": {}}], "total": 1}'
    answer = ask(server, clock)
    assert isinstance(answer, Answer)
    assert answer.parse(Items) == Items(data=[Item(id="a", amount=Decimal("1.5"))])


# Secrets and addresses


@pytest.mark.parametrize("kind", [Kind.STATUS, Kind.CUT_BEFORE, Kind.TRUNCATE, Kind.HTML])
@pytest.mark.parametrize("code", [302, 400, 401, 404, 429, 503])
def test_no_message_and_no_log_shows_a_key_a_query_or_a_body(
    server: Server, clock: Clock, caplog: pytest.LogCaptureFixture, kind: Kind, code: int
) -> None:
    body = {"error": f"Incorrect key {SECRET}"}
    server.faults.add(Fault("echo", kind, status=code, body=body, times=-1, headers={"Location": f"/?{SECRET}"}))
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as error:
        decode(server, clock)
    for text in (str(error.value), repr(error.value), repr(error.value.__dict__)):
        assert SECRET not in text
        assert QUERY not in text
    ours = [record for record in caplog.records if record.name.startswith("providers")]
    assert all(QUERY not in record.getMessage() for record in ours)
    assert all(f"Bearer {SECRET}" not in record.getMessage() for record in caplog.records)


def test_a_proxy_is_not_for_loopback(server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert isinstance(ask(server, clock), Answer)


def test_every_request_carries_the_key_and_is_counted(server: Server, clock: Clock) -> None:
    async def two(http: Http) -> int:
        await http.get("/costs")
        await http.get("/costs", headers={"X-Beta": "reports"})
        return http.requests

    server.faults.add(status(503, times=1))
    assert ask(server, clock, two) == 3
    requests = server.journal.requests()
    assert {request.header("authorization") for request in requests} == {f"Bearer {SECRET}"}
    assert [request.header("x-beta") for request in requests] == [None, None, "reports"]
