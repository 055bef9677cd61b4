from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp

Clock = Callable[[], datetime]
Check = Callable[[str, Any], None]
Direct = Callable[[ASGIApp, dict[str, str]], httpx.Client]


class _InProcess(httpx.BaseTransport):
    """Hands requests to an application without a server in between, which takes a fraction of the time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = httpx.ASGITransport(app=app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            answer = await self._app.handle_async_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        return asyncio.run(ask())


@pytest.fixture(scope="session")
def direct() -> Direct:
    """Opens a client on a stand-in's application, with these headers."""
    return lambda app, headers: httpx.Client(
        transport=_InProcess(app), base_url="http://sandbox.invalid", headers=headers
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published API descriptions and examples, where it lies beside this checkout."""
    folder = Path(__file__).resolve().parents[3] / "shared"
    if not (folder / "specs").is_dir():
        pytest.skip("published specifications are not beside this checkout")
    return folder


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still in the middle of a day, two weeks into a month that has a closed one before it."""
    return lambda: datetime(2026, 2, 14, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def conforms(shared: Path) -> Callable[[str], Check]:
    """For an API's JSON description: a check of an answer against what is published for a path, or for a schema."""

    def of(api: str) -> Check:
        spec = json.loads((shared / "specs" / f"{api}.json").read_text())

        def check(where: str, answer: Any) -> None:
            schema = {"$ref": f"#/components/schemas/{where}"}
            if where.startswith("/"):
                schema = spec["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            Draft202012Validator({**schema, "components": spec["components"]}).validate(answer)

        return check

    return of
