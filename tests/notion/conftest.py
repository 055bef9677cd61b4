from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notion.setup.databases import set_up
from sandbox.server import Server
from tests.notion.office import Notion, Office, Stage
from tests.notion.tables import Made, Table
from usage.settings import KEY_VARIABLES, load_settings


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Server, Stage]]:
    stage = Stage()
    with Server([stage]) as server:
        yield server, stage


@pytest.fixture
def notion(stage: tuple[Server, Stage], tmp_path: Path) -> Iterator[Notion]:
    notion = Notion(stage[0], tmp_path, stage[1])
    notion.renew()
    yield notion
    notion.close()


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()


@pytest.fixture(scope="session")
def make_table() -> Callable[..., Table]:
    return Table


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture(scope="session")
def set_up_office() -> Callable[..., Office]:
    def set_up_in(notion: Notion, *accounts: str) -> Office:
        """Databases, and a key for each provider or for each named account of OpenAI."""
        keys = dict.fromkeys(KEY_VARIABLES.values(), "secret")
        if accounts:
            keys = {f"OPENAI_ADMIN_KEY_{account.upper()}": "secret" for account in accounts}
        settings = load_settings(notion.server.environment() | keys, ())
        configured = frozenset(credential.source.provider for credential in settings.credentials)
        set_up(notion.connection, settings.notion, configured)
        # Asked once for each connection, and tests share one: which of them asks first must make no difference.
        notion.connection.me()
        notion.server.journal.clear()
        return Office(notion, settings)

    return set_up_in


@pytest.fixture
def office(notion: Notion, set_up_office: Callable[..., Office]) -> Office:
    return set_up_office(notion)


@pytest.fixture(autouse=True)
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are French here, as in Notion."""
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")
