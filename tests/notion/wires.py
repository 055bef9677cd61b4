"""A Notion of which each answer is written out, to the byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from notion.client.gateway import Gateway
from notion.client.pace import Pace
from usage.settings import load_settings

Handler = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.SyncByteStream):
    """A body that comes piece by piece, as from the network."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def answer(content: bytes, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Pieces(iter([content])))


def gateway(handler: Handler, base_url: str = "https://notion.example", **more: Any) -> Gateway:
    given = load_settings({"NOTION_TOKEN": "ntn_secret", "NOTION_BASE_URL": base_url}, ())
    return Gateway(given.notion, sleep=lambda _: None, pace=Still(), transport=httpx.MockTransport(handler), **more)


class Still(Pace):
    """No pace at all."""

    def __init__(self) -> None:
        super().__init__("test", 180)

    def wait(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass
