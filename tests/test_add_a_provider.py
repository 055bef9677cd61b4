"""`docs/ADD_A_PROVIDER.md`, followed block by block in a copy of the project, and taken back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "ADD_A_PROVIDER.md"
NOT_COPIED: Final = shutil.ignore_patterns("__pycache__", ".git", ".venv", ".*cache", ".hypothesis", "build", "dist")


@dataclass(frozen=True)
class Step:
    """A block of the page, and the file that it is meant for."""

    file: str
    language: str
    text: str

    def take(self, project: Path) -> None:
        """Do what the block says."""
        path = project / self.file
        if self.language == "diff":
            exchange(path, self._lines("-"), self._lines("+"))
        else:
            assert not path.exists(), f"{self.file} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, "utf-8")

    def take_back(self, project: Path) -> None:
        """Undo it."""
        path = project / self.file
        if self.language == "diff":
            exchange(path, self._lines("+"), self._lines("-"))
        else:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    def _lines(self, sign: str) -> str:
        """The lines as they are before (`-`) or after (`+`) the change."""
        return "".join(line[1:] for line in self.text.splitlines(keepends=True) if line[0] in (" ", sign))


def exchange(path: Path, old: str, new: str) -> None:
    """Put lines in the place of others, which have to stand there once."""
    text = "\n" + path.read_text("utf-8")
    assert text.count("\n" + old) == 1, f"{path.name} does not have once:\n{old}"
    path.write_text(text.replace("\n" + old, "\n" + new)[1:], "utf-8")


def steps() -> Iterator[Step]:
    """The page's blocks; the last name in the paragraph before a block is that of its file."""
    page = PAGE.read_text("utf-8")
    for paragraph, language, text in re.findall(r"([^\n]+):\n\n```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield Step(re.findall(r"`([^`]+)`", paragraph)[-1], language, text)


def contents(project: Path) -> dict[str, bytes]:
    paths = [path for path in project.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the new provider in it."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    before = contents(copy)
    for step in steps():
        step.take(copy)
    added = contents(copy)
    for step in reversed(list(steps())):
        step.take_back(copy)
    assert contents(copy) == before
    for step in steps():
        step.take(copy)
    assert contents(copy) == added
    return copy


def run(project: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    return ended.stdout


def test_every_block_of_code_is_a_step() -> None:
    blocks = re.findall(r"^```\w+$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(list(steps())) == len(blocks) > 10


def test_the_new_provider_passes_the_suite(project: Path) -> None:
    said = run(project, "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider", "-k", "example")
    assert int(re.findall(r"(\d+) passed", said)[0]) > 40


def test_nothing_of_it_is_left_undocumented(project: Path) -> None:
    run(
        project,
        "pytest",
        "tests/test_docs.py",
        "tests/test_guides.py",
        "tests/test_tree.py",
        "tests/usage/test_catalogue.py",
        "-q",
        "-p",
        "no:cacheprovider",
    )


def test_its_style_is_the_project_s(project: Path) -> None:
    run(project, "ruff", "check", "--no-cache", ".")
    run(project, "ruff", "format", "--no-cache", "--check", ".")
    run(project, "mypy", "--no-incremental", "--cache-dir", os.devnull, "providers/example", "sandbox/example")
