from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import httpx
import pytest


@pytest.fixture
def limits(prefect_api: str) -> Iterator[Callable[..., None]]:
    """Creates global concurrency limits: name, slots, and how fast they decay."""
    from prefect.client.orchestration import get_client

    made: list[str] = []

    def make(name: str, slots: int = 1, slot_decay_per_second: float = 0.0) -> None:
        with get_client(sync_client=True) as client:
            client.upsert_global_concurrency_limit_by_name(name, slots, slot_decay_per_second or None)
        made.append(name)

    yield make
    with get_client(sync_client=True) as client:
        for name in made:
            client.delete_global_concurrency_limit_by_name(name)


@pytest.fixture
def gone() -> Iterator[Callable[[], None]]:
    """Has Prefect's server answer nobody any more, until the test ends."""
    from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise httpx.ConnectError("All connection attempts failed")

    async def refuse_later(*arguments: Any, **options: Any) -> NoReturn:
        refuse()

    with pytest.MonkeyPatch.context() as patch:

        def go() -> None:
            patch.setattr(PrefectHttpxSyncClient, "send", refuse)
            patch.setattr(PrefectHttpxAsyncClient, "send", refuse_later)

        yield go
