"""`llm-usage status`: what Notion holds."""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import datetime

from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

from cli.display import STYLES, new_table, out
from notion.client.gateway import Gateway
from notion.summary import MonthStatus, summarise
from notion.workspace import Workspace
from usage.errors import SettingsError
from usage.month import Month
from usage.outcomes.story import running_mark
from usage.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print month x provider; always 0."""
    settings = load_settings()
    now = settings.now()
    month = Month.resolve(arguments.month, now) if arguments.month else None
    with closing(Gateway(settings.notion)) as gateway:
        workspace = Workspace(settings, frozenset(), gateway)
        lines = summarise(workspace.rows(month), workspace.services)
    if arguments.json:
        print('{"months": ' + TypeAdapter(tuple[MonthStatus, ...]).dump_json(lines).decode() + "}")
    elif lines:
        out().print(_table(lines, now))
    else:
        out().print("Nothing has been collected yet: llm-usage collect does it.")
    return 0


def _table(lines: tuple[MonthStatus, ...], now: datetime) -> Table:
    table = new_table("Usages in Notion")
    marks = [_running(line.month, now) for line in lines]
    figure = ("Cost USD", "") if any(marks) else ("Cost USD",)
    for name in ("Month", "Provider", "Status", *figure, "Rows", "Figures of (UTC)", "Last attempt (UTC)"):
        table.add_column(name, justify="right" if name in ("Cost USD", "Rows") else "left")
    for line, mark in zip(lines, marks, strict=True):
        table.add_row(
            line.month,
            line.provider.label,
            Text("–") if line.status is None else Text(line.status.value, style=STYLES[line.status]),
            "–" if line.cost_usd is None else f"{line.cost_usd:,.2f}",
            *((mark,) if any(marks) else ()),
            str(line.rows),
            _minute(line.figures_at),
            _minute(line.last_collection),
        )
    return table


def _running(month: str, now: datetime) -> str:
    try:
        return running_mark(Month.parse(month), now)
    except SettingsError:
        # Somebody has written something else into `Mois`.
        return ""


def _minute(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
