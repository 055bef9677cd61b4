"""Limits that workers share, and what is left of them when Prefect’s server has gone away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands.setup import set_up_databases
from notion.client.pace import Pace
from sandbox.everything import Sandbox
from tasks.prefect.limits import NOTION_REQUESTS, SharedPace, if_reached, month_limit, one_writer
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.result import MonthResult
from usage.outcomes.rows import Totals, UsageRow
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


# -- what is gone without


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: httpx.ConnectError("refused"), "can’t be reached"),
        (lambda: httpx.ReadTimeout("slow"), "can’t be reached"),
        (lambda: httpx.RemoteProtocolError("cut"), "can’t be reached"),
        (lambda: wrapped(httpx.ConnectError("refused")), "can’t be reached"),
        (lambda: status_error(401), "HTTP 401"),
        (lambda: status_error(503), "HTTP 503"),
        (lambda: wrapped(status_error(422)), "HTTP 422"),
        (lambda: wrapped(status_error(500)), "HTTP 500"),
        (TimeoutError, "in time"),
    ],
    ids=["refused", "time-out", "cut", "wrapped", "401", "503", "422 wrapped", "500 wrapped", "late"],
)
def test_what_the_server_does_not_give_is_gone_without(
    caplog: pytest.LogCaptureFixture, make: Callable[[], Exception], why: str
) -> None:
    def fail() -> None:
        raise make()

    with if_reached("the month’s limit"):
        fail()
    (message,) = caplog.messages
    assert why in message
    assert "going on without the month’s limit" in message


@pytest.mark.parametrize(
    "make", [lambda: ValueError("ours"), lambda: RuntimeError("no client")], ids=["a mistake", "no client"]
)
def test_nothing_else_is_hidden(make: Callable[[], Exception]) -> None:
    error = make()
    with pytest.raises(type(error)) as caught, if_reached("the month’s limit"):
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


def test_a_limit_that_somebody_has_set_to_nothing(
    limits: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    limits(month_limit(MONTH), 0)
    written = False
    with one_writer(MONTH):
        written = True
    assert written
    (message,) = (text for text in caplog.messages if "going on" in text)
    assert message == "Prefect’s server does not give it (HTTP 422): going on without the month’s limit"


def test_a_slot_that_nobody_gives_back(limits: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    from prefect.concurrency.sync import concurrency

    limits(month_limit(MONTH))
    written = False
    with concurrency(month_limit(MONTH)), one_writer(MONTH, patience=0.1):
        written = True
    assert written
    assert "another run has been writing" in caplog.text


def test_the_server_is_gone_before(prefect_api: str, gone: Gone, caplog: pytest.LogCaptureFixture) -> None:
    gone()
    written = False
    with one_writer(MONTH):
        written = True
    assert written
    assert "without the month’s limit" in caplog.text


def test_the_server_goes_away_meanwhile(
    limits: Callable[..., None], gone: Gone, caplog: pytest.LogCaptureFixture
) -> None:
    limits(month_limit(MONTH))
    with one_writer(MONTH):
        gone()
    assert "without giving the month’s limit back" in caplog.text


def test_what_goes_wrong_in_the_block_is_raised(limits: Callable[..., None]) -> None:
    """Although it may look like Prefect’s server."""
    limits(month_limit(MONTH))
    with pytest.raises(httpx.ConnectError), one_writer(MONTH):
        raise httpx.ConnectError("somebody else")
    assert active(month_limit(MONTH)) == 0


# -- the common rate


@pytest.fixture
def settings() -> NotionSettings:
    return load_settings({"NOTION_TOKEN": "ntn_test", "NOTION_REQUESTS_PER_MINUTE": "60000"}, ()).notion


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
        "Prefect’s server can’t be reached (ConnectError): going on without the workers’ common rate"
    ]


@pytest.mark.parametrize("slots_and_decay", [(0, 1.0), (5, 0.0)], ids=["no slots", "no decay"])
def test_a_common_rate_that_cannot_be_had(
    *,
    limits: Callable[..., None],
    settings: NotionSettings,
    own_turns: list[SharedPace],
    caplog: pytest.LogCaptureFixture,
    slots_and_decay: tuple[int, float],
) -> None:
    limits(NOTION_REQUESTS, slots_and_decay[0], slot_decay_per_second=slots_and_decay[1])
    pace = SharedPace(settings)
    pace.share()
    for _ in range(3):
        pace.wait()
    assert own_turns == [pace] * 3
    assert [text for text in caplog.messages if "going on" in text] == [
        "Prefect’s server does not give it (HTTP 422): going on without the workers’ common rate"
    ]


# -- a whole publication


def test_what_was_read_is_written_without_the_server(
    prefect_api: str, gone: Gone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow

    from tasks.publish import publish
    from tasks.session import Request, open_session

    monkeypatch.chdir(tmp_path)
    request = Request("2026-01", (ProviderName.OPENAI,))
    results: list[MonthResult] = []

    @flow
    def collected(brought: tuple[SourceOutcome, ...]) -> None:
        gone()
        results.append(publish(MONTH, brought, dry_run=False)[0])

    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        set_up_databases(load_settings())
        # What became of the run can't be told to anybody.
        with open_session(request), pytest.raises(httpx.ConnectError):
            collected(outcomes(sandbox, 40))
        (result,) = results
        assert result.problem is None
        assert result.notion.created == len(sandbox.notion.store.database("Usages LLM").rows()) == 41


def outcomes(sandbox: Sandbox, count: int) -> tuple[SourceOutcome, ...]:
    """So many rows of one account of OpenAI."""
    account = sandbox.openai.accounts[0].name.lower()
    grains = ProviderName.OPENAI.spec.grains
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
