"""`llm-usage archive`: what is kept, and taking old months away, after a yes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from rich.text import Text

from archive.archive import Archive, Prune
from archive.journal import Entry
from archive.opening import open_archive
from cli.display import STYLES, in_bytes, literal, new_table, out
from usage.errors import SettingsError
from usage.language.marks import headings
from usage.language.reader import phrase, reader_words
from usage.language.saying import say
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.naming import status_name
from usage.settings import Settings, load_settings


class Reading(BaseModel):
    """Readings of one source's month, one after the other, that brought the same: one line of the listing."""

    model_config = ConfigDict(frozen=True)

    month: str
    provider: ProviderName
    account: str
    read_at: datetime
    """Of the first one, UTC."""
    last_read_at: datetime
    """Of the last one, UTC."""
    unchanged: int
    """How many came after the first one and brought the same."""
    cost_usd: str | None
    """Exact; None where the provider tells no money."""
    status: Status
    size: int
    """Bytes of records and answers; what several readings share counts once."""
    records: str
    """Path of the records, below the archive's address."""


class Listing(BaseModel):
    """The object that `--json` prints."""

    model_config = ConfigDict(frozen=True)

    archive: str
    """Its address."""
    readings: tuple[Reading, ...]


class PruneResult(BaseModel):
    """What a prune took away, or would: the object that its `--json` prints."""

    model_config = ConfigDict(frozen=True)

    archive: str
    """Its address."""
    months: tuple[str, ...]
    files: int
    size: int
    """Bytes."""
    pruned: bool
    """False where nothing was taken away."""


def run(arguments: argparse.Namespace) -> int:
    """List or prune; 1 where a prune has something to take away and no yes to do it.

    Raises:
        SettingsError: Options that don't go together, or the archive is off.
        ArchiveError: It can't be read or written.
    """
    _require_a_pair(arguments)
    settings = load_settings()
    months = Month.resolve_range(arguments.month, settings.now()) if arguments.month else (None,)
    first = None if arguments.action is None else first_kept(arguments.keep, settings)
    archive = open_archive(settings)
    if archive is None:
        raise SettingsError(
            say("LLM_USAGE_ARCHIVE is off: no reading is kept; take it away, or name a folder or a store")
        )
    if first is not None:
        return _prune(archive, first, is_wanted=arguments.yes, as_json=arguments.json)
    entries = [entry for month in months for entry in archive.entries(month)]
    wanted = [entry for entry in entries if not arguments.provider or entry.source.provider in arguments.provider]
    listing = Listing(archive=archive.address, readings=tuple(readings(wanted)))
    if arguments.json:
        print(listing.model_dump_json())
    else:
        _print(listing, all_asked=not (arguments.month or arguments.provider))
    return 0


def readings(entries: Iterable[Entry]) -> Iterator[Reading]:
    """One line for all readings in a row that brought the same records with the same status; latest month last."""
    order = list(ProviderName)
    ordered = sorted(
        entries, key=lambda one: (one.month, order.index(one.source.provider), one.source.account, one.order)
    )
    for _, group in groupby(ordered, key=lambda one: (one.month, one.source, one.records.sha256, one.status)):
        first, *later = group
        last = later[-1] if later else first
        kept = {file.path: file.size for entry in (first, *later) for file in entry.files}
        yield Reading(
            month=str(first.month),
            provider=first.source.provider,
            account=first.source.account,
            read_at=first.read_at,
            last_read_at=last.read_at,
            unchanged=len(later),
            cost_usd=None if first.cost_usd is None else f"{first.cost_usd:f}",
            status=first.status,
            size=sum(kept.values()),
            records=first.records.path,
        )


def first_kept(keep: str, settings: Settings) -> Month:
    """The first month that stays: the running month, and so many before it.

    Args:
        keep: Like `24m`.
        settings: For the clock.

    Raises:
        SettingsError: It is no number of months.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,3})m", keep)
    if match is None:
        raise SettingsError(say("--keep: {keep} is not a number of months; write it like 24m", keep=repr(keep)))
    month = Month.of(settings.now())
    for _ in range(int(match[1])):
        if month == Month(2000, 1):
            break
        month = month.previous()
    return month


def _require_a_pair(arguments: argparse.Namespace) -> None:
    """Options of the one form say nothing in the other."""
    if arguments.action is None and (arguments.keep is not None or arguments.yes):
        raise SettingsError(say("--keep and --yes are for pruning: llm-usage archive prune --keep 24m"))
    if arguments.action is not None and arguments.keep is None:
        raise SettingsError(say("what is to stay? llm-usage archive prune --keep 24m keeps two years"))
    if arguments.action is not None and (arguments.month or arguments.provider):
        raise SettingsError(say("a prune takes whole months, oldest first: --month and --provider are for the listing"))


def _prune(archive: Archive, first: Month, *, is_wanted: bool, as_json: bool) -> int:
    """Say what would go, ask where somebody can answer, and do it."""
    planned = archive.plan_prune(first)
    if not as_json:
        _print_plan(planned, archive.address, first)
    if planned.files and not is_wanted and not as_json and sys.stdin.isatty():
        is_wanted = _ask(planned)
    prunes = bool(planned.files) and is_wanted
    if prunes:
        archive.prune(planned)
    if as_json:
        months = tuple(map(str, planned.months))
        result = PruneResult(
            archive=archive.address, months=months, files=len(planned.files), size=planned.size, pruned=prunes
        )
        print(result.model_dump_json())
    elif planned.files:
        sentence = phrase("They are gone.") if prunes else phrase("Nothing was taken away: --yes does it.")
        out().print(sentence, soft_wrap=True)
    return 1 if planned.files and not prunes else 0


def _ask(planned: Prune) -> bool:
    try:
        answer = input(phrase("Take {number} files away for good? [y/N] ", number=len(planned.files)))
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes", "o", "oui")


def _print_plan(planned: Prune, address: str, first: Month) -> None:
    console = out()
    if not planned.files:
        console.print(
            literal(phrase("Nothing is older than {first} in {address}.", first=first, address=address)), soft_wrap=True
        )
        return
    table = new_table(phrase("Older than {first}", first=first))
    for name in headings("Month", "Files", "Size"):
        table.add(name, justify="left" if name == "Month" else "right")
    for month in planned.months:
        sizes = [file.size for file in planned.files if file.path.split("/")[1] == str(month)]
        table.add_row(str(month), str(len(sizes)), str(in_bytes(sum(sizes))))
    console.print(table)
    console.print(
        literal(
            phrase(
                "{number} files, {size}, in {address}. Notion stays as it is.",
                number=len(planned.files),
                size=in_bytes(planned.size),
                address=address,
            )
        ),
        soft_wrap=True,
    )


def _print(listing: Listing, *, all_asked: bool) -> None:
    console = out()
    if not listing.readings:
        sentence = (
            phrase("No reading is kept in {address}.", address=listing.archive)
            if all_asked
            else phrase("No such reading is kept in {address}; `llm-usage archive` shows all.", address=listing.archive)
        )
        console.print(literal(sentence), soft_wrap=True)
        return
    table = new_table(phrase("Readings"), headings("Unchanged", "Last read (UTC)", "Size", "Status", "Read (UTC)"))
    for name in headings("Month", "Source", "Read (UTC)", "Last read (UTC)", "Unchanged", "Cost USD", "Status", "Size"):
        table.add(name, justify="right" if name in ("Unchanged", "Cost USD", "Size") else "left")
    words = reader_words()
    for one in listing.readings:
        table.add_row(
            one.month,
            literal(Source(provider=one.provider, account=one.account).name),
            f"{one.read_at:%Y-%m-%d %H:%M}",
            f"{one.last_read_at:%Y-%m-%d %H:%M}" if one.unchanged else "",
            str(one.unchanged) if one.unchanged else "",
            "–" if one.cost_usd is None else words.amount(Decimal(one.cost_usd)),
            Text(str(status_name(one.status)), style=STYLES[one.status]),
            str(in_bytes(one.size)),
        )
    console.print(table)
    console.print(literal(phrase("They are in {address}.", address=listing.archive)), soft_wrap=True)
