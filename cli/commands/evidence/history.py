"""`llm-usage history`: which figures changed from one reading to the next, when, and what moved most."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Self

from pydantic import BaseModel, ConfigDict
from rich.text import Text

from archive.archive import Archive, DamagedError
from archive.history import Change, Standing, changes, owners
from archive.journal import Entry
from archive.opening import open_archive
from cli.display import STYLES, literal, new_table, out, print_lines
from cli.moves import Figures, Moved, old_and_new
from usage.errors import SettingsError
from usage.language.marks import headings, to_say
from usage.language.reader import phrase
from usage.language.saying import say, say_count
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.naming import status_name
from usage.settings import load_settings

_STYLES = {Standing.SETTLED: "yellow"}
_WAS = {
    Standing.RUNNING: to_say("running"),
    Standing.PROVISIONAL: to_say("provisional"),
    Standing.INCOMPLETE: to_say("incomplete"),
    Standing.SETTLED: to_say("settled"),
}


class Changed(BaseModel):
    """A reading whose figures differ from those of the one before; times are UTC."""

    model_config = ConfigDict(frozen=True)

    month: str
    provider: ProviderName
    account: str
    read_at: datetime
    """Of the reading that brought the new figures."""
    read_at_before: datetime
    was: Standing
    """How final the old figures were."""
    status: Status
    """Of the reading that brought the new figures."""
    old: Figures
    new: Figures
    moved: int
    """How many days, projects or keys, and models moved."""
    moved_most: Moved

    @classmethod
    def of(cls, change: Change) -> Self:
        """What `--json` prints of a change."""
        return cls(
            month=str(change.after.month),
            provider=change.after.source.provider,
            account=change.after.source.account,
            read_at=change.after.read_at,
            read_at_before=change.before.read_at,
            was=change.standing,
            status=change.after.status,
            old=Figures.of(change.old),
            new=Figures.of(change.new),
            moved=len(change.moves),
            moved_most=Moved.of(change.moves[0]),
        )


class History(BaseModel):
    """The object that `--json` prints; the latest change of each source's month comes last.

    Exit status 1: `damaged` names files of readings that could not be compared.
    """

    model_config = ConfigDict(frozen=True)

    archive: str
    """Its address."""
    changes: tuple[Changed, ...]
    damaged: tuple[str, ...]


def run(arguments: argparse.Namespace) -> int:
    """Print the changes; 0, or 1 where a reading is damaged and had to be left out.

    Raises:
        SettingsError: A month that has not begun, a project that no reading knows, or the archive is off.
        ArchiveError: It can't be read.
    """
    settings = load_settings()
    months = Month.resolve_range(arguments.month, settings.now()) if arguments.month else (None,)
    archive = open_archive(settings)
    if archive is None:
        raise SettingsError(
            say("LLM_USAGE_ARCHIVE is off: no reading is kept; take it away, or name a folder or a store")
        )
    entries = [
        entry
        for month in months
        for entry in archive.entries(month)
        if not arguments.provider or entry.source.provider in arguments.provider
    ]
    damage: list[DamagedError] = []
    found = tuple(
        Changed.of(change) for change in changes(archive, entries, arguments.project, on_damage=damage.append)
    )
    if arguments.project is not None and not found and not damage:
        _require_known(arguments.project, archive, entries, damage)
    history = History(archive=archive.address, changes=found, damaged=tuple(one.path for one in damage))
    if arguments.json:
        print(history.model_dump_json())
    else:
        _print(history, len(entries), arguments.project)
    print_lines(one.sentence for one in damage)
    return 1 if damage else 0


def _require_known(project: str, archive: Archive, entries: Sequence[Entry], damage: list[DamagedError]) -> None:
    """Refuse an id that no reading knows; a damaged one might, and is told in its place.

    Raises:
        SettingsError: None knows it.
        ArchiveError: The archive can't be read.
    """
    ids = owners(archive, entries, on_damage=damage.append)
    if project in ids or damage:
        return
    by_letters = {one.lower(): one for one in sorted(ids)}
    near = get_close_matches(project.lower(), by_letters, n=3)
    where = {"project": project, "address": archive.address}
    if near:
        close = ", ".join(by_letters[one] for one in near)
        raise SettingsError(
            say(
                "--project {project}: none of the readings asked for in {address} knows it: did you mean {close}?",
                close=close,
                **where,
            )
        )
    raise SettingsError(
        say(
            "--project {project}: none of the readings asked for in {address} knows it; give the id of a project, "
            "workspace or key, as in Notion’s column Projet/API Key",
            **where,
        )
    )


def _unchanged(readings: int, address: str, project: str | None) -> Sentence:
    """What there is to say where nothing has changed."""
    if not readings:
        return say("No such reading is kept in {address}; `llm-usage archive` shows all.", address=address)
    if project is None:
        return say_count(
            "No figure has changed: {number} reading in {address} was compared.",
            "No figure has changed: {number} readings in {address} were compared.",
            readings,
            address=address,
        )
    return say_count(
        "No figure of {project} has changed: {number} reading in {address} was compared.",
        "No figure of {project} has changed: {number} readings in {address} were compared.",
        readings,
        project=project,
        address=address,
    )


def _print(history: History, readings: int, project: str | None) -> None:
    console = out()
    if not history.changes:
        console.print(literal(_unchanged(readings, history.archive, project)), soft_wrap=True)
        return
    table = new_table(
        phrase("Changes"),
        ("Moved", "Was", "Status", "Most on", "Model", "Project or key", "Read (UTC)", "Old USD", "New USD"),
    )
    for name in headings("Month", "Source", "Read (UTC)", "Was", "Status", "Old USD", "New USD", "Difference", "Moved"):
        right = name in ("Old USD", "New USD", "Difference", "Moved")
        table.add(name, justify="right" if right else "left")
    for name in headings("Most on", "Project or key", "Model"):
        table.add(name)
    for one in history.changes:
        most = one.moved_most
        table.add_row(
            one.month,
            literal(Source(provider=one.provider, account=one.account).name),
            f"{one.read_at:%Y-%m-%d %H:%M}",
            Text(phrase(_WAS[one.was]), style=_STYLES.get(one.was, "")),
            Text(str(status_name(one.status)), style=STYLES[one.status]),
            *old_and_new(one.old, one.new),
            str(one.moved),
            "–" if most.day is None else str(most.day),
            literal(most.owner),
            literal(most.what),
        )
    console.print(table)
    console.print(
        literal(phrase("{readings} readings in {address} were compared.", readings=readings, address=history.archive)),
        soft_wrap=True,
    )
