"""Three months of all five providers, collected once, with what people wrote beside them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cli.main import main
from notion.client.gateway import Gateway
from notion.workspace import Workspace
from reports.ledger import Ledger
from sandbox.everything import Sandbox
from tasks.books.gather import gather
from usage.month import Month
from usage.settings import load_settings

NOW: Final = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
MONTHS: Final = (Month(2025, 12), Month(2026, 1), Month(2026, 2))
SPAN: Final = "2025-12..2026-02"
_OURS: Final = (
    *("OPENAI_", "ANTHROPIC_", "ELEVENLABS_", "XI_", "DEEPGRAM_", "OPENROUTER_"),
    *("NOTION_", "LLM_USAGE_", "REPORT_", "EUR_"),
)
CLIENTS: Final = ("=1+1 & fils", "Été SARL", "Memoways")


@dataclass(frozen=True)
class Told:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Books:
    """The world of the sandbox after three collections."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder

    def collect(self) -> None:
        """Collect the months; then people write down whose rows are whose."""
        assert self("setup", "--json").status == 0
        for month in MONTHS:
            self("collect", "--month", str(month), "--json")
        store = self.sandbox.notion.store
        usages = store.database("Usages LLM")
        store.change_schema(
            usages, {"Client": {"select": {"options": []}}, "Équipe": {"multi_select": {"options": []}}}
        )
        for number, row in enumerate(usages.rows()):
            if row.value("Projet/API Key") != "(collecte)" and number % 4:
                store.edit(row, {"Client": CLIENTS[number % len(CLIENTS)], "Équipe": ("Voix", "-Texte")})

    def __call__(self, *arguments: str, **variables: str) -> Told:
        out, err = io.StringIO(), io.StringIO()
        with self.settings(**variables), redirect_stdout(out), redirect_stderr(err):
            status = main(arguments)
        return Told(status, out.getvalue(), err.getvalue())

    @contextmanager
    def settings(self, **variables: str) -> Iterator[None]:
        """The sandbox's settings and an empty current folder."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(_OURS)]:
                patch.delenv(name)
            own = {"LLM_USAGE_NOW": NOW.isoformat(), "LLM_USAGE_ARCHIVE": str(self.folder / "archive")}
            for name, value in (self.sandbox.environment() | own | {"LLM_USAGE_LANG": "en"} | variables).items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            yield

    def ledger(self) -> Ledger:
        """The months as all surfaces are made from them."""
        with self.settings():
            settings = load_settings()
            with closing(Gateway(settings.notion)) as gateway:
                return gather(settings, Workspace(settings, frozenset(), gateway), MONTHS)
