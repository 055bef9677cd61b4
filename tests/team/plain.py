"""A month read and written without Prefect, and what a Notion holds: for comparison."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from cli.commands.setup import set_up_databases
from notion.client.gateway import Gateway
from notion.workspace import Workspace
from providers.reading import read_source
from sandbox.everything import Sandbox
from tests.team.team import NOW, settings_of
from usage.month import Month
from usage.outcomes.outcome import build_outcomes
from usage.outcomes.rows import LabelledReport
from usage.settings import Settings, load_settings


def collect_plainly(settings: Settings, month: Month) -> None:
    """Read one month from all sources, one after the other, and write it."""
    sources = settings.select()
    workspace = Workspace(settings, frozenset(source.provider for source in sources), Gateway(settings.notion))
    try:
        reports = [asyncio.run(read_source(settings, source, month)) for source in sources]
        readings = [
            LabelledReport(
                report,
                settings.grains[report.source.provider],
                settings.label(report.source),
                settings.credential(report.source).mark,
            )
            for report in reports
        ]
        workspace.publish(workspace.plan(month, build_outcomes(readings, [])), unfiltered=True)
    finally:
        workspace.close()


def clean(months: Iterable[str], keys: Collection[str] | None = None) -> list[Mapping[str, Any]]:
    """What a Notion of its own holds after one undisturbed run for each month."""
    months = list(months)
    with Sandbox(lambda: NOW) as sandbox:
        settings = load_settings(settings_of(sandbox, keys), ())
        set_up_databases(settings)
        for month in months:
            collect_plainly(settings, Month.parse(month))
        return held(sandbox, months)


def held(sandbox: Sandbox, months: Collection[str]) -> list[Mapping[str, Any]]:
    """All rows of these months, with all their figures but the moment of the collection."""
    every = sandbox.notion.store.database("Usages LLM").rows()
    names = {row.id: " | ".join(str(row.value(column)) for column in _NAMES) for row in every}
    figures = [
        {name: value for name, value in row.values().items() if name not in ("Collecte Le", "Service")}
        | {"Service": [service.title for service in row.linked("Service")]}
        | {"Breakdown JSON": _breakdown(row.value("Breakdown JSON"), names)}
        for row in every
        if row.value("Mois") in months
    ]
    return sorted(figures, key=lambda row: [str(row[name]) for name in _NAMES])


_NAMES: Final = ("Identifiant", "Projet/API Key", "Workspace")
"""Columns that tell a row from all others."""


def _breakdown(cell: object, names: Mapping[str, str]) -> Any:
    """A row's breakdown, or a source's receipt: that one names pages, whose ids are others in another Notion."""
    # Amounts stay as they are written.
    breakdown = json.loads(str(cell), parse_float=str) if cell else cell
    if isinstance(breakdown, dict) and "pages" in breakdown:
        breakdown["pages"] = sorted(names[page] for page in breakdown["pages"])
    return breakdown
