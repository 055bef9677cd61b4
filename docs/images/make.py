"""Renews the README's pictures, in Chromium, from a believable agency: `notion.png`, the sandbox's page after some
months of collections, and `monthly-report.png`, the report of its last month, with budgets and clients.

    python -m docs.images.make

Needs Chromium or Chrome on the path. The figures are invented, and the same each time.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cli.commands.reporting.report import page_of
from notion.client.gateway import Gateway
from notion.setup.databases import set_up
from notion.workspace import Workspace
from providers.reading import read_source
from reports.page.figures.report import last_months
from sandbox.agency.budgets import BUDGETS
from sandbox.agency.columns import CLIENT, TEAM, add_columns, fill_columns
from sandbox.everything import Sandbox
from tasks.keep import Keeper
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month
from usage.names import Source
from usage.outcomes.outcome import build_outcomes
from usage.outcomes.report import SourceReport
from usage.outcomes.rows import LabelledReport
from usage.settings import Settings, load_settings

NOW: Final = datetime(2026, 2, 14, 7, 30, tzinfo=UTC)
MONTHS: Final = 4
"""Months shown, the running one included."""
SIZE: Final = (1500, 900)
"""Pixels."""
REPORT_NOW: Final = datetime(2026, 6, 14, 7, 30, tzinfo=UTC)
REPORT_MONTHS: Final = 13
"""Months behind the report, the running one included."""
REPORT_SIZE: Final = (1180, 1700)
"""Pixels; the page is longer."""
QUIET: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
"""Flags of a browser that opens no window and asks nobody else anything."""


class Clock:
    """The time at which the stand-ins and the job believe to be."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def __call__(self) -> datetime:
        """The time, UTC."""
        return self.at


def fill(sandbox: Sandbox, clock: Clock, months: int = MONTHS, archive: Path | None = None) -> None:
    """Set up the sandbox's Notion and collect so many months, each at its time: closed ones on the next month's second
    day, the running one now; readings are kept in a folder, if there is one. The whole job, but for Prefect."""
    now = clock.at
    environment = sandbox.environment() | {"LLM_USAGE_ARCHIVE": "off" if archive is None else str(archive)}
    settings = load_settings(environment, ())
    providers = frozenset(credential.source.provider for credential in settings.credentials)
    gateway = Gateway(settings.notion)
    try:
        set_up(gateway, settings.notion, providers)
        for month in last_months(Month.of(now), months):
            clock.at = min(now, month.end + timedelta(days=1, hours=7))
            _collect(environment | {"LLM_USAGE_NOW": clock.at.isoformat()}, gateway, month)
    finally:
        gateway.close()


def browser() -> str | None:
    """Path of Chromium or Chrome, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for path in map(shutil.which, names) if path is not None), None)


def look(program: str, address: str, *flags: str) -> bytes:
    """Open a page in a browser that is new each time, with no window; what it prints with these flags.

    Raises:
        subprocess.CalledProcessError: It did not start.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, *QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=5000", *flags, address]
        # Our own flags, on a page of our own.
        return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout  # noqa: S603


def _collect(environment: Mapping[str, str], gateway: Gateway, month: Month) -> None:
    settings = load_settings(environment, ())
    sources = [credential.source for credential in settings.credentials]
    readings = [
        LabelledReport(_read(settings, source, month), settings.grains[source.provider], settings.label(source))
        for source in sources
    ]
    workspace = Workspace(settings, frozenset(source.provider for source in sources), gateway=gateway)
    workspace.publish(workspace.plan(month, build_outcomes(readings, ())), unfiltered=True)


def _read(settings: Settings, source: Source, month: Month) -> SourceReport:
    keeper = Keeper(settings)
    report = asyncio.run(read_source(settings, source, month, listener=keeper.listener, now=settings.now()))
    keeper.keep(report, settings.now())
    return report.by_month()


def agency_page(folder: Path) -> str:
    """The report of an agency's last month, in English, after a year of collections."""
    clock, budgets = Clock(REPORT_NOW), folder / "budgets.toml"
    budgets.write_text(BUDGETS, "utf-8")
    with Sandbox(clock, believable=True) as sandbox:
        fill(sandbox, clock, REPORT_MONTHS, folder / "archive")
        add_columns(sandbox.notion.store, "Usages LLM")
        fill_columns(sandbox.notion.store, "Usages LLM")
        environment = sandbox.environment() | {
            "LLM_USAGE_ARCHIVE": str(folder / "archive"),
            "LLM_USAGE_NOW": REPORT_NOW.isoformat(),
            "LLM_USAGE_BUDGETS_FILE": str(budgets),
            "NOTION_CARRY_COLUMNS": f"{CLIENT}, {TEAM}",
        }
        return page_of(load_settings(environment, ()), Month.of(REPORT_NOW).previous(), Words(Language.EN))


def main() -> None:
    """Make the pictures."""
    program = browser()
    if program is None:
        raise SystemExit("Chromium is needed")
    for name, size, make in (("notion", SIZE, _look_at_notion), ("monthly-report", REPORT_SIZE, _look_at_report)):
        picture = Path(__file__).with_name(f"{name}.png")
        make(program, f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}")
        print(f"{picture}: {picture.stat().st_size // 1024} KB", file=sys.stderr)


def _look_at_notion(program: str, *flags: str) -> None:
    clock = Clock(REPORT_NOW)
    with Sandbox(clock, believable=True) as sandbox:
        fill(sandbox, clock)
        add_columns(sandbox.notion.store, "Usages LLM")
        fill_columns(sandbox.notion.store, "Usages LLM")
        look(program, sandbox.origin, *flags)


def _look_at_report(program: str, *flags: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(agency_page(Path(folder)), "utf-8")
        look(program, page.as_uri(), *flags)


if __name__ == "__main__":
    main()
