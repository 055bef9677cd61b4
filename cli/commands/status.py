"""`llm-usage status`: what Notion holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

from cli.display import STYLES, new_table, note, noting_warnings, out, print_beside, words_of
from cli.leaving import leaving_soon
from cli.proofs import proofs_json, proofs_table
from notion.client.gateway import Gateway
from notion.collected import read_collected
from notion.rows.values import Existing
from notion.summary import MonthStatus, prove, summarise
from notion.workspace import Workspace
from usage.errors import SettingsError
from usage.language.marks import headings
from usage.language.reader import phrase
from usage.language.words import Words
from usage.month import Month
from usage.outcomes.naming import state_name, status_name
from usage.outcomes.out_of_reach import Leaving
from usage.outcomes.story import running_mark
from usage.outcomes.told import Told
from usage.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print month x provider; always 0."""
    settings = load_settings()
    now = settings.now()
    months = Month.resolve_range(arguments.month, now) if arguments.month else ()
    with closing(Gateway(settings.notion)) as gateway, noting_warnings():
        workspace = Workspace(settings, frozenset(), gateway)
        rows = [row for month in months for row in workspace.rows(month)] if months else workspace.rows()
        lines = summarise(rows, workspace.services, now)
        proofs = prove(rows, workspace.services) if arguments.proof else None
        soon = _leaving(settings, workspace, months, rows)
        told = _beside(settings, workspace, months, rows)
    if arguments.json:
        print(_json(lines, soon, None if proofs is None else proofs_json(proofs, now), told))
        return 0
    console = out()
    if lines:
        words = words_of(told)
        console.print(_table(lines, now, words) if proofs is None else proofs_table(proofs, now, words))
    else:
        console.print(_nothing(months), soft_wrap=True)
    for one in soon:
        console.print(note(one.sentence), soft_wrap=True)
    print_beside(told)
    return 0


def _nothing(months: Sequence[Month]) -> str:
    """That nothing is there, in all or of some months, and what to do."""
    if not months:
        return phrase("Nothing has been collected yet: llm-usage collect does it.")
    if len(months) == 1:
        return phrase("{month} was never collected: llm-usage collect --month {month} does it", month=months[0])
    return phrase(
        "Nothing of {first} to {last} has been collected: llm-usage backfill {first} {last} does it.",
        first=min(months),
        last=max(months),
    )


def _beside(settings: Settings, workspace: Workspace, months: Sequence[Month], rows: Sequence[Existing]) -> Told | None:
    """The last month that was asked for, else the latest, beside the one before; None where there is nothing of it."""
    by_month: dict[str, list[Existing]] = {}
    for row in rows:
        by_month.setdefault(row.values.month, []).append(row)
    last = months[-1] if months else _latest(by_month)
    if last is None or str(last) not in by_month:
        return None
    from tasks.books.beside import tell_beside  # noqa: PLC0415  # half a second

    # Where all rows were read, so were those of the month before.
    read = months or (last.previous(), last)
    known = {one: by_month.get(str(one), []) for one in (last.previous(), last) if one in read}
    return tell_beside(settings, workspace, last, known)


def _latest(months: Iterable[str]) -> Month | None:
    found = []
    for text in months:
        # Somebody may have written something else into `Mois`.
        with suppress(SettingsError):
            found.append(Month.parse(text))
    return max(found, default=None)


def _leaving(
    settings: Settings, workspace: Workspace, months: Sequence[Month], rows: Sequence[Existing]
) -> tuple[Leaving, ...]:
    """What soon gets out of reach; where some months were asked for, those in question are read as well."""
    might = leaving_soon(settings, workspace.inactive)
    others = sorted({one.month for one in might} - {*months}) if months else []
    known = [*rows, *(row for other in others for row in workspace.rows(other))]
    pages = {service.provider: service.page_id for service in workspace.services}
    return leaving_soon(settings, workspace.inactive, read_collected(known, pages)) if might else ()


def _json(lines: tuple[MonthStatus, ...], soon: tuple[Leaving, ...], proofs: str | None, beside: Told | None) -> str:
    """One object. `leaving` is there only where something leaves, `proofs` only with `--proof`, `comparison` only where
    there is a month to compare."""
    months = TypeAdapter(tuple[MonthStatus, ...]).dump_json(lines).decode()
    told = [
        {
            "provider": one.source.provider,
            "account": one.source.account,
            "month": str(one.month),
            "lost": list(one.limit.what),
            "sure": one.limit.sure,
            "last_day": one.last_day,
            "command": one.command,
        }
        for one in soon
    ]
    more = (f', "leaving": {json.dumps(told)}' if told else "") + (f', "proofs": {proofs}' if proofs else "")
    more += "" if beside is None or not beside.compares else f', "comparison": {beside.model_dump_json()}'
    return '{"months": ' + months + more + "}"


def _table(lines: tuple[MonthStatus, ...], now: datetime, words: Words) -> Table:
    table = new_table(
        phrase("Usages in Notion"), headings("Last attempt (UTC)", "Figures of (UTC)", "State", "Rows", "", "Status")
    )
    marks = [_running(line.month, now) for line in lines]
    figure = headings("Cost USD", "") if any(marks) else headings("Cost USD")
    for name in ("Month", "Provider", "State", "Status", *figure, "Rows", "Figures of (UTC)", "Last attempt (UTC)"):
        justify: Literal["left", "right"] = "right" if name in ("Cost USD", "Rows") else "left"
        # Figures that are cut are none; the others give way.
        table.add(name, justify=justify, no_wrap=name in ("Month", "Cost USD"))
    for line, mark in zip(lines, marks, strict=True):
        table.add_row(
            line.month,
            line.provider.label,
            "–" if line.state is None else str(state_name(line.state)),
            Text("–") if line.status is None else Text(str(status_name(line.status)), style=STYLES[line.status]),
            words.amount(line.cost_usd),
            *((mark,) if any(marks) else ()),
            str(line.rows),
            _minute(line.figures_at),
            _minute(line.last_collection),
        )
    return table


def _running(month: str, now: datetime) -> str:
    try:
        return str(running_mark(Month.parse(month), now))
    except SettingsError:
        # Somebody has written something else into `Mois`.
        return ""


def _minute(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
