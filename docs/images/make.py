"""Renews `notion.png`, the picture in the README: the sandbox's page after some months of collections, in Chromium.

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

from notion.client.gateway import Gateway
from notion.setup.databases import set_up
from notion.workspace import Workspace
from providers.reading import read_source
from sandbox.everything import Sandbox
from usage.month import Month
from usage.outcomes.outcome import build_outcomes
from usage.outcomes.rows import LabelledReport
from usage.settings import load_settings

NOW: Final = datetime(2026, 2, 14, 7, 30, tzinfo=UTC)
MONTHS: Final = 4
"""Months shown, the running one included."""
SIZE: Final = (1500, 900)
"""Pixels."""
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
    """The time of day at which the stand-ins and the job believe to be."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        """The time, UTC."""
        return self.at


def fill(sandbox: Sandbox, clock: Clock, months: int = MONTHS) -> None:
    """Set up the sandbox's Notion and collect so many months, each at its time: closed ones on the next month's second
    day, the running one now. The whole job, but for Prefect."""
    environment = sandbox.environment() | {"LLM_USAGE_ARCHIVE": "off"}
    settings = load_settings(environment, ())
    providers = frozenset(credential.source.provider for credential in settings.credentials)
    gateway = Gateway(settings.notion)
    try:
        set_up(gateway, settings.notion, providers)
        first = Month.of(NOW)
        for _ in range(months - 1):
            first = first.previous()
        for month in first.until(Month.of(NOW)):
            clock.at = min(NOW, month.end + timedelta(days=1, hours=7))
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
        LabelledReport(
            asyncio.run(read_source(settings, source, month)), settings.grains[source.provider], settings.label(source)
        )
        for source in sources
    ]
    workspace = Workspace(settings, frozenset(source.provider for source in sources), gateway=gateway)
    workspace.publish(workspace.plan(month, build_outcomes(readings, ())), unfiltered=True)


def main() -> None:
    """Make the picture."""
    program = browser()
    if program is None:
        raise SystemExit("Chromium is needed")
    picture, clock = Path(__file__).with_name("notion.png"), Clock()
    with Sandbox(clock) as sandbox:
        fill(sandbox, clock)
        look(program, sandbox.origin, f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={picture}")
    print(f"{picture}: {picture.stat().st_size // 1024} KB", file=sys.stderr)


if __name__ == "__main__":
    main()
