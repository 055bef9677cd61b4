"""Which month a run means that had to wait, and what it is called."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.flows.world import Prefect

# A second before its month ends.
SCHEDULED = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def flow(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ends Failed, with the month that it takes its parameter for and the name that it would have."""
    from prefect import flow
    from prefect.client.schemas.objects import State
    from prefect.states import Failed

    from tasks.prefect.runs import month_for_name, resolve_month

    monkeypatch.chdir(tmp_path)

    @flow
    def asks(month: str) -> State[Any]:
        return Failed(message=f"{resolve_month(month)} {month_for_name(month)}")

    return asks


@pytest.mark.parametrize(("month", "means"), [("last", "2026-02"), ("current", "2026-03")])
def test_a_run_means_the_month_it_was_made_for(flow: Any, prefect: Prefect, month: str, means: str) -> None:
    state = prefect.begin(flow, prefect.scheduled(flow, SCHEDULED, month))
    assert state.message == f"{means} {means}"
    # Also when it is retried, weeks later.
    assert prefect.retry(flow, state).message == f"{means} {means}"


def test_a_month_that_is_named_stays(flow: Any, prefect: Prefect) -> None:
    assert prefect.begin(flow, prefect.scheduled(flow, SCHEDULED, "2025-07")).message == "2025-07 2025-07"


def test_a_clock_that_is_set_overrules(flow: Any, prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_USAGE_NOW", "2025-06-10T00:00:00Z")
    assert prefect.begin(flow, prefect.scheduled(flow, SCHEDULED, "last")).message == "2025-05 2025-05"


def test_what_can_t_be_read_is_shown_as_it_is(flow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.prefect.runs import month_for_name

    assert month_for_name("9999-99") == "9999-99"
    monkeypatch.setenv("LLM_USAGE_NOW", "noon")
    assert month_for_name("last") == "last"
