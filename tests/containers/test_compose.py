"""What docs/OPERATIONS.md says of containers, typed on an engine as it stands there.

By hand, with `--containers`: it builds the image, which fetches packages, and takes minutes. Where base images can't be
pulled, `tests/containers/stand_ins.sh` makes stand-ins first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.containers.installation import Installation, installation, missing_engine
from tests.team.guide import CONTAINERS, blocks
from tests.team.processes import until
from tests.team.test_operations import NOT_RUN, PULL
from tests.test_containers import SERVICES

ENDS_BADLY: Final = "docker compose exec worker prefect deployment run collect/monthly --param month=2999-01 --watch"
"""No such month is over."""
LONGEST: Final = 300.0
"""Seconds until all are healthy."""
LARGEST: Final = 350_000_000
"""Bytes of the image on the disk."""
OPENS: Final = (
    "import urllib.request as web; "
    'page = web.Request("http://server:4200/runs", headers={"Accept": "text/html"}); '
    "print(web.urlopen(page).read().decode())"
)
"""As a browser does."""
COLLECTS: Final = "docker compose exec worker prefect deployment run collect/collect --param month=2026-01 --watch"


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    if not request.config.getoption("--containers"):
        pytest.skip("builds an image and takes minutes: by hand, with --containers")
    if why := missing_engine():
        pytest.skip(why)
    with installation(tmp_path) as found:
        yield found


def lines() -> Iterator[str]:
    """What is typed: the section's own blocks, those of `docker` line by line, then such lines of other sections."""
    for block in blocks():
        typed = [line for line in block.lines if block.language == "sh" and line not in NOT_RUN]
        docker = [line for line in typed if line.startswith("docker ")]
        if block.section == CONTAINERS and not docker and typed:
            yield "\n".join(["set -e", *typed])
        yield from (line for line in docker if not PULL.fullmatch(line))


def follow(here: Installation, line: str) -> None:
    """Type a line, and do and wait for what a person does and waits for after it."""
    if here.stand_ins():
        line = line.replace("build --pull", "build")  # there is nothing to pull
    here.type(line, status=1 if line == ENDS_BADLY else 0)
    if "cp .env.example .env" in line:
        here.edit_env()
    elif line == "docker compose build":
        here.type("docker compose up --detach --wait --no-deps sandbox")
    elif line == "docker compose up --detach":
        try:
            until(here.healthy, LONGEST)
        except TimeoutError:
            pytest.fail(here.said())
    elif line == ENDS_BADLY:
        collect(here)


def collect(here: Installation) -> None:
    """A month, by a worker. The sandbox forgets all when it goes down with the rest, so this comes before."""
    here.type(COLLECTS)
    said = here.type("docker compose exec worker llm-usage status --month 2026-01 --json")
    assert {line["status"] for line in json.loads(said)["months"]} == {"Succes"}, said


def test_the_guide_leads_to_containers_that_work(here: Installation) -> None:
    for line in lines():
        follow(here, line)
    # What was dumped and restored.
    said = here.type("docker compose exec worker prefect flow-run ls --output json")
    assert {run["name"] for run in json.loads(said)} >= {"2999-01 collect", "2026-01 collect"}, said
    # The pages of Prefect's that links of alerts lead to.
    assert "<html" in here.type(f"docker compose exec worker python -c '{OPENS}'")
    size = here.type(f"docker image inspect --format '{{{{.Size}}}}' {SERVICES['worker']['image']}")
    assert int(size) < LARGEST
    # Neither tests nor what builds, and nobody's key.
    inside = here.type("docker compose exec worker find /srv/llm-usage -maxdepth 1 -mindepth 1 -printf '%f\\n'")
    assert set(inside.split()) == {".venv", "prefect.toml"}
