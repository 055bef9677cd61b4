"""docs/OPERATIONS.md: what can be run of it is run as it stands there, and `NOT_RUN` lists the rest."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml
from dotenv import dotenv_values
from prefect.client.schemas.schedules import CronSchedule

from cli.parser import parser
from tests.team.guide import CONTAINERS, GUIDE, ROOT, blocks, cron_lines, units
from tests.team.machine import Machine, installation
from tests.team.postgres import MissingError
from tests.team.processes import until
from tests.test_containers import images, interpolated, prefect_settings

NOT_RUN: Final = {
    "sudo apt-get install --yes git curl cron python3-venv postgresql": "installs packages for the whole machine",
    "sudo adduser --system --group --home /var/lib/llm-usage --shell /bin/bash llm-usage": "creates a user",
    "sudo chmod 700 /var/lib/llm-usage": "needs that user",
    "sudo install --directory --owner=llm-usage --group=llm-usage /srv/llm-usage": "needs that user",
    "sudo -iu llm-usage": "needs that user",
    "git clone https://git.example.com/team/llm-usage.git .": "fetches; the test has a checkout",
    "git pull --ff-only": "fetches; the test has a checkout",
    "python3 dev.py demo": "fetches packages; tests/test_docs.py and tests/cli/test_demo.py look at what it starts",
    "sudo systemctl daemon-reload": "needs systemd; the units are checked, and what they say is run without it",
    "systemctl --failed": "needs systemd",
    "ssh -N -L 4200:127.0.0.1:4200 server.example.com": "needs a second machine",
    "sudo adduser llm-usage docker": "needs that user, and Docker's group",
    "sudo install -o 10001 -m 400 /dev/stdin secrets/keys/openai": "needs root, to give a file to another user",
}
"""Lines that this test does not run, and why. Those that begin with `docker` are held against compose.yaml instead."""
CRON_NOT_RUN: Final = {"collect --month current": "the line above it with another month"}
"""The same for crontab lines, by what they run."""
ONLY_SHOWS: Final = re.compile(r".*/(llm-usage (check|status)|prefect (flow-run ls|work-pool inspect))\b.*")
"""Lines that are run once, wherever they stand again."""
IN_PLACE: Final = {"nano ~/alerts": Machine.write_alerts}
"""What a person does in place of a line."""
AFTER: Final = {
    "cp .env.example .env": Machine.edit_env,
    "sudo -u postgres createuser llm-usage": Machine.let_in,
}
"""What is done after a line."""
STATUS: Final = {".venv/bin/prefect deployment run collect/monthly --param month=2999-01 --watch": 1}
"""Lines that are to end with another exit status than 0."""
PULL: Final = re.compile(
    r"docker (?:pull|image inspect --format '\w+=\{\{index \.RepoDigests 0\}\}') (\S+)(?: >> \.env)?"
)
"""Lines that look base images up."""
COMPOSE: Final = {"build", "down", "exec", "logs", "ps", "run", "stop", "up"}
SHOWS_THE_STRING: Final = "sed -n s/^PREFECT_API_AUTH_STRING=//p .env"
"""Prints what the server's pages ask for."""
SYSTEMCTL: Final = re.compile(r"sudo systemctl (enable --now|start|stop) (.+)")


def shell_lines() -> list[str]:
    return [line for block in blocks() if block.language == "sh" for line in block.lines]


def docker_lines() -> list[str]:
    return [line for line in shell_lines() if line.startswith("docker ")]


def test_every_line_is_run_or_says_why_not() -> None:
    assert {block.language for block in blocks()} == {"sh", "ini", "cron"}
    named = NOT_RUN.keys() | IN_PLACE.keys() | AFTER.keys() | STATUS.keys() | {SHOWS_THE_STRING}
    assert named <= set(shell_lines())
    # Only what the harness understands begins with `sudo`.
    others = [line for line in shell_lines() if line.startswith("sudo ") and line not in NOT_RUN]
    assert [line for line in others if not SYSTEMCTL.fullmatch(line) and not line.startswith("sudo -u postgres ")] == []


def test_every_file_has_a_place() -> None:
    assert [block.file for block in blocks() if block.language == "ini"] == [
        f"/etc/systemd/system/{name}.service" for name in units()
    ]


def test_variables_are_settings() -> None:
    named = set(re.findall(r"\bPREFECT_[A-Z_]+\b", GUIDE.read_text(encoding="utf-8")))
    assert named <= prefect_settings()


@pytest.mark.parametrize("name", units())
def test_units_are_valid(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    file = tmp_path / f"{name}.service"
    program = units()[name].command.split()[0]
    # Neither the folder nor the program is there.
    file.write_text(units()[name].text.replace(program, "/bin/true").replace(units()[name].folder, str(tmp_path)))
    done = subprocess.run([analyze, "--man=no", "verify", str(file)], capture_output=True, text=True, check=False)
    # It complains of other units of the machine, too, and of unknown keys without an exit status.
    assert [line for line in (done.stdout + done.stderr).splitlines() if "llm-usage" in line] == []


def test_crontab_lines_can_be_read() -> None:
    lines = [line for block in blocks() if block.language == "cron" for line in cron_lines(block)]
    assert len(lines) == 3
    for line in lines:
        assert CronSchedule(cron=line.schedule).cron == line.schedule


@pytest.mark.parametrize("line", dict.fromkeys(docker_lines()))
def test_docker_lines_name_what_is_there(line: str) -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    if pulled := PULL.fullmatch(line):
        assert pulled[1] in images().values()
        return
    program, compose, verb, *words = shlex.split(line.partition(" > ")[0].partition(" < ")[0])
    assert (program, compose) == ("docker", "compose")
    assert verb in COMPOSE
    words = [word for index, word in enumerate(words) if not word.startswith("-") and words[index - 1] != "--since"]
    named = words[:1] if verb in ("exec", "run") else words
    assert set(named) <= services.keys()
    if verb in ("exec", "run"):
        inside = line.partition(f" {named[0]} ")[2]
        command = shlex.split(inside.partition(" > ")[0].partition(" < ")[0])
        if command[0] == "llm-usage":
            assert parser().parse_args(command[1:]).command == command[1]
        elif command[0] == "prefect":
            # The same has been run without a container.
            assert f".venv/bin/{shlex.join(command)}" in shell_lines()
        else:
            assert command[0] in ("createdb", "dropdb", "pg_dump", "pg_restore")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    missing = [name for name in ("bash", "curl", "openssl") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"the guide's commands need {', '.join(missing)}")
    try:
        with installation(tmp_path, units()) as machine:
            yield machine
    except MissingError as error:
        pytest.skip(str(error))


def follow(machine: Machine) -> None:
    """All blocks in their order."""
    shown = set[str]()
    for block in blocks():
        machine.folder = machine.containers if block.section == CONTAINERS else machine.checkout
        if block.language == "cron":
            for line in cron_lines(block):
                if not any(part in line.command for part in CRON_NOT_RUN):
                    assert machine.cron(line.command) == "", line.command
        elif block.language == "sh":
            for text in run_together(block.lines):
                if not (text in shown and ONLY_SHOWS.fullmatch(text)):
                    follow_line(machine, text)
                shown.add(text)


def follow_line(machine: Machine, text: str) -> None:
    started = SYSTEMCTL.fullmatch(text)
    if started:
        machine.systemctl(started[1].split()[0], started[2].split())
    elif text in IN_PLACE:
        IN_PLACE[text](machine)
    else:
        machine.type(text, status=STATUS.get(text, 0))
    if text in AFTER:
        AFTER[text](machine)


def run_together(lines: tuple[str, ...]) -> Iterator[str]:
    """The lines that are run; one that uses a variable together with those from where it is set."""
    kept: list[str] = []
    for line in lines:
        if line not in NOT_RUN and not line.startswith("docker "):
            kept.append(line)
            if not re.match(r"\w+=", line):
                yield "\n".join(kept)
                kept.clear()


def test_the_guide_leads_to_an_installation_that_works(machine: Machine) -> None:
    follow(machine)
    assert machine.months() == ["2025-10", "2025-11", "2025-12", "2026-01"]
    assert machine.names("deployments") == {"monthly", "daily", "collect", "backfill"}
    assert any("2999-01 collect is Failed" in told for told in until(lambda: machine.alerts.told, 30))
    # The link that the alert promises, by what the server's unit alone says.
    assert f"{machine.pages}/runs/flow-run/" in "".join(machine.alerts.told)
    env = dotenv_values(machine.checkout / ".env")
    assert machine.type(SHOWS_THE_STRING) == f"{env['PREFECT_SERVER_API_AUTH_STRING']}\n"
    # What was restored: the history, and what was deployed.
    assert {"2999-01 collect", "2025-12 2026-01 backfill"} <= machine.names("flow_runs")
    assert len(machine.names("automations")) > 3
    containers_would_be_healthy(machine)


def containers_would_be_healthy(machine: Machine) -> None:
    """What compose.yaml runs and asks, without containers, beside what runs already."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    env = dotenv_values(machine.checkout / ".env")
    settings = {name: value for name, value in env.items() if value is not None}
    given = services["worker"]["environment"].items()
    machine.start_container(
        services["worker"]["command"], {name: interpolated(value, settings) for name, value in given}
    )
    for name in ("server", "worker"):
        kind, *question = services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        assert until(lambda question=question: machine.answers(question), 120)  # type: ignore[misc]
