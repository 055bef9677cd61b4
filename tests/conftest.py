from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cli.prefect_server.server import OwnServer
from cli.prefect_server.settings import DEFAULTS
from tests.certificates import write_one
from tests.ports import free_port

# How long an example takes says nothing about the code on a busy machine.
# The same examples each time: a run that is red must be red again.
settings.register_profile("llm-usage", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("llm-usage")

# Prefect reads its settings when it is first imported, which may be while tests are collected. Its server is only
# started for the tests that ask for it.
_home = tempfile.TemporaryDirectory(prefix="llm-usage-tests-", ignore_cleanup_errors=True)
_port, _auth_string = free_port(), "tests:only"
os.environ |= (
    DEFAULTS
    | write_one(Path(_home.name))
    | {
        "PREFECT_HOME": _home.name,
        "PREFECT_API_URL": f"http://127.0.0.1:{_port}/api",
        "PREFECT_API_AUTH_STRING": _auth_string,
        # Notion's pace and the like: not that of whoever runs the tests.
        "XDG_STATE_HOME": f"{_home.name}/state",
        # Nor their language.
        "LC_ALL": "C.UTF-8",
        "LLM_USAGE_LANG": "",
        # Nor their archive.
        "XDG_DATA_HOME": f"{_home.name}/data",
        # Nor their settings.
        "XDG_CONFIG_HOME": f"{_home.name}/config",
    }
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="FOLDER", help="keep the pictures of Prefect's pages there, for the docs")
    parser.addoption("--containers", action="store_true", help="try compose.yaml on the engine that `docker` reaches")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first: begun last, one of them would leave the other cores idle."""
    longest = ("team", "test_ownership.py", "test_demo.py", "test_package.py")
    items.sort(key=lambda item: not any(name in item.path.parts for name in longest))


def pytest_unconfigure() -> None:
    _home.cleanup()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """Address of a Prefect server, one for all tests; its database and files are in `PREFECT_HOME`."""
    server = OwnServer(_port, _auth_string)
    try:
        server.wait()
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        # Each flow run would wait up to a second for its heartbeat's thread.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield server.api_url
    finally:
        server.stop()


@pytest.fixture
def prefect_api(prefect_server: str) -> str:
    """The same address, where nothing is left of what other tests ran and deployed."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)
        while runs := client.read_flow_runs():
            for run in runs:
                client.delete_flow_run(run.id)
        while artifacts := client.read_artifacts():
            for artifact in artifacts:
                client.delete_artifact(artifact.id)
        # A limit that `deploy` leaves would have each later test wait for its turn.
        for limit in client.read_global_concurrency_limits(limit=200, offset=0):
            client.delete_global_concurrency_limit_by_name(limit.name)
        for automation in client.read_automations():
            client.delete_automation(automation.id)
    return prefect_server


@pytest.fixture
def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs' pages come without charts, a seventh of a collection; tests/flows/test_statement.py looks at them."""
    monkeypatch.setattr("tasks.pages.statement.png", lambda *_: None)
