"""Each test of the suite for every provider; see `desk.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox.server import Server
from tests.conformance.desk import CASES, NOW, Api, Case, Desk
from usage.names import ProviderName


@pytest.fixture(scope="session")
def apis() -> dict[ProviderName, Api]:
    """The five stand-ins. Tests that change one take the fixture `fresh`."""
    return {case.name: case.api(lambda: NOW) for case in CASES}


@pytest.fixture(scope="session")
def servers(apis: dict[ProviderName, Api]) -> Iterator[dict[ProviderName, Server]]:
    """Each of them behind a server of its own."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Server([api])) for name, api in apis.items()}


@pytest.fixture
def desk(case: Case, apis: dict[ProviderName, Api], servers: dict[ProviderName, Server]) -> Desk:
    """The provider, without faults."""
    servers[case.name].faults.clear()
    return Desk(case, apis[case.name], servers[case.name])


@pytest.fixture
def fresh(case: Case) -> Iterator[Desk]:
    """A provider of its own, with other ids and figures, which the test may change."""
    api = case.api(lambda: NOW, 2)
    with Server([api]) as server:
        yield Desk(case, api, server)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test for every provider; `drift` and `scope` for each of its own."""
    if "drift" in metafunc.fixturenames:
        pairs = [(case, drift) for case in CASES for drift in case.drifts]
        ids = [f"{case}-{drift.path}-{drift.field}" for case, drift in pairs]
        metafunc.parametrize(("case", "drift"), pairs, ids=ids)
    elif "scope" in metafunc.fixturenames:
        keys = [(case, scope) for case in CASES for scope in case.scopes]
        metafunc.parametrize(("case", "scope"), keys, ids=[f"{case}-{scope.key}" for case, scope in keys])
    elif "case" in metafunc.fixturenames:
        paged = metafunc.definition.get_closest_marker("paged") is not None
        cases = [case for case in CASES if case.shrink or not paged]
        metafunc.parametrize("case", cases, ids=str)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of this suite."""
    config.addinivalue_line("markers", "paged: for providers whose answers have pages")


@pytest.fixture(autouse=True)
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are French here, as in Notion."""
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")
