"""What a backfill works with: which months, and what of them stands in Notion for good and need not be read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from notion.rows.standing import Standing, find_kept
from notion.workspace import Workspace
from providers.reading import BackfillMemory
from tasks.keep import SharedAnswers
from tasks.session import Opened, open_once, open_workspace, warnings_of
from usage.catalogue import CATALOGUE
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import FINAL, Grain, ProviderName, Source
from usage.outcomes.out_of_reach import beyond
from usage.outcomes.result import SourceResult
from usage.settings import ARCHIVE_OFF, Settings, load_settings

SETTLED: Final = max(spec.reach.revised for spec in CATALOGUE.values()) + timedelta(days=5)
"""After a month's end: the longest time over which a provider announces corrections, and some days for them to come."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a person asked for, as they wrote it; both months are included."""

    first: str
    last: str
    providers: tuple[ProviderName, ...] = ()


@dataclass(frozen=True, slots=True)
class BackfillMonth:
    """One month of a backfill."""

    month: Month
    providers: tuple[ProviderName, ...] = ()
    """To be read; empty: all that a collection of the month would read."""
    kept: tuple[SourceResult, ...] = ()
    """What stands in Notion for good."""
    skipped: bool = False
    """Whether nothing has to be read."""


@dataclass(frozen=True, slots=True)
class Backfill(Opened):
    """What a backfill works with."""

    request: Range
    months: tuple[BackfillMonth, ...]
    memory: BackfillMemory
    """What reading a month leaves for the others that this process reads."""
    beyond: tuple[Sentence, ...] = ()
    """What can't be had, a line for each provider that doesn't have all of it."""
    shared: SharedAnswers = field(default_factory=SharedAnswers)
    """Answers about several months at once."""


_backfill: ContextVar[Backfill] = ContextVar("backfill")


def open_backfill(asked: Range, *, on_workers: bool = False) -> AbstractContextManager[Backfill]:
    """Open a backfill's session for as long as the block runs; one that is open for this range is used.

    What can't work is refused before anything is fetched, and it is decided what each month needs. A provider of a
    closed month is left out when its row `(collecte)` says that nothing was missing, and that it was read with the
    present key after the figures stopped moving. Providers that are named are read again in any case, and so are those
    with several keys, whose rows can't be told apart.

    Args:
        asked: The range.
        on_workers: Whether other processes read the months.

    Raises:
        SettingsError: Settings or arguments that can't be used.
        NotionError: Notion can't be reached, or the databases can't be used.
    """
    return open_once(_backfill, asked, partial(_open, on_workers=on_workers))


def current_backfill() -> Backfill:
    """The backfill that is open.

    Raises:
        LookupError: None is.
    """
    return _backfill.get()


def current_memory() -> BackfillMemory | None:
    """What the backfill that is open remembers; None where a month is collected alone."""
    backfill = _backfill.get(None)
    return None if backfill is None else backfill.memory


def current_shared() -> SharedAnswers | None:
    """The answers that months of the backfill that is open share; None where a month is collected alone."""
    backfill = _backfill.get(None)
    return None if backfill is None else backfill.shared


def months_of(asked: Range, settings: Settings) -> list[Month]:
    """The months of a range.

    Raises:
        SettingsError: Not a month, one that has not begun, or a range turned round.
    """
    now = settings.now()
    return list(Month.between(Month.resolve(asked.first, now), Month.resolve(asked.last, now)))


def _open(asked: Range, *, on_workers: bool) -> Backfill:
    settings = load_settings()
    months = months_of(asked, settings)
    sources = settings.select(asked.providers)
    workspace, _ = open_workspace(settings, frozenset(source.provider for source in sources), months[0])
    try:
        decided = tuple(_decide(asked, settings, workspace, month) for month in months)
    except BaseException:
        workspace.close()
        raise
    warnings = warnings_of(settings, workspace, unfiltered=not asked.providers)
    shared = SharedAnswers()
    listen = None if settings.archive == ARCHIVE_OFF else shared.listen
    memory = BackfillMemory({} if on_workers else _months_to_read(decided), listen=listen)
    if not asked.providers:
        sources = [source for source in sources if source.provider not in workspace.inactive]
    told = tuple(_beyond(settings, sources, _months_to_read(decided)))
    return Backfill(asked, settings, workspace, warnings, decided, memory, told, shared)


def _beyond(
    settings: Settings, sources: Sequence[Source], to_read: Mapping[ProviderName, Sequence[Month]]
) -> Iterator[Sentence]:
    """One line for each provider that doesn't have all of what is to be read, and of which the archive lacks some."""
    now = settings.now()
    for provider in ProviderName:
        mine = [source for source in sources if source.provider is provider]
        by_key = settings.grains[provider] is Grain.API_KEY
        if not mine or not beyond(provider, to_read[provider], now, by_key=by_key):
            continue
        from archive.opening import holds_reading  # noqa: PLC0415  # half a second, and seldom asked for

        lacking = [
            month for month in to_read[provider] if not all(holds_reading(settings, source, month) for source in mine)
        ]
        if line := beyond(provider, lacking, now, by_key=by_key):
            yield line


def _months_to_read(months: Sequence[BackfillMonth]) -> dict[ProviderName, list[Month]]:
    return {
        provider: [one.month for one in months if not one.skipped and provider in (one.providers or ProviderName)]
        for provider in ProviderName
    }


def _decide(asked: Range, settings: Settings, workspace: Workspace, month: Month) -> BackfillMonth:
    if asked.providers or month.end + SETTLED > settings.now():
        return BackfillMonth(month, asked.providers)
    services = [service for service in workspace.services if service.provider not in workspace.inactive]
    found = find_kept(settings, services, month, workspace.rows(month), _is_settled)
    kept = tuple(one.result for one in found)
    if not kept:
        return BackfillMonth(month)
    done = {item.provider for item in kept} | workspace.inactive
    left = dict.fromkeys(credential.source.provider for credential in settings.credentials)
    providers = tuple(provider for provider in left if provider not in done)
    return BackfillMonth(month, providers, kept, skipped=not providers)


def _is_settled(standing: Standing) -> bool:
    """Whether one source makes up the month, and had nothing missing after its figures had stopped moving."""
    if len(standing.own) != 1:
        return False
    own = standing.own[0].values
    return own.status in FINAL and own.collected_at is not None and own.collected_at >= standing.month.end + SETTLED
