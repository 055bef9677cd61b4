"""A run while Prefect's server, or its database, is being restarted: each request fails before it succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tasks.prefect.limits import NOTION_REQUESTS, month_limit
from tests.flows.world import Prefect, World
from usage.month import Month

FEW = ("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")


def answered_500(request: httpx.Request) -> httpx.Response:
    """What a server says that has lost its database."""
    return httpx.Response(500, json={"exception_message": "Internal Server Error"}, request=request)


def cut(request: httpx.Request) -> httpx.Response:
    """What a server leaves that is ended."""
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)


@pytest.fixture
def limits(prefect_api: str) -> Iterator[None]:
    """What `deploy` creates, as far as a run of one month takes it."""
    from prefect.client.orchestration import get_client

    names = {NOTION_REQUESTS: 50.0, month_limit(Month(2026, 1)): None}
    with get_client(sync_client=True) as client:
        for name, decay in names.items():
            client.upsert_global_concurrency_limit_by_name(name, 10 if decay else 1, decay)
        yield
        for name in names:
            client.delete_global_concurrency_limit_by_name(name)


@pytest.fixture
def failing(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., httpx.Response]], list[str]]:
    """Has each request to Prefect's server fail once, and be tried again at once; returns what has failed."""
    import prefect.client.base
    from prefect.utilities.math import clamped_poisson_interval

    port = urlsplit(prefect_api).port
    send, send_later = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request
    failed: list[str] = []
    not_waited: list[str] = []

    def is_first(request: httpx.Request) -> bool:
        if request.url.port != port or request.extensions.get("has failed"):
            return False
        request.extensions["has failed"] = True
        failed.append(request.url.path)
        not_waited.append(request.url.path)
        return True

    def wait_unless_ours(seconds: float, jitter: float) -> float:
        # Some fail of themselves, as on a connection that the server closes at that moment: without Prefect's pause
        # its other tries would meet the same.
        return 0.0 if not_waited and not_waited.pop() else clamped_poisson_interval(seconds, jitter)

    def begin(how: Callable[[httpx.Request], httpx.Response]) -> list[str]:
        def sent(self: Any, request: httpx.Request) -> httpx.Response:
            return how(request) if is_first(request) else send(self, request)

        async def sent_later(self: Any, request: httpx.Request) -> httpx.Response:
            return how(request) if is_first(request) else await send_later(self, request)

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", sent)
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", sent_later)
        monkeypatch.setattr(prefect.client.base, "clamped_poisson_interval", wait_unless_ours)
        return failed

    return begin


@pytest.mark.parametrize("how", [answered_500, cut])
def test_a_run_goes_through_a_restart_at_any_moment(
    world: World, prefect: Prefect, limits: None, failing: Any, how: Callable[[httpx.Request], httpx.Response]
) -> None:
    from flows.collect import collect

    world.only(*FEW)
    failed = failing(how)
    state = collect("2026-01", return_state=True)
    assert (state.type.value, state.message) == ("COMPLETED", prefect.run(state).state.message)
    assert {row["Statut Collecte"] for row in world.own_rows().values()} == {"Succes"}
    assert len(world.rows()) > 1
    for part in ("set_state", "increment", "decrement"):
        assert any(part in path for path in failed), part
