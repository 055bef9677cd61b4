from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.reading import read_source
from providers.shared.patience import Retry
from sandbox.openai import OpenAIApi
from sandbox.server import Server
from usage.month import Month
from usage.names import ProviderName, Source
from usage.peers.clock import clock_offset
from usage.settings import load_settings

NOW = datetime(2026, 2, 5, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "minutes"),
    [
        ("Thu, 05 Feb 2026 08:05:00 GMT", 5),
        ("Thu, 05 Feb 2026 07:55:00 GMT", -5),
        ("Thu, 05 Feb 2026 09:00:00 +0100", 0),
        ("", None),
        ("this morning", None),
    ],
)
def test_how_far_this_machine_is_from_the_server(date: str, minutes: int | None) -> None:
    headers = {"date": date} if date else {}
    assert clock_offset(headers, NOW) == (None if minutes is None else timedelta(minutes=minutes))


@pytest.mark.parametrize("fixed", [True, False])
def test_a_reading_bears_the_time_of_the_server(monkeypatch: pytest.MonkeyPatch, fixed: bool) -> None:
    """Else a machine whose clock is slow would take its new figures for older ones."""
    slow = datetime.now(UTC) - timedelta(minutes=10)
    monkeypatch.setattr("usage.settings.Settings.now", lambda _: slow)
    with Server([OpenAIApi(lambda: datetime.now(UTC))]) as server:
        environment: dict[str, Any] = server.environment()
        environment |= {"LLM_USAGE_NOW": slow.isoformat()} if fixed else {}
        settings = load_settings(environment, ())
        source: Source = settings.select([ProviderName.OPENAI])[0]
        report = asyncio.run(read_source(settings, source, Month.of(slow).previous(), retry=Retry(now=lambda: slow)))
    behind = datetime.now(UTC) - report.read_at
    assert (behind > timedelta(minutes=9)) is fixed
