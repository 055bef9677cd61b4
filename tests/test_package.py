"""What is built from the project: it holds all that is needed, and works in an environment that has nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from sandbox.everything import Sandbox
from tests.certificates import OF_THIS_MACHINE
from tests.cli.programs import NOW

ROOT: Final = Path(__file__).resolve().parents[1]
RUN_LOCK: Final = ROOT / "requirements-run.lock"
PACKAGES: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
    "wheel"
]["packages"]
DATA: Final = (".po", ".jinja", ".css", ".typed")
"""Files of the packages that are no code."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_holds_code_words_pages_and_what_is_deployed(built: Path) -> None:
    with zipfile.ZipFile(wheel(built)) as archive:
        names = set(archive.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", *DATA)
    }
    assert wanted <= names
    assert {f"cli/deployment/{name}" for name in ("prefect.yaml", "automations.yaml", "prefect.toml")} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name]


def test_the_source_distribution_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (checkout,) = tmp_path.iterdir()
    assert not {".env", ".git", ".venv", "secrets"} & {path.name for path in checkout.iterdir()}
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "again")]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(wheel(built)) as one, zipfile.ZipFile(wheel(tmp_path / "again")) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def pinned(lock: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[\w.+!-]+", lock.read_text("utf-8"), re.MULTILINE))


def test_what_runs_is_pinned_as_what_is_tested() -> None:
    assert pinned(RUN_LOCK) < pinned(ROOT / "requirements.lock")


class Installed:
    """The wheel in an environment of its own, outside of the checkout, as somebody uses it."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self._bin, self.folder = folder / "venv" / "bin", folder / "work"
        self.folder.mkdir()
        venv.create(folder / "venv", with_pip=True)
        pip = [str(self._bin / "python"), "-m", "pip", "-q", "--disable-pip-version-check"]
        self._run([*pip, "install", "--no-compile", "--require-hashes", "-r", str(RUN_LOCK)], {})
        self._run([*pip, "install", "--no-deps", str(wheel)], {})
        self._run([*pip, "check"], {})

    def __call__(self, command: str, environment: Mapping[str, str]) -> str:
        program, *arguments = command.split()
        return self._run([str(self._bin / program), *arguments], environment)

    def _run(self, command: list[str], environment: Mapping[str, str]) -> str:
        plain = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        home = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**plain, **OF_THIS_MACHINE, **pip, **home, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return str(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="the paths are those of POSIX")
def test_it_works_where_nothing_else_is(built: Path, tmp_path: Path, prefect_api: str) -> None:
    installed = Installed(wheel(built), tmp_path)
    with Sandbox(lambda: NOW) as sandbox:
        here = sandbox.environment() | {"LLM_USAGE_NOW": NOW.isoformat()}
        assert installed("llm-usage --version", here).startswith("llm-usage ")
        installed("llm-usage setup", here)
        assert "2026-01" in installed("llm-usage collect --month 2026-01", here)
        server = {name: os.environ[name] for name in ("PREFECT_API_AUTH_STRING",)} | {"PREFECT_API_URL": prefect_api}
        said = installed("llm-usage deploy", here | server)
        assert "deployments: those of the program's own prefect.yaml" in said
        installed("prefect deployment run collect/collect --param month=2025-12", here | server)
        installed("prefect worker start --pool llm-usage --run-once", here | server)
        rows = sandbox.notion.store.database("Usages LLM").rows()
        assert {str(row.value("Mois")) for row in rows} == {"2025-12", "2026-01"}
    installed("llm-usage demo", {})
