from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest

from tests.team.postgres import MissingError
from tests.team.team import Team, running_team


@pytest.fixture(scope="module")
def keys() -> Collection[str] | None:
    """Which of the stand-ins' keys the team has: all. A file that can do with fewer says so by a fixture of its own."""
    return None


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, keys: Collection[str] | None) -> Iterator[Team]:
    """PostgreSQL, a Prefect server and two workers that have been deployed to, all to this file alone."""
    try:
        with running_team(tmp_path_factory.mktemp("team"), keys) as here:
            yield here
    except MissingError as missing:
        pytest.skip(str(missing))
