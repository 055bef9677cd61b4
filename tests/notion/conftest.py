from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from notion.gateway import Gateway
from notion.pace import Pace
from sandbox.notion import NotionApi
from sandbox.server import Server
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

    def pace(self) -> Pace:
        return Pace("test", 60_000, folder=self.folder, sleep=lambda _: None)

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    def close(self) -> None:
        for gateway in self._open:
            gateway.close()

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
