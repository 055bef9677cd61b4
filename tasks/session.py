"""What a collection works with: settings, month, sources, and Notion's two databases.

It is opened before anything is fetched and closed by whoever opened it. In between, tasks find it in the context of
their run, which Prefect carries into its threads, through retries, and into the runs that a flow calls. So tasks are
given plain data, and no key or connection comes near what Prefect keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from notion.client.gateway import Gateway
from notion.plan.authorship import authors_of, sort_by_author
from notion.proofs import is_closed, stands_whole
from notion.rows.standing import Kept, Standing, find_kept
from notion.workspace import Workspace
from tasks.prefect.limits import SharedPace
from usage.errors import SettingsError
from usage.grain import canonical_workspace
from usage.language.saying import say, together
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.progress import RowsWritten, tell
from usage.outcomes.proof import corrected_until
from usage.outcomes.result import SourceResult
from usage.settings import Settings, load_settings, missing_token

if TYPE_CHECKING:
    from archive.replaying import Replayable


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for, as they wrote it."""

    month: str = "last"
    providers: tuple[ProviderName, ...] = ()
    account: str | None = None
    accept_lower: bool = False
    """Whether a month that is over may lose figures without proof."""
    replays: bool = False
    """Whether the archive is asked in place of the providers."""
    scheduled: bool = False
    """Whether nobody asked, but a schedule."""

    @property
    def unfiltered(self) -> bool:
        """Whether all sources were asked for. A replay has only those that are kept."""
        return not self.providers and self.account is None and not self.replays

    @property
    def spares_closed(self) -> bool:
        """Whether sources whose month is closed are left alone: whoever names something wants it read."""
        return self.scheduled and self.unfiltered and not self.accept_lower


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open for a request. It holds keys and a connection: it never leaves the process."""

    request: object
    settings: Settings
    workspace: Workspace
    warnings: tuple[Sentence, ...]
    """What may keep a provider away in silence."""


@dataclass(frozen=True, slots=True)
class Session(Opened):
    """What a collection works with."""

    request: Request
    month: Month
    sources: tuple[Source, ...]
    pace: SharedPace
    kept: Replayable | None = None
    """What is replayed."""
    spared: tuple[Kept, ...] = ()
    """Sources that are not read, because their month is closed."""

    @property
    def sparing(self) -> Sentence:
        """Which sources are left alone, and how to read them all the same; silence where none is."""
        if not self.spared:
            return SILENCE
        spared = [say("{source} (read on {day})", source=one.result.source, day=one.read_at) for one in self.spared]
        return say(
            "{month} is closed and left alone: {sources}. llm-usage collect --month {month} reads it all the same, and "
            "so does a run of collect/collect that somebody starts",
            month=self.month,
            sources=together(spared, between=", "),
        )

    def key_mark(self, source: Source) -> str:
        """By which the key is known again that a source was read with; empty where nobody knows."""
        if self.kept is None:
            return self.settings.credential(source).mark
        return getattr(self.kept.readings[source], "key_mark", "")


_session: ContextVar[Session] = ContextVar("session")


def open_session(request: Request) -> AbstractContextManager[Session]:
    """Open a collection's session for as long as the block runs; one that is open for this request is used.

    What can't work is refused before anything is fetched; Notion's schemas and services are read. Services that a
    person has set to `Inactif` are left out unless named.

    Raises:
        SettingsError: Settings or arguments that can't be used.
        NotionError: Notion can't be reached, or the databases can't be used.
    """
    return open_once(_session, request, _open)


def current_session() -> Session:
    """The session that is open.

    Raises:
        LookupError: None is.
    """
    return _session.get()


R = TypeVar("R")
S = TypeVar("S", bound=Opened)


@contextmanager
def open_once(current: ContextVar[S], request: R, open_: Callable[[R], S]) -> Iterator[S]:
    """Open something for as long as the block runs; inside a block for the same request, give what that has opened.

    A command can so open it while Prefect is still being imported, and the flow finds it.
    """
    outer = current.get(None)
    if outer is not None and outer.request == request:
        yield outer
        return
    inner = open_(request)
    token = current.set(inner)
    try:
        yield inner
    finally:
        current.reset(token)
        inner.workspace.close()


def _open(request: Request) -> Session:
    settings = load_settings()
    month = Month.resolve(request.month, settings.now())
    kept = _find_readings(settings, request, month) if request.replays else None
    if kept is None:
        sources = settings.select(request.providers, request.account)
    else:
        sources = list(kept.readings)
        settings = settings.with_sources(sources)
    needed = frozenset(source.provider for source in sources)
    workspace, pace = open_workspace(settings, needed, month)
    if not request.providers:
        sources = [source for source in sources if source.provider not in workspace.inactive]
    try:
        spared = _find_closed(settings, workspace, month, sources) if request.spares_closed else ()
    except BaseException:
        workspace.close()
        raise
    left = {one.result.source for one in spared}
    sources = [source for source in sources if source not in left]
    warnings = kept.notes if kept is not None else ()
    warnings += warnings_of(settings, workspace, unfiltered=request.unfiltered)
    return Session(request, settings, workspace, warnings, month, tuple(sources), pace, kept, spared)


def _find_closed(settings: Settings, workspace: Workspace, month: Month, sources: Sequence[Source]) -> tuple[Kept, ...]:
    """The sources whose month is closed, and beyond announced corrections. Most runs need no look, or one query."""
    now = settings.now()
    ready = {source.provider for source in sources if corrected_until(source.provider, month) <= now}
    services = [service for service in workspace.services if service.provider in ready]

    def closed(standing: Standing) -> bool:
        # An account that was renamed, or took another's name, has rows under the old one.
        labelled = all(
            canonical_workspace(own.values.workspace) == canonical_workspace(settings.label(own.source))
            for own in standing.own
        )
        return labelled and is_closed(standing, settings.grains[standing.provider], now)

    if not services or not find_kept(settings, services, month, workspace.own_rows(month), closed):
        return ()
    rows = workspace.rows(month)
    # What people have added beside is no part of what was read.
    rows, _ = sort_by_author(rows, authors_of(rows, None))
    found = find_kept(settings, services, month, rows, lambda standing: closed(standing) and stands_whole(standing))
    return tuple(replace(one, result=_with_its_day(one)) for one in found)


def _with_its_day(kept: Kept) -> SourceResult:
    told = say("Closed month, not read again: figures of {day}. {log}", day=kept.read_at, log=kept.result.log)
    return kept.result.model_copy(update={"log": told})


def _find_readings(settings: Settings, request: Request, month: Month) -> Replayable:
    from archive.replaying import find_readings  # noqa: PLC0415  # half a second, and seldom asked for

    return find_readings(settings, month, request.providers, request.account)


def warnings_of(settings: Settings, workspace: Workspace, *, unfiltered: bool) -> tuple[Sentence, ...]:
    """What may keep a provider away in silence, and own columns that can't be taken over.

    Args:
        settings: All settings.
        workspace: The two databases.
        unfiltered: Whether all sources were asked for.
    """
    always = (*settings.slips, *workspace.carried.sentences)
    if not unfiltered or not workspace.databases.services.has("Usages"):
        # Without the relation nobody knows which services have rows.
        return always
    with_rows = {service.provider for service in workspace.services if service.has_rows} - workspace.inactive
    return (*always, *settings.without_key(with_rows))


def open_workspace(settings: Settings, needed: frozenset[ProviderName], month: Month) -> tuple[Workspace, SharedPace]:
    """The two databases, open, and the pace at which Notion is asked.

    Args:
        settings: All settings.
        needed: Providers that must have a row in *Services*.
        month: What progress is told of.

    Raises:
        SettingsError: There is no token.
        NotionError: Notion can't be reached, or the databases can't be used.
    """
    if settings.notion.token is None:
        raise SettingsError(missing_token())
    pace = SharedPace(settings.notion)
    gateway = Gateway(settings.notion, pace=pace)
    try:
        workspace = Workspace(settings, needed, gateway, on_write=partial(_tell_rows, pace, month))
    except BaseException:
        gateway.close()
        raise
    return workspace, pace


def _tell_rows(pace: SharedPace, month: Month, done: int, total: int) -> None:
    tell(RowsWritten(month, done, total, (total - done) * pace.interval))
