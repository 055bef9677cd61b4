"""The stand-in for Notion on a loopback port, and both databases in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from notion.client.gateway import Gateway
from notion.client.pace import Pace
from notion.setup.databases import SetupResult, set_up
from notion.workspace import Published, Workspace
from sandbox.notion import NotionApi
from sandbox.notion.store import Database
from sandbox.server import Server
from usage.names import ProviderName
from usage.outcomes.outcome import SourceOutcome
from usage.settings import NotionSettings, Settings, load_settings


class Stage:
    """A place in the server for one stand-in after the other: starting a server for each test would take longer than
    the tests."""

    name, mount = NotionApi.name, NotionApi.mount

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.moment = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
        self.api = NotionApi(lambda: self.moment)

    @property
    def app(self) -> Any:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api.app(scope, receive, send)

    def environment(self, base_url: str) -> dict[str, str]:
        return self.api.environment(base_url)


class Unhurried(Pace):
    """Lets every request through at once, and does without the file: it would take longer than the requests."""

    def wait(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass


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

    def wait(self, minutes: int) -> None:
        """Put Notion's clock forward."""
        self._stage.moment += timedelta(minutes=minutes)

    def settings(self, **changes: Any) -> NotionSettings:
        return load_settings(self.server.environment(), ()).notion.model_copy(update=changes)

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
        return Unhurried("test", 60_000, folder=self.folder)

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    def close(self) -> None:
        for gateway in self._open:
            gateway.close()

    def set_up(self, configured: frozenset[ProviderName] = frozenset(ProviderName), **settings: Any) -> SetupResult:
        return set_up(self.connection, self.settings(**settings), configured)

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
                rollup = column.rollup
                made = rollup and (rollup.relation_property_name, rollup.rollup_property_name, rollup.function)
                columns[name] = (column.type, options, leads, made, column.number)
            shown.append((base.title, columns, sorted(tuple(row.values().items()) for row in base.rows())))
        return shown

    def asked(self) -> list[str]:
        """What was asked so far: method and path, ids left out."""
        return [f"{request.method} {_plain(request.path)}" for request in self.server.journal.requests()]

    def writes(self) -> list[str]:
        return [line for line in self.asked() if not line.startswith("GET") and not line.endswith("/query")]


def _plain(path: str) -> str:
    return "/".join("*" if len(part) == 36 else part for part in path.removeprefix("/v1").split("/"))


@dataclass
class Office:
    """Both databases in the stand-in, and what collects into them."""

    notion: Notion
    settings: Settings

    def open(self, gateway: Gateway | None = None, **more: Any) -> Workspace:
        needed = frozenset(credential.source.provider for credential in self.settings.credentials)
        return Workspace(self.settings, needed, gateway or self.notion.gateway(), **more)

    def collect(self, *outcomes: SourceOutcome, gateway: Gateway | None = None, **more: Any) -> Published:
        workspace = self.open(gateway or self.notion.connection, **more)
        return workspace.publish(workspace.plan(outcomes[0].month, outcomes), unfiltered=False)

    @property
    def base(self) -> Any:
        return self.notion.api.store.database("Usages LLM")

    def rows(self) -> list[dict[str, Any]]:
        """The rows that stand in *Usages*, by key and workspace."""
        rows = [row.values() | {"Service": [one.title for one in row.linked("Service")]} for row in self.base.rows()]
        return sorted(rows, key=lambda row: (row["Service"], str(row["Projet/API Key"]), str(row["Workspace"])))

    def keys(self) -> list[str]:
        return sorted(str(row["Projet/API Key"]) for row in self.rows())
