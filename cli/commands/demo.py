"""`llm-usage demo`: the whole job against a sandbox, with no key and no network."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.commands.backfill import backfill_range
from cli.commands.collect import collect_month
from cli.commands.reporting.report import show_copy
from cli.commands.setup import print_setup, set_up_databases
from cli.display import literal, new_table, out, print_beside, print_result
from cli.prefect_server.ending import if_stopped
from cli.prefect_server.server import PrefectServer, prefect_server
from reports.page.figures.report import last_months
from tasks.backfill.ranges import Range
from usage.errors import SettingsError
from usage.language.choice import LANGUAGE
from usage.language.marks import to_say
from usage.language.reader import phrase
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.month import Month
from usage.settings import load_settings
from usage.settings.slips import VARIABLES

try:
    from sandbox.agency.budgets import BUDGETS
    from sandbox.agency.columns import CLIENT, TEAM, add_columns, fill_columns
    from sandbox.everything import Sandbox
    from sandbox.notion.screen.tables import Table as NotionTable
except ModuleNotFoundError as error:
    # Rare today, because Prefect brings both; it may stop doing so.
    missing = (error.name or "").partition(".")[0]
    if missing not in ("starlette", "uvicorn"):
        raise
    raise SettingsError(
        say(
            "the demo needs {missing}, which is not installed: `pip install '.[demo]'` in the project's folder",
            missing=missing,
        )
    ) from error

_OURS = ("PREFECT_", *{f"{name.partition('_')[0]}_" for name in VARIABLES})
"""How variables begin that would lead out of the sandbox."""
_USAGES = "Usages LLM"
_WORLDS = {
    False: to_say("Every figure is invented, and so is the agency whose projects you see."),
    True: to_say("Every figure is invented, and some names are awkward on purpose, as real ones are."),
}
"""What there is to say of the world, by whether it is awkward."""
_SHOWN = {
    "Services LLM": ("Nom", "Statut", "Total Cout USD", "Total Tokens", "Nombre Collectes", "Derniere Collecte"),
    _USAGES: ("Identifiant", "Client", "Cout USD", "Tokens Total", "Requetes", "Modeles", "Statut Collecte"),
}
_EARLIER = 6
"""Months before the one that is collected: as many as tell what is usual."""
_GIVE_WAY = (
    *("Nombre Collectes", "Derniere Collecte", "Total Tokens", "Statut"),
    *("Modeles", "Requetes", "Tokens Total", "Statut Collecte", "Client"),
)
"""Columns that a narrow terminal does without."""
_LONG = ("Identifiant", "Modeles")
"""Columns that may be cut where the terminal is narrow."""


def run(arguments: argparse.Namespace) -> int:
    """Set up, collect, show, collect again; 0 when the second collection added nothing.

    On a terminal, it then leaves the sandbox up for a look at its page, until Enter.
    """
    console = out()
    with (
        _folder() as folder,
        Sandbox(believable=not arguments.awkward) as sandbox,
        _only_the_sandbox(folder, sandbox),
        prefect_server() as server,
    ):
        console.print(phrase("The whole job against stand-ins of the six APIs on this machine."))
        console.print(phrase(_WORLDS[arguments.awkward]))
        month = Month.resolve(arguments.month, load_settings().now())
        _say(console, "1. llm-usage setup")
        print_setup(set_up_databases(load_settings()))
        before = _earlier_months(console, sandbox, server, month, awkward=arguments.awkward)
        _say(console, f"3. llm-usage collect --month {month}")
        first = collect_month(server, month)
        print_result(first)
        _say(console, phrase("4. What stands in Notion now"))
        for table in sandbox.notion.store.tables():
            console.print(_as_table(table, month))
        console.print("\n" + phrase("What each source says in its own row (Log Status):"), style="bold")
        for source in first.sources:
            told = phrase("{source}: {reason}", source=source.provider.label, reason=source.log)
            console.print(literal(told), soft_wrap=True)
        _say(console, phrase("5. llm-usage collect, once more: only each source's own row is touched, with the time"))
        again = collect_month(server, month)
        print_result(again)
        command = f"llm-usage report --month {month} --months {_EARLIER + 1}"
        _say(console, phrase("6. {command}: the month as one page", command=command))
        console.print(literal(str(show_copy(load_settings(), month, _EARLIER + 1))), soft_wrap=True)
        if sys.stdin.isatty() and sys.stdout.isatty():
            _wait(console, sandbox.origin)
    return 0 if before and first.succeeded and again.succeeded and again.notion.created == 0 else 1


def _earlier_months(console: Console, sandbox: Sandbox, server: PrefectServer, month: Month, *, awkward: bool) -> bool:
    """Collect the months before, so that there is something to compare with, and note in them what people note; whether
    all went well."""
    first, *_, last = last_months(month.previous(), _EARLIER)
    _say(console, f"2. llm-usage backfill {first} {last}")
    asked = Range(str(first), str(last))
    results, message, ended = backfill_range(server, asked, load_settings().select(()))
    console.print(literal(message), soft_wrap=True)
    if ended is not None:
        console.print(literal(ended.total), style="bold")
        print_beside(ended.comparison)
    if not awkward:
        _write_what_people_note(console, sandbox)
    return all(result.succeeded for result in results)


def _write_what_people_note(console: Console, sandbox: Sandbox) -> None:
    """Columns of their own, which follow into the next month, and budgets."""
    store = sandbox.notion.store
    add_columns(store, _USAGES)
    fill_columns(store, _USAGES)
    Path("budgets.toml").write_text(BUDGETS, "utf-8")
    os.environ["NOTION_CARRY_COLUMNS"] = f"{CLIENT}, {TEAM}"
    console.print(
        phrase(
            "Somebody has added two columns to {database}, {client} and {team}, and filled them in. New rows take them "
            'over (NOTION_CARRY_COLUMNS="{client}, {team}"); budgets.toml says what a month may cost.',
            database=_USAGES,
            client=CLIENT,
            team=TEAM,
        ),
        soft_wrap=True,
    )


@contextmanager
def _folder() -> Iterator[str]:
    """A folder that goes away, also when the program is stopped.

    Raises:
        SettingsError: There is no place for one.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="llm-usage-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise SettingsError(
            say("TMPDIR: no temporary folder can be written ({strerror}); name one", strerror=reason_of(error))
        ) from error
    with folder, if_stopped(folder.cleanup):
        yield folder.name


def _wait(console: Console, address: str) -> None:
    """Say where the page is, and wait for Enter or the end of input; Ctrl-C ends the program as anywhere else."""
    _say(console, phrase("7. The two databases in your browser"))
    console.print(f"[bold]{address}[/bold]\n{phrase('Press Enter to end the demo.')}", highlight=False)
    sys.stdin.readline()


@contextmanager
def _only_the_sandbox(folder: str, sandbox: Sandbox) -> Iterator[None]:
    """The sandbox's settings and the user's language: no key of this machine, no `.env`, no server of theirs."""
    before, place = dict(os.environ), os.getcwd()
    for name in [name for name in os.environ if name.startswith(_OURS) and name != LANGUAGE]:
        del os.environ[name]
    os.environ.update(sandbox.environment())
    os.environ["PREFECT_HOME"] = folder
    os.environ["LLM_USAGE_ARCHIVE"] = os.path.join(folder, "archive")
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


def _say(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]   [dim]{datetime.now(UTC):%H:%M:%S} UTC[/dim]")


def _as_table(notion: NotionTable, month: Month) -> Table:
    """A database as a table; of one with months, the rows of a month."""
    table = new_table(notion.title, _GIVE_WAY)
    wanted = [name for name in _SHOWN.get(notion.title, notion.columns) if name in notion.columns]
    for name in wanted:
        if name in _LONG:
            table.add_column(name, overflow="ellipsis", max_width=48, min_width=8, no_wrap=True)
        else:
            longest = max((len(row[notion.columns.index(name)]) for row in notion.rows), default=0)
            # Half a figure would be another figure.
            table.add_column(name, min_width=longest, no_wrap=True)
    places = [notion.columns.index(name) for name in wanted]
    rows = notion.rows
    if "Mois" in notion.columns:
        rows = tuple(row for row in rows if row[notion.columns.index("Mois")] == str(month))
    for row in rows:
        table.add_row(*(literal(row[place]) for place in places))
    return table
