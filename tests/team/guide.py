"""What docs/OPERATIONS.md tells people to type, and the files it tells them to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GUIDE: Final = ROOT / "docs" / "OPERATIONS.md"
CONTAINERS: Final = "The same in containers"
"""Heading of the section whose folder is another checkout."""


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    section: str
    """The heading of the second level that it stands under."""
    language: str
    lines: tuple[str, ...]
    file: str | None
    """Where it is to be saved."""


def blocks() -> list[Block]:
    """All blocks, in their order."""
    return list(_blocks(GUIDE.read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[Block]:
    section, before = "", ""
    lines = iter(text.splitlines())
    for line in lines:
        if opened := re.fullmatch(r"( *)```(\w*)", line):
            indent, language = opened[1], opened[2]
            body: list[str] = []
            for inner in lines:
                if inner == f"{indent}```":
                    break
                body.append(inner.removeprefix(indent))
            saved = re.fullmatch(r"Save as `(/\S+)`:", before)
            yield Block(section, language, tuple(body), saved[1] if saved else None)
        elif line.startswith("## "):
            section = line.removeprefix("## ")
        before = line or before


@dataclass(frozen=True)
class Unit:
    """A systemd unit: what matters of it when it is run without systemd."""

    name: str
    folder: str
    command: str
    environment: dict[str, str]
    text: str


def unit(block: Block) -> Unit:
    """The unit that a block shows.

    Raises:
        KeyError: It has no command or no folder.
    """
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in block.lines)]
    values = dict(pairs)
    environment = dict(value.split("=", 1) for name, value in pairs if name == "Environment")
    return Unit(
        name=Path(str(block.file)).name.removesuffix(".service"),
        folder=values["WorkingDirectory"],
        command=values["ExecStart"],
        environment=environment,
        text="\n".join(block.lines) + "\n",
    )


def units() -> dict[str, Unit]:
    """All units by name; a template's name ends with `@`."""
    found = [unit(block) for block in blocks() if block.language == "ini"]
    return {one.name: one for one in found}


SERVER: Final = "llm-usage-server"
"""Name of the server's unit."""


@dataclass(frozen=True)
class CronLine:
    """A line of a crontab."""

    schedule: str
    command: str
    """As the shell gets it."""


def cron_lines(block: Block) -> list[CronLine]:
    """The lines of a crontab that run something; variables are left out."""
    timed = [line for line in block.lines if not re.match(r"\w+=", line)]
    fields = [line.split(None, 5) for line in timed]
    # In a crontab a percent sign is a new line unless it is escaped.
    return [CronLine(" ".join(words[:5]), words[5].replace("\\%", "%")) for words in fields]
