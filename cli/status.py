"""`llm-usage status`: what Notion holds."""

from __future__ import annotations

import argparse

from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

from cli.display import STYLES, new_table, out
from notion.gateway import Gateway
from notion.publish import Workspace
from notion.summary import MonthStatus, summarise
from usage.month import Month
from usage.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print month x provider; always 0."""
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now()) if arguments.month else None
    gateway = Gateway(settings.notion)
    try:
        workspace = Workspace(settings, frozenset(), gateway=gateway)
        lines = summarise(workspace.rows(month), workspace.services)
    finally:
        gateway.close()
    if arguments.json:
        print('{"months": ' + TypeAdapter(tuple[MonthStatus, ...]).dump_json(lines).decode() + "}")
    elif lines:
        out().print(_table(lines))
    else:
        out().print("Nothing has been collected yet: llm-usage collect does it.")
    return 0


def _table(lines: tuple[MonthStatus, ...]) -> Table:
    table = new_table("Usages in Notion")
    for name in ("Month", "Provider", "Status", "Cost USD", "Rows", "Last collection (UTC)"):
        table.add_column(name, justify="right" if name in ("Cost USD", "Rows") else "left")
    for line in lines:
        table.add_row(
            line.month,
            line.provider.label,
            Text("–") if line.status is None else Text(line.status.value, style=STYLES[line.status]),
            "–" if line.cost_usd is None else f"{line.cost_usd:,.2f}",
            str(line.rows),
            "–" if line.last_collection is None else f"{line.last_collection:%Y-%m-%d %H:%M}",
        )
    return table
