"""The table of what is repeated, against the stand-in and its faults."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from notion.client.connection import PATIENCE, TRIES, VERSION, DoubtfulCreation
from notion.client.gateway import Gateway, RowInTrash
from notion.client.pace import Pace
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.store import Database
from tests.notion.office import Notion
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.settings import load_settings

Ask = Callable[[Gateway], object]


@pytest.fixture
def base(notion: Notion) -> Database:
    base = notion.api.store.make_database("Base", {"Nom": {"title": {}}, "Texte": {"rich_text": {}}})
    notion.api.store.add_row(base, {"Nom": "là"})
    return base


class Noted(Pace):
    """Waits for nothing, and remembers what it was told."""

    def __init__(self, per_minute: int = 600) -> None:
        self.per_minute = per_minute
        self.paused: list[float] = []
        self.slowed: list[int] = []

    def wait(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    def slow(self, per_minute: int) -> None:
        self.slowed.append(per_minute)
        self.per_minute = per_minute


def title(text: str) -> dict[str, Any]:
    return {"Nom": {"title": [{"type": "text", "text": {"content": text}}]}}


@pytest.fixture(params=["read", "query", "update", "create"])
def ask(request: pytest.FixtureRequest, base: Database) -> Ask:
    """One request of each kind."""
    source, row = base.source_id, base.row("là").id
    asks: dict[str, Ask] = {
        "read": lambda gateway: gateway.data_source(source),
        "query": lambda gateway: list(gateway.rows(source)),
        "update": lambda gateway: gateway.update_row(row, title("là")),
        "create": lambda gateway: gateway.create_row(source, title("neuf")),
    }
    return asks[request.param]


def creates(notion: Notion) -> bool:
    return "POST /pages" in notion.asked()


def outcome(ask: Ask, gateway: Gateway) -> DoubtfulCreation | None:
    try:
        ask(gateway)
    except DoubtfulCreation as error:
        return error
    return None


# -- what is refused before anything is saved: repeated, whatever it was


@pytest.mark.parametrize(
    ("fault", "naps"),
    [
        (trouble.too_many_requests(seconds=7), [7.0]),
        (trouble.overloaded(seconds=3), [3.0]),
        (trouble.too_many_requests(seconds=200, reason="public_api_space_request_rate_limit"), [200.0]),
        (trouble.too_many_requests_html(), None),
        (trouble.conflicting(), None),
    ],
    ids=["429", "529", "429 of the workspace", "429 html", "409"],
)
def test_repeated_whatever_it_was(notion: Notion, ask: Ask, fault: Fault, naps: list[float] | None) -> None:
    fault.times = 1
    notion.server.faults.add(fault)
    gateway = notion.gateway()
    ask(gateway)
    assert gateway.requests == len(notion.asked()) == 2
    assert len(notion.naps) == 1
    assert naps is None or notion.naps == naps
    assert 0 <= notion.naps[0] <= PATIENCE


def test_retry_after_in_the_body_alone(notion: Notion, base: Database) -> None:
    fault = trouble.too_many_requests(seconds=9)
    fault.headers = {}
    notion.server.faults.add(fault)
    notion.gateway().database(base.id)
    assert notion.naps == [9.0]


def test_retry_after_as_a_date(notion: Notion, base: Database) -> None:
    """As proxies write it."""
    for when in (datetime.now(UTC) + timedelta(seconds=90), datetime.now(UTC) - timedelta(seconds=90)):
        fault = trouble.too_many_requests_html(times=1)
        fault.headers = {**fault.headers, "Retry-After": format_datetime(when, usegmt=True)}
        notion.server.faults.add(fault)
        notion.gateway().database(base.id)
    later, now = notion.naps
    assert 60 < later <= 90
    assert now == 0


def test_a_limit_holds_back_all_who_use_the_connection(notion: Notion, base: Database) -> None:
    pace = Noted()
    notion.server.faults.add(trouble.too_many_requests(seconds=7))
    notion.gateway(pace=pace).database(base.id)
    assert pace.paused == [7.0]
    assert pace.slowed == [180]


# -- what a limit tells about the plan


@pytest.mark.parametrize(
    ("kept_to", "slowed", "words"),
    [
        (
            600,
            [180],
            "moins de 600 demandes par minute, la suite se fait à 180 : mettez NOTION_REQUESTS_PER_MINUTE=180",
        ),
        (1000, [600], "mettez NOTION_REQUESTS_PER_MINUTE=600"),
        (180, [], "se tient pourtant à 180 demandes par minute : un autre programme emploie sans doute le même jeton"),
    ],
)
def test_the_plan_has_less_than_the_setting(
    *, notion: Notion, base: Database, caplog: pytest.LogCaptureFixture, kept_to: int, slowed: list[int], words: str
) -> None:
    pace = Noted(kept_to)
    notion.server.faults.add(trouble.too_many_requests(times=1))
    notion.gateway(pace=pace).database(base.id)
    assert pace.slowed == slowed
    (told,) = caplog.messages
    assert words in told


def test_it_is_told_once(notion: Notion, base: Database, caplog: pytest.LogCaptureFixture) -> None:
    notion.server.faults.add(trouble.too_many_requests(times=3))
    notion.gateway(pace=Noted(180)).database(base.id)
    assert len(caplog.messages) == 1


def test_requests_that_are_refused_together_slow_the_pace_once(notion: Notion, base: Database) -> None:
    pace, together = Noted(1000), threading.Barrier(3)
    notion.server.faults.add(trouble.too_many_requests(times=3))
    # All three are refused before the first is repeated.
    pace.wait = lambda: together.wait(timeout=30)  # type: ignore[method-assign,assignment]
    gateway = notion.gateway(pace=pace)
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(gateway.database, base.id) for _ in range(3)]:
            future.result()
    assert pace.slowed == [600]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (trouble.too_many_requests(reason="public_api_space_request_rate_limit"), "limite tout l’espace de travail"),
        (trouble.too_many_requests(reason="public_api_endpoint_rate_limit"), ""),
        (trouble.too_many_requests_html(), ""),
        (trouble.overloaded(), ""),
    ],
    ids=["workspace", "endpoint", "html", "529"],
)
def test_other_limits_say_nothing_about_the_plan(
    notion: Notion, base: Database, caplog: pytest.LogCaptureFixture, fault: Fault, words: str
) -> None:
    pace = Noted(600)
    fault.times = 1
    notion.server.faults.add(fault)
    notion.gateway(pace=pace).database(base.id)
    assert pace.slowed == []
    assert len(caplog.messages) == bool(words)
    assert words in caplog.text


@pytest.mark.parametrize(("allowed", "kept_to"), [(180, 600), (90, 180)], ids=["a smaller plan", "a shared token"])
def test_a_smaller_budget_is_kept_from_the_first_refusal_on(
    notion: Notion, base: Database, caplog: pytest.LogCaptureFixture, allowed: int, kept_to: int
) -> None:
    """Against Notion's own window, with a clock that only waiting moves."""
    moment = [0.0]

    def sleep(seconds: float) -> None:
        moment[0] += seconds

    notion.api.clock, notion.api.requests_per_minute = lambda: moment[0], allowed
    pace = Pace("test", kept_to, folder=notion.folder, clock=lambda: moment[0], sleep=sleep)
    gateway = notion.gateway(pace=pace, sleep=sleep)
    for _ in range(3 * allowed):
        gateway.database(base.id)
    refused = [one for one in notion.server.journal.requests() if one.status == 429]
    # A rate that no plan has is met anew in each window, and costs one request there.
    assert len(refused) == (1 if kept_to > 180 else 2)
    assert pace.per_minute == 180
    assert len(caplog.messages) == 1
    assert moment[0] < 3.1 * 60


# -- what may have been saved


LOST = [
    trouble.internal_error(),
    trouble.bad_gateway(),
    trouble.unavailable(),
    trouble.gateway_timeout(),
    Fault("notion", Kind.CUT_BEFORE),
    Fault("notion", Kind.CUT_AFTER),
    Fault("notion", Kind.TRUNCATE),
    Fault("notion", Kind.HTML),
]


@pytest.mark.parametrize("fault", LOST, ids=["500", "502 html", "503", "504", "before", "after", "half", "200 html"])
def test_reads_and_updates_are_repeated_and_creations_are_not(notion: Notion, ask: Ask, fault: Fault) -> None:
    fault.times = 1
    notion.server.faults.add(fault)
    gateway = notion.gateway()
    doubt = outcome(ask, gateway)
    assert isinstance(doubt, DoubtfulCreation) is creates(notion)
    assert doubt is None or doubt.page_id is None
    assert gateway.requests == len(notion.asked()) == (2 if doubt is None else 1)


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.ConnectError("down"), httpx.DecodingError("bad")])
def test_a_time_out_is_like_a_cut(
    notion: Notion, ask: Ask, lost: httpx.RequestError, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, times = httpx.Client.send, [lost]

    def send(self: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
        if times:
            raise times.pop()
        return real(self, request, **more)

    gateway = notion.gateway()
    monkeypatch.setattr(httpx.Client, "send", send)
    doubt = outcome(ask, gateway)
    assert gateway.requests == (2 if doubt is None else 1)
    assert len(notion.asked()) == gateway.requests - 1
    assert (doubt is None) is (len(notion.naps) == 1)


def test_what_notion_says_it_saved_is_known(notion: Notion, base: Database) -> None:
    notion.api.commit_then_503()
    with pytest.raises(DoubtfulCreation) as caught:
        notion.gateway().create_row(base.source_id, title("neuf"))
    assert caught.value.page_id == base.row("neuf").id


def test_an_update_that_was_saved_is_repeated_with_the_same_values(notion: Notion, base: Database) -> None:
    row = base.row("là")
    notion.api.commit_then_503(method="PATCH")
    notion.gateway().update_row(row.id, title("ailleurs"))
    assert row.title == "ailleurs"


def test_a_relation_is_not_added_twice_blindly(notion: Notion, base: Database) -> None:
    notion.server.faults.add(Fault("notion", Kind.CUT_AFTER))
    with pytest.raises(DoubtfulCreation):
        notion.gateway().update_data_source(
            base.source_id, {"Lien": {"relation": {"data_source_id": base.source_id, "dual_property": {}}}}
        )
    assert len(notion.asked()) == 1


# -- where it ends


def test_the_last_try_ends_busy(notion: Notion, ask: Ask) -> None:
    notion.server.faults.add(trouble.too_many_requests(times=-1))
    gateway = notion.gateway()
    with pytest.raises(NotionBusyError, match="429"):
        ask(gateway)
    assert gateway.requests == TRIES
    assert len(notion.naps) == TRIES - 1


def test_a_longer_wait_than_a_run_can_take_ends_at_once(notion: Notion, ask: Ask) -> None:
    notion.server.faults.add(trouble.too_many_requests(seconds=301))
    gateway = notion.gateway()
    with pytest.raises(NotionBusyError, match="301 s"):
        ask(gateway)
    assert gateway.requests == 1
    assert notion.naps == []


def test_a_blocked_connection_is_left_alone(notion: Notion, ask: Ask) -> None:
    notion.server.faults.add(trouble.blocked(times=-1))
    gateway = notion.gateway()
    with pytest.raises(NotionAccessError, match="bloque"):
        ask(gateway)
    assert gateway.requests == 1


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (400, "validation_error", "HTTP 400, validation_error"),
        (401, "unauthorized", "NOTION_TOKEN"),
        (403, "restricted_resource", "droits"),
        (404, "object_not_found", "Connexions"),
        (409, "row_limit_exceeded", "row_limit_exceeded"),
    ],
)
def test_a_refusal_is_never_repeated(notion: Notion, ask: Ask, status: int, code: str, sentence: str) -> None:
    body = {"object": "error", "status": status, "code": code, "message": "No."}
    notion.server.faults.add(Fault("notion", Kind.STATUS, status=status, body=body, times=-1))
    gateway = notion.gateway()
    with pytest.raises(NotionAccessError, match=sentence) as caught:
        ask(gateway)
    assert caught.value.status == status
    # Of a write that is refused as it stands, the page is looked at: it may lie in the trash.
    assert len(notion.writes()) <= 1
    assert gateway.requests == (2 if status == 400 and notion.writes() else 1)


def test_the_free_plan_s_blocks(notion: Notion, base: Database) -> None:
    notion.api.blocks_left = 0
    with pytest.raises(NotionAccessError, match="limite de blocs"):
        notion.gateway().create_row(base.source_id, title("neuf"))


@pytest.mark.parametrize("words", ["Can't edit block that is archived.", "No."])
def test_a_row_in_the_trash(notion: Notion, base: Database, words: str) -> None:
    """Notion tells it in words that may change: the row itself is asked."""
    row = base.row("là")
    notion.api.store.trash(row)
    body = {"object": "error", "status": 400, "code": "validation_error", "message": words}
    notion.server.faults.add(Fault("notion", Kind.STATUS, method="PATCH", status=400, body=body))
    with pytest.raises(RowInTrash, match="corbeille"):
        notion.gateway().update_row(row.id, title("ailleurs"))


def test_words_about_archives_are_no_trash(notion: Notion, base: Database) -> None:
    row = base.row("là")
    message = "Texte is expected to be rich_text, not archived or in_trash."
    body = {"object": "error", "status": 400, "code": "validation_error", "message": message}
    notion.server.faults.add(Fault("notion", Kind.STATUS, method="PATCH", status=400, body=body))
    with pytest.raises(NotionAccessError, match="is expected to be rich_text") as caught:
        notion.gateway().update_row(row.id, title("ailleurs"))
    assert caught.value.status == 400


def test_a_database_in_the_trash_takes_no_rows(notion: Notion, base: Database) -> None:
    source = base.source_id
    notion.gateway().databases.update(base.id, in_trash=True)
    with pytest.raises(RowInTrash):
        notion.gateway().create_row(source, title("neuf"))


def test_without_a_token() -> None:
    with pytest.raises(NotionAccessError, match="NOTION_TOKEN"):
        Gateway(load_settings({}, ()).notion)


def test_an_answer_that_lacks_what_is_needed(notion: Notion, base: Database) -> None:
    notion.server.faults.add(Fault("notion", Kind.REWRITE, rewrite=lambda body: {**body, "id": None}))
    with pytest.raises(NotionError, match="champ id"):
        notion.gateway().database(base.id)


# -- reading all


def test_listings_are_read_to_the_end(notion: Notion, base: Database) -> None:
    for number in range(250):
        notion.api.store.add_row(base, {"Nom": str(number)})
    gateway = notion.gateway()
    assert len(list(gateway.rows(base.source_id))) == 251
    assert gateway.requests == 3
    for number in range(101):
        notion.api.store.make_database(str(number), {"Nom": {"title": {}}})
    assert len(list(gateway.children(notion.api.parent_page_id))) == 102
    assert gateway.requests == 5


def test_a_listing_that_notion_cuts_is_an_error(notion: Notion, base: Database) -> None:
    notion.api.query_limit = 120
    for number in range(120):
        notion.api.store.add_row(base, {"Nom": str(number)})
    with pytest.raises(NotionError, match="10 000"):
        list(notion.gateway().rows(base.source_id))


# -- what is sent


def test_headers_and_bodies(notion: Notion, ask: Ask) -> None:
    ask(notion.gateway())
    (request,) = notion.server.journal.requests()
    assert request.header("notion-version") == VERSION
    assert request.header("authorization") == f"Bearer {notion.api.token}"
    assert bool(request.body) is (request.method != "GET")
    assert notion.api.pace.tokens_in_urls == []


def test_the_token_is_nowhere_to_be_seen(notion: Notion, base: Database, caplog: pytest.LogCaptureFixture) -> None:
    token = "ntn_neverseen00000000000000000000000000000000000000"
    settings = notion.settings(token=SecretStr(token))
    faults = [None, *LOST, trouble.too_many_requests(), trouble.blocked(), trouble.too_many_requests_html()]
    seen = [repr(settings)]
    with caplog.at_level(logging.DEBUG):
        gateway = notion.gateway(settings)
        seen.append(repr(gateway))
        for fault in faults:
            if fault is not None:
                fault.times = 1
                notion.server.faults.add(fault)
            with pytest.raises(NotionError) as caught:
                gateway.create_row(base.source_id, title("neuf"))
            seen += [str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)]
    assert token not in "\n".join(seen) + caplog.text
