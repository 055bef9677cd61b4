from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are French here, as in Notion."""
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")
