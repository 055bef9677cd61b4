"""What stands in a run's log, and on its worker's console, when it ends as it should and when the program is wrong.

A run here is a process, as a worker starts one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """How a run ended, what its log holds, and what its process printed."""

    state: str
    message: str
    log: str
    console: str


@pytest.fixture
def run(prefect_api: str, tmp_path: Path) -> Iterator[Callable[[Any, str, Json], Ended]]:
    from prefect.client.orchestration import get_client

    made: list[Any] = []
    # The server lets everything through, as where a deployment is older than its flow.
    settings = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO", "PREFECT_LOGGING_INTERNAL_LEVEL": "ERROR"}
    environment = os.environ | settings | {"PYTHONPATH": str(ROOT), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}

    with get_client(sync_client=True) as client:

        def start(flow: Any, entrypoint: str, parameters: Json) -> Ended:
            deployment = client.create_deployment(
                client.create_flow(flow),
                "refusals",
                entrypoint=entrypoint,
                parameter_openapi_schema=flow.parameters.model_dump(),
                enforce_parameter_schema=False,
                pull_steps=[],
            )
            made.append(deployment)
            begun = client.create_flow_run_from_deployment(deployment, parameters=parameters)
            done = subprocess.run(
                [sys.executable, "-m", "prefect.engine", str(begun.id)],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            state = client.read_flow_run(begun.id).state
            assert state is not None
            return Ended(state.name or "", state.message or "", log_of(client, begun.id), done.stdout + done.stderr)

        yield start
        for deployment in made:
            client.delete_deployment(deployment)


def log_of(client: Any, run: Any) -> str:
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    found = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])))
    return "\n".join(f"{line.level} {line.message}" for line in found)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"month": "2999-01"}, "2999-01 has not begun yet"),
        ({"month": "2026-13"}, "month: 2026-13 is not a month: write it like 2026-01"),
        ({"month": "next"}, "month: 'next' is not a month: write it like 2026-01, or `last` or `current`"),
        ({"providers": ["gemini"]}, "providers.0: Input should be 'openai', 'anthropic'"),
    ],
)
def test_what_is_refused_is_one_sentence(run: Any, parameters: Json, told: str) -> None:
    from flows.collect import collect

    ended = run(collect, "flows.collect.collect", parameters)
    assert ended.state == "Failed"
    assert told in ended.message
    for text in (ended.log, ended.console):
        assert told in text
        assert "Traceback" not in text
    assert [line for line in ended.log.splitlines() if line.startswith("40") and told in line]


def test_a_mistake_of_the_program_keeps_its_traceback(run: Any, tmp_path: Path) -> None:
    from prefect import flow

    text = "import flows.collect\nfrom prefect import flow\n@flow\ndef broken() -> None:\n    print(1 // 0)\n"
    (tmp_path / "broken.py").write_text(text)

    @flow
    def broken() -> None: ...

    ended = run(broken, f"{tmp_path / 'broken.py'}:broken", {})
    assert ended.state == "Failed"
    for text in (ended.log, ended.console):
        assert "Traceback" in text
        assert "ZeroDivisionError" in text
