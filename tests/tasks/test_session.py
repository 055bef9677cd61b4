"""What stands before a collection: refused before anything is fetched, opened once, closed after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cli.commands.setup import set_up_databases
from sandbox.everything import Sandbox
from sandbox.faults import Fault, Kind
from tasks.session import Request, current_session, open_session
from usage.errors import NotionAccessError, SettingsError
from usage.month import Month
from usage.names import ProviderName
from usage.settings import load_settings

KEYS = ("DEEPGRAM_API_KEY_PROD", "DEEPGRAM_API_KEY_LABS", "ELEVENLABS_API_KEY")
REQUEST = Request("2026-01")


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Two providers, one of them with two accounts, and both databases set up."""
    monkeypatch.chdir(tmp_path)
    with Sandbox(lambda: datetime(2026, 2, 14, tzinfo=UTC)) as sandbox:
        for name, value in sandbox.environment().items():
            if name in KEYS or name.startswith("NOTION_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("LLM_USAGE_NOW", "2026-02-14T00:00:00Z")
        set_up_databases(load_settings())
        sandbox.journal.clear()
        yield sandbox


def names(request: Request) -> list[str]:
    """The sources that a request comes to."""
    with open_session(request) as session:
        return [str(source) for source in session.sources]


def test_opened_once_and_closed_after(sandbox: Sandbox) -> None:
    with open_session(REQUEST) as session:
        asked = len(sandbox.journal.requests())
        with open_session(Request("2026-01")) as inner:
            assert inner is session
        assert len(sandbox.journal.requests()) == asked > 0
        assert current_session() is session
        assert (session.month, session.request) == (Month(2026, 1), REQUEST)
        assert {request.api for request in sandbox.journal.requests()} == {"notion"}
        assert [repr(session).count(sandbox.environment()[name]) for name in (*KEYS, "NOTION_TOKEN")] == [0] * 4
        # Another request's is one of its own, and this one is still there after it.
        with open_session(Request("2025-12")) as other:
            assert current_session() is other is not session
        assert current_session() is session
        assert session.workspace.rows(session.month) == []
    with pytest.raises(RuntimeError, match="closed"):
        session.workspace.rows(session.month)
    # Nothing is left of it: the next one is a new one.
    with pytest.raises(LookupError):
        current_session()
    with open_session(REQUEST) as new:
        assert new is not session


def test_which_sources(sandbox: Sandbox) -> None:
    everything = ["elevenlabs", "deepgram/labs", "deepgram/prod"]
    assert names(REQUEST) == everything
    assert names(Request("last", (ProviderName.DEEPGRAM,))) == everything[1:]
    assert names(Request("last", account="labs")) == ["deepgram/labs"]
    store = sandbox.notion.store
    store.edit(store.database("Services LLM").row("Deepgram"), {"Statut": "Inactif"})
    assert names(REQUEST) == ["elevenlabs"]
    assert names(Request("last", account="labs")) == []
    assert names(Request("last", (ProviderName.DEEPGRAM,))) == everything[1:]


@pytest.mark.parametrize(
    ("request_", "whole"),
    [
        (Request(), True),
        (Request("2026-01"), True),
        (Request(providers=(ProviderName.OPENAI,)), False),
        (Request(account="labs"), False),
    ],
)
def test_whether_all_sources_were_asked_for(request_: Request, *, whole: bool) -> None:
    assert request_.unfiltered is whole


def test_without_a_token_nothing_is_asked(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTION_TOKEN")
    with pytest.raises(SettingsError, match="NOTION_TOKEN is missing"):
        names(REQUEST)
    assert sandbox.journal.requests() == []


def test_what_could_not_be_opened_is_closed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[httpx.Client] = []
    close = httpx.Client.close

    def note(client: httpx.Client) -> None:
        closed.append(client)
        close(client)

    monkeypatch.setattr(httpx.Client, "close", note)
    refusal = {"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."}
    sandbox.faults.add(Fault(api="notion", kind=Kind.STATUS, status=401, body=refusal, times=-1))
    with pytest.raises(NotionAccessError):
        names(REQUEST)
    assert closed
    sandbox.faults.clear()
    assert names(REQUEST) == ["elevenlabs", "deepgram/labs", "deepgram/prod"]


def test_only_a_schedule_that_names_nothing_spares_closed_months() -> None:
    assert Request(scheduled=True).spares_closed
    assert not Request().spares_closed
    for named in ({"providers": (ProviderName.OPENAI,)}, {"account": "labs"}, {"accept_lower": True}):
        assert not Request(scheduled=True, **named).spares_closed
