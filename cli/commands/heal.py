"""`llm-usage heal`: show what would bring rows of older collectors in order, ask, and do it.

What people wrote is never lost.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from cli.display import Display, literal, new_table, out
from cli.prefect_server.server import prefect_server
from cli.prefect_server.settings import DEFAULTS, is_configured, prefect_home, prefect_settings
from notion.client.gateway import Gateway
from notion.heal.healing import Healing
from notion.plan.steps import Action, Step
from notion.rows.values import COLUMNS
from notion.workspace import Workspace
from tasks.prefect.limits import SharedPace, one_writer
from usage.errors import SettingsError
from usage.language.marks import headings
from usage.language.reader import phrase
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.outcomes.progress import RowsWritten, tell
from usage.settings import load_settings


class LeftToYou(BaseModel):
    """A row that only a person can make one with another."""

    model_config = ConfigDict(frozen=True)

    month: str
    row: str
    kept: str | None
    """Address of the row that would stay; None where there is none in this month."""
    other: str
    """Address of the row itself."""
    columns: tuple[str, ...]
    """Columns of people's in which the two can't become one."""
    why: Sentence


class HealStep(BaseModel):
    """One row's turn."""

    model_config = ConfigDict(frozen=True)

    action: str
    month: str
    row: str
    columns: tuple[str, ...]
    """Columns that an update changes."""
    why: Sentence


class HealResult(BaseModel):
    """What was done, or would be: the object that `--json` prints. Counts are pages of *Usages*."""

    model_config = ConfigDict(frozen=True)

    months: tuple[str, ...]
    """Months in which something was done or is left."""
    merged: int
    """Rows that stand for their doubles now."""
    trashed: int
    """Doubles and error rows that were moved to the trash."""
    completed: int
    """Other rows that were given their id or workspace."""
    linked: int
    """Other rows that were given the service that their title names."""
    adopted: int
    """Other rows, of another hand, that were taken over as they are."""
    left: tuple[LeftToYou, ...]
    skipped: int
    """Rows that somebody changed meanwhile, or whose notes Notion refused: they are as they were."""
    requests: int
    plan: tuple[HealStep, ...] | None = None
    """Of a dry run."""


def run(arguments: argparse.Namespace) -> int:
    """Show what is to be done, ask, heal and report; 1 when something is left to a person or to another run.

    Raises:
        SettingsError: Nobody can be asked, and neither `--yes` nor `--dry-run` is given.
    """
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now()) if arguments.month else None
    asks = not (arguments.yes or arguments.dry_run)
    if asks and (arguments.json or not sys.stdin.isatty()):
        raise SettingsError(
            say(
                "heal asks before it writes, and here nobody can answer: add --dry-run to see what it would do, "
                "or --yes to let it write"
            )
        )
    turns = _Turns(SharedPace(settings.notion))
    with closing(Gateway(settings.notion, pace=turns.pace)) as gateway:
        with Display(quiet=arguments.json):
            workspace = Workspace(settings, frozenset(), gateway, on_write=turns.tell)
            healing = done = workspace.healing(month)
        writes = bool(healing.steps) and not arguments.dry_run
        if writes and asks and not _is_wanted(healing):
            return 1
        if writes:
            with Display(quiet=arguments.json), turns.among_workers():
                done = workspace.heal(healing, turns.turn)
        result = _result(healing, done, workspace.requests, dry_run=arguments.dry_run)
    if arguments.json:
        # As that of the other commands: texts about rows are as Notion's cells have them.
        language = settings.reports.notion_language
        print(result.model_dump_json(exclude=None if arguments.dry_run else {"plan"}, context=language))
    else:
        _print(done, result, is_shown=writes and asks)
    return 1 if result.left or result.skipped else 0


def _is_wanted(healing: Healing) -> bool:
    """Show the plan and ask; only a yes in so many words is one."""
    console = out()
    console.print(_table(healing, phrase("Plan")))
    console.print(phrase("What people wrote stays; what goes to the trash can be restored there."), soft_wrap=True)
    try:
        answer = input(phrase("Write to {number} rows? [y/N] ", number=len(healing.steps)))
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes", "o", "oui"):
        return True
    console.print(phrase("Nothing was written."))
    return False


class _Turns:
    """The months' turns. Workers know of them where a Prefect server is named; none is started for them."""

    def __init__(self, pace: SharedPace) -> None:
        self.pace = pace
        self._are_shared = False
        self._month: Month | None = None

    @contextmanager
    def among_workers(self) -> Iterator[None]:
        """Share the months and the pace with all workers while the block runs, where a server is named.

        Raises:
            ServerError: It can't be reached.
        """
        settings = prefect_settings()
        # Before Prefect is imported, which looking for its server may take.
        os.environ |= {name: value for name, value in DEFAULTS.items() if name not in settings}
        if not is_configured(settings, prefect_home()):
            yield
            return
        with prefect_server() as server:
            server.wait()
            self.pace.share()
            self._are_shared = True
            yield

    @contextmanager
    def turn(self, month: Month) -> Iterator[None]:
        """Write one month."""
        self._month = month
        with one_writer(month) if self._are_shared else nullcontext():
            yield

    def tell(self, done: int, total: int) -> None:
        """Tell whoever watches how many rows of the month are written."""
        if self._month is not None:
            tell(RowsWritten(self._month, done, total, (total - done) * self.pace.interval))


def _result(healing: Healing, done: Healing, requests: int, *, dry_run: bool) -> HealResult:
    left = tuple(
        LeftToYou(
            month=one.month,
            row=one.other.values.title,
            kept=None if one.kept is None else one.kept.url,
            other=one.other.url,
            columns=tuple(map(str, one.columns)),
            why=one.why,
        )
        for one in healing.left
    )
    months = {step.values.month for step in healing.steps} | {one.month for one in left}
    return HealResult(
        months=tuple(sorted(months)),
        merged=done.merged,
        trashed=sum(step.action is Action.TRASH for step in done.steps),
        completed=done.completed,
        linked=done.linked,
        adopted=done.adopted,
        left=left,
        skipped=len(healing.steps) - len(done.steps),
        requests=requests,
        plan=tuple(_step(step) for step in healing.steps) if dry_run else None,
    )


def _step(step: Step) -> HealStep:
    columns = (*(COLUMNS[name] for name in step.fields), *(note.name for note in step.notes))
    values = step.values
    return HealStep(action=step.action.value, month=values.month, row=values.title, columns=columns, why=step.why)


def _print(done: Healing, result: HealResult, *, is_shown: bool) -> None:
    """A table of steps, where it was not shown before, the counts, and what is left to a person."""
    console, would = out(), result.plan is not None
    if done.steps and not is_shown:
        console.print(_table(done, phrase("Plan") if would else phrase("Healed")))
    if not result.months:
        console.print(phrase("Nothing to heal ({requests} requests).", requests=result.requests))
        return
    console.print(_counts(result), soft_wrap=True)
    if result.skipped:
        console.print(
            phrase(
                "{number} rows stay as they are: changed meanwhile, or Notion refuses their notes; run it again.",
                number=result.skipped,
            ),
            style="yellow",
            soft_wrap=True,
        )
    for one in result.left:
        console.print(literal(say("{row}: {why}", row=one.row, why=one.why)), style="yellow", soft_wrap=True)
        for address in (one.kept, one.other):
            if address is not None:
                console.print(literal(f"  {address}"), soft_wrap=True)


def _counts(result: HealResult) -> str:
    """What was done in Notion, or would be."""
    numbers = result.model_dump(include={"merged", "trashed", "completed", "linked", "adopted", "requests"})
    numbers["left"] = len(result.left)
    if result.plan is not None:
        return phrase(
            "Notion: {merged} rows would be merged, {trashed} trashed, {completed} completed, {linked} linked, "
            "{adopted} taken over, {left} left to you ({requests} requests).",
            **numbers,
        )
    return phrase(
        "Notion: {merged} rows were merged, {trashed} trashed, {completed} completed, {linked} linked, {adopted} taken "
        "over, {left} left to you ({requests} requests).",
        **numbers,
    )


def _table(healing: Healing, title: str) -> Table:
    table = new_table(title, headings("Columns", "Why"))
    for name in headings("Do", "Row", "Columns", "Why"):
        table.add(name)
    for step in map(_step, healing.steps):
        table.add_row(step.action, literal(step.row), literal(", ".join(step.columns)), literal(step.why))
    return table
