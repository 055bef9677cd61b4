"""Limits that workers share, and what is left of them when Prefect's server has gone away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.setup import set_up_databases
from notion.pace import Pace
from sandbox.everything import Sandbox
from tasks.limits import NOTION_REQUESTS, SharedPace, if_reached, month_limit, one_writer
from usage.grain import GRAINS
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcome import SourceOutcome, Totals, UsageRow
from usage.result import MonthResult
from usage.settings import NotionSettings, load_settings

MONTH = Month(2026, 1)
REQUEST = httpx.Request("GET", "http://127.0.0.1/api")
Gone = Callable[[], None]


def active(name: str) -> int:
    """Slots of a limit that are taken."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).active_slots


def status_error(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("No.", request=REQUEST, response=httpx.Response(status, request=REQUEST))


def wrapped(cause: Exception) -> Exception:
    """An error of Prefect's own, raised from another one."""
    from prefect.concurrency._asyncio import ConcurrencySlotAcquisitionError

    error = ConcurrencySlotAcquisitionError("Unable to acquire concurrency slots")
    error.__cause__ = cause
    return error


# -- what counts as gone


@pytest.mark.parametrize(
    "make",
    [
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadTimeout("slow"),
        lambda: httpx.RemoteProtocolError("cut"),
        lambda: status_error(502),
        lambda: status_error(503),
        lambda: wrapped(httpx.ConnectError("refused")),
    ],
    ids=["refused", "time-out", "cut", "502", "503", "wrapped"],
)
def test_a_server_that_is_gone_is_told(caplog: pytest.LogCaptureFixture, make: Callable[[], Exception]) -> None:
    with if_reached("the bar"):
        raise make()
    assert "can't be reached" in caplog.text
    assert "going on without the bar" in caplog.text


@pytest.mark.parametrize(
    "make",
    [
        lambda: ValueError("ours"),
        lambda: status_error(500),
        lambda: status_error(401),
        lambda: wrapped(status_error(409)),
        lambda: RuntimeError("no client"),
    ],
    ids=["a mistake", "500", "401", "wrapped", "no client"],
)
def test_nothing_else_is_hidden(make: Callable[[], Exception]) -> None:
    error = make()
    with pytest.raises(type(error)) as caught, if_reached("the bar"):
        raise error
    assert caught.value is error


# -- one writer a month


def test_a_month_has_one_writer(limits: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    limits(month_limit(MONTH))
    with one_writer(MONTH):
        assert active(month_limit(MONTH)) == 1
    assert active(month_limit(MONTH)) == 0
    assert caplog.messages == []


def test_without_the_limit(prefect_api: str, caplog: pytest.LogCaptureFixture) -> None:
    with one_writer(MONTH):
        pass
    assert caplog.messages == []


def test_the_server_is_gone_before(prefect_api: str, gone: Gone, caplog: pytest.LogCaptureFixture) -> None:
    gone()
    written = False
    with one_writer(MONTH):
        written = True
    assert written
    assert "without the month's limit" in caplog.text


def test_the_server_goes_away_meanwhile(
    limits: Callable[..., None], gone: Gone, caplog: pytest.LogCaptureFixture
) -> None:
    limits(month_limit(MONTH))
    with one_writer(MONTH):
        gone()
    assert "without giving the month's limit back" in caplog.text


def test_what_goes_wrong_in_the_block_is_raised(limits: Callable[..., None]) -> None:
    """Although it may look like Prefect's server."""
    limits(month_limit(MONTH))
    with pytest.raises(httpx.ConnectError), one_writer(MONTH):
        raise httpx.ConnectError("somebody else")
    assert active(month_limit(MONTH)) == 0


# -- the common rate


@pytest.fixture
def settings() -> NotionSettings:
    return load_settings({"NOTION_TOKEN": "ntn_test", "NOTION_REQUESTS_PER_MINUTE": "60000"}, None).notion


@pytest.fixture
def own_turns(monkeypatch: pytest.MonkeyPatch) -> list[SharedPace]:
    """Waits for this machine's own pace."""
    turns: list[SharedPace] = []

    def wait(pace: SharedPace) -> None:
        turns.append(pace)

    monkeypatch.setattr(Pace, "wait", wait)
    return turns


def test_requests_take_slots_of_the_common_rate(
    limits: Callable[..., None], settings: NotionSettings, own_turns: list[SharedPace]
) -> None:
    limits(NOTION_REQUESTS, 5, slot_decay_per_second=0.001)
    pace = SharedPace(settings)
    pace.wait()
    pace.share()
    pace.wait()
    pace.wait()
    assert active(NOTION_REQUESTS) == 2
    assert own_turns == [pace] * 3


def test_without_the_server_this_machine_keeps_its_own(
    *,
    limits: Callable[..., None],
    settings: NotionSettings,
    own_turns: list[SharedPace],
    gone: Gone,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits(NOTION_REQUESTS, 5, slot_decay_per_second=0.001)
    pace = SharedPace(settings)
    pace.share()
    gone()
    for _ in range(3):
        pace.wait()
    assert own_turns == [pace] * 3
    # It is not waited for again.
    assert [text for text in caplog.messages if "going on" in text] == [
        "Prefect's server can't be reached (ConcurrencySlotAcquisitionError): going on without the workers' common rate"
    ]


# -- a whole publication


def test_what_was_read_is_written_without_the_server(
    prefect_api: str, gone: Gone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow

    from tasks.prepare import Request, finish
    from tasks.publish import publish

    monkeypatch.chdir(tmp_path)
    request = Request("2026-01", (ProviderName.OPENAI,))
    results: list[MonthResult] = []

    @flow
    def collected(brought: tuple[SourceOutcome, ...]) -> None:
        gone()
        results.append(publish(request, brought, dry_run=False))

    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        set_up_databases(load_settings())
        try:
            # What became of the run can't be told to anybody.
            with pytest.raises(httpx.ConnectError):
                collected(outcomes(sandbox, 40))
        finally:
            finish(request)
        (result,) = results
        assert result.problem is None
        assert result.notion.created == len(sandbox.notion.store.database("Usages LLM").rows()) == 41


def outcomes(sandbox: Sandbox, count: int) -> tuple[SourceOutcome, ...]:
    """So many rows of one account of OpenAI."""
    account = sandbox.openai.accounts[0].name.lower()
    grains = GRAINS[ProviderName.OPENAI]
    fields: dict[str, Any] = {"workspace": account, "models": (), "breakdown": (), "status": Status.SUCCES, "log": ""}
    rows = [UsageRow(key=f"proj_{n}", name=f"Projet {n}", totals=Totals(requests=n), **fields) for n in range(count)]
    return (
        SourceOutcome(
            source=Source(provider=ProviderName.OPENAI, account=account),
            month=MONTH,
            label=account,
            attempted_at=load_settings().now(),
            status=Status.SUCCES,
            rerun=False,
            log="31 jours lus.",
            rule=grains.rule(grains.default),
            rows=tuple(rows),
            complete=True,
        ),
    )
