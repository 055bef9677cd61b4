"""Dockerfile, .dockerignore and compose.yaml against the program. No engine runs here: what can be read is read.

That the commands inside work is tried without containers, in tests/team/test_operations.py; on an engine, by hand, in
tests/containers.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement

from cli.parser import parser
from cli.prefect_server.settings import DEFAULTS
from containers import try_out
from tests.test_docs import settings_names
from tests.test_package import pinned

ROOT: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = ("server", "deploy", "worker")
POSTGRES: Final = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
"""What the image of PostgreSQL documents."""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, with continued lines joined and comments left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(words[0], words[1]) for line in joined.splitlines() if (words := line.split(None, 1))]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def final() -> list[tuple[str, str]]:
    """The instructions of the image itself, after those of the stage that builds."""
    found = instructions()
    return found[max(place for place, (instruction, _) in enumerate(found) if instruction == "FROM") :]


def stages() -> set[str]:
    """Names of the Dockerfile's stages."""
    return {words[2] for rest in arguments("FROM") if (words := rest.split())[1:2] == ["AS"]}


def stage(name: str) -> list[tuple[str, str]]:
    """The instructions of a stage, without its first."""
    found = instructions()
    first = next(place for place, (_, rest) in enumerate(found) if rest.endswith(f" AS {name}")) + 1
    return found[first : next(place for place in range(first, len(found)) if found[place][0] == "FROM")]


def sent() -> set[str]:
    """Names at the top of the checkout that .dockerignore lets into the image."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is kept out that is not named"
    return {rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")}


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """What Compose makes of a text, from what stands in `.env`."""

    def value(found: re.Match[str]) -> str:
        name, _, default = found.groups()
        return values.get(name) or default

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, text)


def images() -> dict[str, str]:
    """Variable that names each base image, and what is taken without it."""
    base = dict([argument.split("=") for argument in arguments("ARG")])
    database = re.fullmatch(r"\$\{(\w+):-(.+)\}", SERVICES["database"]["image"])
    assert database is not None
    return base | {database[1]: database[2]}


def variables() -> list[tuple[str, str]]:
    return [(name, variable) for name, service in SERVICES.items() for variable in service.get("environment", {})]


def prefect_settings() -> set[str]:
    """Names of the variables that Prefect reads."""
    from prefect.settings import Settings
    from pydantic import AliasChoices
    from pydantic_settings import BaseSettings

    def names(model: type[BaseSettings], prefix: str) -> Iterator[str]:
        for field, info in model.model_fields.items():
            if isinstance(info.annotation, type) and issubclass(info.annotation, BaseSettings):
                yield from names(info.annotation, f"{prefix}{field}_")
            elif isinstance(info.validation_alias, AliasChoices):
                yield from (alias for alias in info.validation_alias.choices if isinstance(alias, str))
            else:
                yield f"{prefix}{field}"

    return {name.upper() for name in names(Settings, "prefect_")}


# The image


def test_base_images_can_be_pinned_to_a_digest() -> None:
    assert images().keys() == {"PYTHON_IMAGE", "POSTGRES_IMAGE"}
    for image in images().values():
        assert re.fullmatch(r"[a-z/-]+:\d[\w.-]*", image), image
    assert {rest.split()[0] for rest in arguments("FROM")} - stages() == {"${PYTHON_IMAGE}", "scratch"}
    (build,) = {yaml.safe_dump(SERVICES[name]["build"]) for name in OURS}
    python = images()["PYTHON_IMAGE"]
    assert yaml.safe_load(build) == {"context": ".", "args": {"PYTHON_IMAGE": f"${{PYTHON_IMAGE:-{python}}}"}}
    guide = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    for variable, image in images().items():
        assert f"docker image inspect --format '{variable}={{{{index .RepoDigests 0}}}}' {image} >> .env" in guide


def test_the_image_bears_the_version_and_a_python_that_will_do() -> None:
    assert {SERVICES[name]["image"] for name in OURS} == {f"llm-usage:{PROJECT['project']['version']}"}
    (python,) = re.findall(r"python:(\d+\.\d+)", images()["PYTHON_IMAGE"])
    assert Requirement(f"python{PROJECT['project']['requires-python']}").specifier.contains(python)


def test_what_is_copied_is_there() -> None:
    for copied in arguments("COPY"):
        *sources, _ = shlex.split(copied)
        if sources[0].startswith("--from="):
            assert sources[0].removeprefix("--from=") in stages()
        else:
            assert {source.partition("/")[0] for source in sources} <= {".", *sent()}
            assert all((ROOT / source).exists() for source in sources)


def test_only_what_is_named_goes_into_the_image() -> None:
    assert {name for name in sent() if not (ROOT / name).exists()} == set()
    assert not sent() & {".env", "secrets", ".git", ".venv", "tests"}
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*packages, "prefect.yaml", "automations.yaml", "prefect.toml", PROJECT["project"]["readme"]} <= sent()
    # The rest makes the image, and stays behind.
    assert [rest for instruction, rest in [*stage("image"), *final()] if instruction == "COPY"] == [
        "--from=system / /",
        "--from=build /srv/llm-usage/.venv .venv",
        "--from=tried /srv/llm-usage/prefect.toml ./",
    ]


def test_what_goes_in_is_enough_to_build(tmp_path: Path) -> None:
    for name in sent():
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "wheel")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        f"{package}/__init__.py" for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    } <= names
    assert "cli/deployment/prefect.yaml" in names


def test_the_image_is_tried_by_a_user_who_cannot_change_it() -> None:
    assert [rest for instruction, rest in stage("image") if instruction == "USER"] == ["10001"]
    ((_, tried),) = [one for one in stage("tried") if one[0] == "RUN"]
    assert "python /srv/try_out.py && llm-usage demo" in tried
    # What runs is what was tried, and a builder that makes only what is asked for tries it, too.
    froms = [rest for instruction, rest in instructions() if instruction == "FROM"]
    assert froms[-2:] == ["image AS tried", "image"]
    assert "--from=tried" in " ".join(rest for _, rest in final())


def test_all_packages_are_tried() -> None:
    assert set(try_out.PACKAGES) == set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    done = subprocess.run([sys.executable, try_out.__file__], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_installed_is_held_against_hashes_and_nothing_else_is_fetched() -> None:
    needed = {"run": PROJECT["project"]["dependencies"], "build": PROJECT["build-system"]["requires"]}
    installs = [shlex.split(command) for command in arguments("RUN") if "pip --python" in command]
    *locked, ours = ([word for word in words if word not in ("&&", "install")] for words in installs)
    for words, (name, requirements) in zip(locked, needed.items(), strict=True):
        assert {"--require-hashes", "--only-binary=:all:", f"/requirements-{name}.lock"} <= set(words)
        pins = pinned(ROOT / f"requirements-{name}.lock")
        assert {Requirement(one).name for one in requirements} <= {pin.partition("==")[0] for pin in pins}
        assert pins < pinned(ROOT / "requirements.lock")
    assert {"--no-index", "--no-deps", "/wheel/*.whl"} <= set(ours)


def test_it_does_not_run_as_root() -> None:
    assert [rest for instruction, rest in [*stage("image"), *final()] if instruction == "USER"] == ["10001"]
    assert any("--uid 10001" in command for command in arguments("RUN"))


def test_no_secret_is_baked_in() -> None:
    assert [rest.partition("=")[0] for rest in arguments("ARG")] == ["PYTHON_IMAGE"]
    assert {word.partition("=")[0] for rest in arguments("ENV") for word in shlex.split(rest)} == {
        "PATH",
        "LANG",
        "PYTHONPYCACHEPREFIX",
        "PYTHONUNBUFFERED",
        "PIP_NO_CACHE_DIR",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PIP_PROGRESS_BAR",
    }


# The services


@pytest.mark.parametrize(("service", "variable"), variables())
def test_every_variable_is_a_setting(service: str, variable: str) -> None:
    known = POSTGRES if service == "database" else prefect_settings() | settings_names()
    assert variable in known


def test_the_server_finds_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import Settings
    from sqlalchemy import make_url

    for name, value in SERVICES["server"]["environment"].items():
        monkeypatch.setenv(name, interpolated(value, {}))
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_PASSWORD", "word")
    secret = Settings().server.database.connection_url
    assert secret is not None
    url = make_url(secret.get_secret_value())
    database = SERVICES["database"]["environment"]
    assert (url.drivername, url.password) == ("postgresql+asyncpg", "word")
    assert url.host in SERVICES
    assert (url.username, url.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])


def test_the_workers_find_the_server() -> None:
    for name in ("deploy", "worker"):
        assert SERVICES[name]["environment"]["PREFECT_API_URL"] == "http://server:4200/api"


def test_the_server_and_all_who_ask_it_share_a_string_that_has_to_be_set() -> None:
    given = {SERVICES["server"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"]}
    given |= {SERVICES[name]["environment"]["PREFECT_API_AUTH_STRING"] for name in ("deploy", "worker")}
    (text,) = given
    assert text.startswith("${PREFECT_API_AUTH_STRING:?")
    assert interpolated(text, {"PREFECT_API_AUTH_STRING": "team:word"}) == "team:word"


def test_links_name_the_address_that_people_open() -> None:
    named: dict[str, str]
    for named in ({}, {"PREFECT_UI_URL": "https://prefect.example.com"}):
        address = named.get("PREFECT_UI_URL", "http://127.0.0.1:4200")
        for name in OURS:
            assert interpolated(SERVICES[name]["environment"]["PREFECT_UI_URL"], named) == address
        assert interpolated(SERVICES["server"]["environment"]["PREFECT_UI_API_URL"], named) == f"{address}/api"


def test_the_pages_are_written_where_the_images_user_may_write() -> None:
    folder = SERVICES["server"]["environment"]["PREFECT_SERVER_UI_STATIC_DIRECTORY"]
    assert any(Path(folder).is_relative_to(mount.split(":")[1]) for mount in SERVICES["server"]["volumes"])


def test_what_a_restarting_server_answers_is_tried_again() -> None:
    """Of all that is asked in a run; the image has the file, and workers hand its settings on."""
    from prefect.settings import Settings

    assert "prefect.toml" in sent()
    client = tomllib.loads((ROOT / "prefect.toml").read_text(encoding="utf-8"))["client"]
    handed_on = Settings(client=client).to_environment_variables(exclude_unset=True)
    assert set(handed_on["PREFECT_CLIENT_RETRY_EXTRA_CODES"].split(",")) == {"500", "504"}
    assert set(DEFAULTS["PREFECT_CLIENT_RETRY_EXTRA_CODES"].split(",")) == {"500", "504"}


def test_no_key_is_written_there() -> None:
    secret = [
        value
        for service in SERVICES.values()
        for variable, value in service.get("environment", {}).items()
        if re.search(r"KEY|TOKEN|PASSWORD|SECRET|AUTH", variable)
    ]
    assert {value.partition(":?")[0] for value in secret} == {"${PREFECT_API_AUTH_STRING"}
    assert {SERVICES[name]["env_file"] for name in SERVICES} == {".env", "secrets/database.env"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "secrets/"} <= set(ignored)


def test_only_this_machine_reaches_a_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:4200:4200"]
    assert COMPOSE["networks"]["database"] == {"internal": True}


def test_everything_but_the_deployment_is_watched_and_started_again() -> None:
    for name in SERVICES.keys() - {"deploy"}:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES["worker"]["scale"] == 2


def test_services_wait_for_others_that_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            assert condition == (
                "service_healthy" if "healthcheck" in SERVICES[other] else "service_completed_successfully"
            )


def test_volumes_are_declared_and_can_be_written() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", ())]
    assert {source for source, *_ in mounts if not source.startswith(".")} == COMPOSE["volumes"].keys()
    made = " ".join(arguments("RUN"))
    for source, target, *rest in mounts:
        assert target in made or rest == ["ro"] or source == "database", target


def test_results_are_kept_where_the_volume_is() -> None:
    for name in ("deploy", "worker"):
        folder = SERVICES[name]["environment"]["PREFECT_RESULTS_LOCAL_STORAGE_PATH"]
        assert f"results:{folder}" in SERVICES[name]["volumes"]


def test_readings_are_kept_where_the_volume_is_unless_the_settings_say_otherwise() -> None:
    for name in ("deploy", "worker"):
        setting = SERVICES[name]["environment"]["LLM_USAGE_ARCHIVE"]
        assert f"archive:{interpolated(setting, {})}" in SERVICES[name]["volumes"]
        assert interpolated(setting, {"LLM_USAGE_ARCHIVE": "s3://bucket/a"}) == "s3://bucket/a"


def test_commands_can_be_typed() -> None:
    assert parser().parse_args(SERVICES["deploy"]["command"][1:]).command == "deploy"
    assert {SERVICES[name]["command"][0] for name in OURS} == {"llm-usage", "prefect"}
    from cli.commands.deploy import POOL

    command = SERVICES["worker"]["command"]
    assert command[command.index("--pool") + 1] == POOL
