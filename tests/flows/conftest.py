from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.everything import Sandbox
from tests.flows.world import NOW, Prefect, World


@pytest.fixture
def prefect(prefect_api: str) -> Prefect:
    return Prefect()


@pytest.fixture
def world(prefect_api: str, without_charts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which tasks try again at once."""
    from tasks.fetch import fetch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "retry_delay_seconds", [0, 0])
    with Sandbox(lambda: NOW) as sandbox:
        yield World(sandbox, monkeypatch)
