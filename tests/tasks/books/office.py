"""Months in the sandbox, collected without Prefect: providers, archive and Notion are what they always are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Self

from notion.client.gateway import Gateway
from notion.setup.databases import set_up
from notion.workspace import Workspace
from providers.reading import read_source
from reports.ledger import Ledger, MonthLedger
from sandbox.everything import Sandbox
from sandbox.notion.store import Row
from tasks.books.gather import gather
from tasks.keep import Keeper
from tests.notion.office import Unhurried
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.outcome import SourceOutcome, build_outcomes
from usage.outcomes.rows import LabelledReport
from usage.settings import Settings, load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
DECEMBER, JANUARY, FEBRUARY = Month(2025, 12), Month(2026, 1), Month(2026, 2)


@dataclass
class Clock:
    """Everybody's clock."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Books:
    """A sandbox, an archive, and the two databases."""

    sandbox: Sandbox
    folder: Path
    clock: Clock
    more: dict[str, str] = field(default_factory=dict)
    """Variables beside the sandbox's."""

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, believable: bool = False) -> Iterator[Self]:
        """Both databases, and nothing in them yet."""
        clock = Clock()
        with Sandbox(clock, believable=believable) as sandbox:
            books = cls(sandbox, folder, clock)
            books.set_up()
            yield books

    def settings(self, **more: str) -> Settings:
        variables = self.sandbox.environment() | {
            "LLM_USAGE_NOW": self.clock.now.isoformat(),
            "LLM_USAGE_ARCHIVE": str(self.folder / "archive"),
        }
        return load_settings(variables | self.more | more, None)

    @contextmanager
    def workspace(self, settings: Settings) -> Iterator[Workspace]:
        with closing(Gateway(settings.notion, pace=Unhurried("test", 60_000, folder=self.folder))) as gateway:
            yield Workspace(settings, frozenset(), gateway)

    def set_up(self) -> None:
        settings = self.settings()
        with closing(Gateway(settings.notion, pace=Unhurried("test", 60_000, folder=self.folder))) as gateway:
            set_up(gateway, settings.notion, frozenset(ProviderName))

    def collect(self, month: Month, *providers: ProviderName, dry_run: bool = False) -> None:
        settings, outcomes = self.settings(), self.outcomes(month, *providers)
        with self.workspace(settings) as workspace:
            plan = workspace.plan(month, outcomes)
            if not dry_run:
                workspace.publish(plan, unfiltered=not providers)

    def outcomes(self, month: Month, *providers: ProviderName) -> tuple[SourceOutcome, ...]:
        """What the sources bring; it is kept in the archive."""
        settings = self.settings()
        return build_outcomes([self._read(settings, source, month) for source in settings.select(providers)], [])

    def _read(self, settings: Settings, source: Source, month: Month) -> LabelledReport:
        keeper = Keeper(settings)
        report = asyncio.run(read_source(settings, source, month, listener=keeper.listener, now=settings.now()))
        assert not keeper.keep(report, settings.now())
        mark = settings.credential(source).mark
        return LabelledReport(report.by_month(), settings.grains[source.provider], settings.label(source), mark)

    def ledger(self, *months: Month, **more: str) -> Ledger:
        settings = self.settings(**more)
        with self.workspace(settings) as workspace:
            return gather(settings, workspace, months)

    def rows(self, month: Month) -> list[Row]:
        """Rows of *Usages* that are no source's own."""
        rows: Sequence[Row] = self.sandbox.notion.store.database("Usages LLM").rows()
        return [row for row in rows if row.value("Mois") == str(month) and row.value("Projet/API Key") != "(collecte)"]


def shown(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """Keys and figures in Notion."""
    return sorted(
        (
            str(row.value("Projet/API Key")),
            *(row.value(name) for name in ("Cout USD", "Tokens Input", "Tokens Output", "Requetes")),
        )
        for row in rows
    )


def told(month: MonthLedger) -> list[tuple[object, ...]]:
    """The same of a ledger: costs as Notion keeps them."""
    return sorted((row.key, _double(row.cost), row.tokens_input, row.tokens_output, row.requests) for row in month.rows)


def _double(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
