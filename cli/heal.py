"""`llm-usage heal`: bring rows of older collectors in order, without losing what people wrote."""

from __future__ import annotations

import argparse

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from cli.display import new_table, out, shown
from notion.gateway import Gateway
from notion.healing import Healing
from notion.publish import Workspace
from notion.rows import COLUMNS
from notion.steps import Action, Step
from usage.month import Month
from usage.settings import load_settings


class LeftToYou(BaseModel):
    """Two rows that only a person can make one."""

    model_config = ConfigDict(frozen=True)

    month: str
    row: str
    kept: str
    """Address of the row that would stay."""
    other: str
    """Address of its double."""
    columns: tuple[str, ...]
    """Columns of people's in which the two can't become one."""
    why: str


class HealStep(BaseModel):
    """One row's turn."""

    model_config = ConfigDict(frozen=True)

    action: str
    month: str
    row: str
    columns: tuple[str, ...]
    """Columns that an update changes."""
    why: str


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
    left: tuple[LeftToYou, ...]
    requests: int
    plan: tuple[HealStep, ...] | None = None
    """Of a dry run."""


def run(arguments: argparse.Namespace) -> int:
    """Heal and report; 1 when something is left to a person."""
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now()) if arguments.month else None
    gateway = Gateway(settings.notion)
    try:
        workspace = Workspace(settings, frozenset(), gateway=gateway)
        healing = workspace.healing(month)
        if not arguments.dry_run:
            workspace.heal(healing)
        result = _result(healing, workspace.requests, dry_run=arguments.dry_run)
    finally:
        gateway.close()
    if arguments.json:
        print(result.model_dump_json(exclude=None if arguments.dry_run else {"plan"}))
    else:
        _print(healing, result)
    return 1 if result.left else 0


def _result(healing: Healing, requests: int, *, dry_run: bool) -> HealResult:
    left = tuple(
        LeftToYou(
            month=one.month,
            row=one.kept.values.identifiant,
            kept=one.kept.url,
            other=one.other.url,
            columns=one.columns,
            why=one.why,
        )
        for one in healing.left
    )
    months = {step.values.mois for step in healing.steps} | {one.month for one in left}
    return HealResult(
        months=tuple(sorted(months)),
        merged=healing.merged,
        trashed=sum(step.action is Action.TRASH for step in healing.steps),
        completed=healing.completed,
        left=left,
        requests=requests,
        plan=tuple(_step(step) for step in healing.steps) if dry_run else None,
    )


def _step(step: Step) -> HealStep:
    columns = (*(COLUMNS[name] for name in step.fields), *(note.name for note in step.notes))
    values = step.values
    return HealStep(action=step.action.value, month=values.mois, row=values.identifiant, columns=columns, why=step.why)


def _print(healing: Healing, result: HealResult) -> None:
    """A table of steps, the counts, and what is left to a person."""
    console, would = out(), result.plan is not None
    if healing.steps:
        console.print(_table(healing, "Plan" if would else "Healed"))
    if not healing.steps and not result.left:
        console.print(f"Nothing to heal ({result.requests} requests).")
        return
    verb = "would be" if would else "were"
    console.print(
        f"Notion: {result.merged} rows {verb} merged, {result.trashed} trashed, {result.completed} completed, "
        f"{len(result.left)} left to you ({result.requests} requests).",
        soft_wrap=True,
    )
    for one in result.left:
        console.print(shown(f"{one.row}: {one.why}"), style="yellow", soft_wrap=True)
        console.print(shown(f"  {one.kept}"), soft_wrap=True)
        console.print(shown(f"  {one.other}"), soft_wrap=True)


def _table(healing: Healing, title: str) -> Table:
    table = new_table(title)
    for name in ("Do", "Row", "Columns", "Why"):
        table.add_column(name)
    for step in map(_step, healing.steps):
        table.add_row(step.action, shown(step.row), shown(", ".join(step.columns)), shown(step.why))
    return table
