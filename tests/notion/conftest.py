from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from notion.gateway import Gateway
from notion.pace import Pace
from notion.setup import SetupResult, set_up
from sandbox.notion import NotionApi
from sandbox.notion.store import Database
from sandbox.server import Server
from usage.names import ProviderName
from usage.settings import NotionSettings, load_settings


class Stage:
    """A place in the server for one stand-in after the other: starting a server for each test would take longer than
    the tests."""

    name, mount = NotionApi.name, NotionApi.mount

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.api = NotionApi(lambda: datetime(2026, 2, 14, 15, 30, tzinfo=UTC))

    @property
    def app(self) -> Any:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api.app(scope, receive, send)

    def environment(self, base_url: str) -> dict[str, str]:
        return self.api.environment(base_url)


@dataclass
class Notion:
    """The stand-in on a loopback port, and connections to it that never wait."""

    server: Server
    folder: Path
    _stage: Stage
    naps: list[float] = field(default_factory=list)
    """Seconds that were to be slept."""
    _open: list[Gateway] = field(default_factory=list)

    @property
    def api(self) -> NotionApi:
        return self._stage.api

    def renew(self) -> None:
        """An empty workspace, no faults, nothing asked yet."""
        self._stage.renew()
        self.server.faults.clear()
        self.server.journal.clear()
        self.naps.clear()

    def settings(self, **changes: Any) -> NotionSettings:
        return load_settings(self.server.environment(), dotenv=None).notion.model_copy(update=changes)

    def gateway(
        self,
        settings: NotionSettings | None = None,
        *,
        sleep: Callable[[float], None] | None = None,
        pace: Pace | None = None,
    ) -> Gateway:
        gateway = Gateway(settings or self.settings(), sleep=sleep or self.nap, pace=pace or self.pace())
        self._open.append(gateway)
        return gateway

    @cached_property
    def connection(self) -> Gateway:
        """One connection for a test that asks often: each new one takes as long as a dozen requests."""
        return self.gateway()

    def pace(self) -> Pace:
        return Pace("test", 60_000, folder=self.folder, sleep=lambda _: None)

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    def close(self) -> None:
        for gateway in self._open:
            gateway.close()

    def set_up(self, configured: frozenset[ProviderName] = frozenset(ProviderName), **settings: Any) -> SetupResult:
        return set_up(self.connection, self.settings(**settings), configured, sleep=self.nap)

    @property
    def services(self) -> Database:
        return self.api.store.database("Services LLM")

    @property
    def usages(self) -> Database:
        return self.api.store.database("Usages LLM")

    def make_by_hand(self) -> None:
        """Databases as people make them: accents, other names, columns missing, rows and columns of their own."""
        store = self.api.store
        made = store.make_database(
            "Services LLM",
            {
                "Nom du service": {"title": {}},
                "Statut": {"select": {"options": [{"name": "Inactif", "color": "red"}, {"name": "En test"}]}},
                "Contact": {"email": {}},
                "Notes": {"rich_text": {}},
            },
        )
        store.add_row(
            made, {"Nom du service": "Open AI", "Statut": "Inactif", "Notes": "à revoir", "Contact": "a@b.ch"}
        )
        store.add_row(made, {"Nom du service": "Mistral", "Statut": "En test"})
        store.make_database(
            "Usages LLM",
            {"Ligne": {"title": {}}, "Coût USD": {"number": {"format": "euro"}}, "Tokens entrée": {"number": {}}},
        )

    def state(self) -> Any:
        """All that stands in Notion, without ids."""
        titles = {base.source_id: base.title for base in self.api.store.databases()}
        shown = []
        for base in self.api.store.databases():
            columns = {}
            for name, column in self.connection.data_source(base.source_id).properties.items():
                options = [option.name for option in column.select.options] if column.select else None
                leads = titles[column.relation.data_source_id or ""] if column.relation else None
                columns[name] = (column.type, options, leads, column.rollup, column.number)
            shown.append((base.title, columns, sorted(tuple(row.values().items()) for row in base.rows())))
        return shown

    def asked(self) -> list[str]:
        """What was asked so far: method and path, ids left out."""
        return [f"{request.method} {_plain(request.path)}" for request in self.server.journal.requests()]

    def writes(self) -> list[str]:
        return [line for line in self.asked() if not line.startswith("GET") and not line.endswith("/query")]


def _plain(path: str) -> str:
    return "/".join("*" if len(part) == 36 else part for part in path.removeprefix("/v1").split("/"))


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
