"""Before anything is fetched: settings, month, sources, and Notion's two databases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from notion.client.gateway import Gateway
from notion.workspace import Workspace
from tasks.prefect.limits import SharedPace
from usage.errors import SettingsError
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.progress import RowsWritten, tell
from usage.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for, as they wrote it."""

    month: str = "last"
    providers: tuple[ProviderName, ...] = ()
    account: str | None = None
    accept_lower: bool = False
    """Whether a month that is over may lose figures without proof."""

    @property
    def unfiltered(self) -> bool:
        """Whether all sources were asked for."""
        return not self.providers and self.account is None


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a collection works with. It holds keys and connections: it never leaves the process."""

    request: Request
    settings: Settings
    month: Month
    sources: tuple[Source, ...]
    workspace: Workspace
    pace: SharedPace
    warnings: tuple[str, ...]
    """What may keep a provider away in silence."""


_prepared: dict[Request, Preparation] = {}


def prepare(request: Request) -> Preparation:
    """Refuse what can't work before anything is fetched; read Notion's schemas and services.

    Prepared once for each request in a process, until `finish`: tasks are given the request, which is plain data, and
    find the open connections through it. Services that a person has set to `Inactif` are left out unless named.

    Raises:
        SettingsError: Settings or arguments that can't be used.
        NotionError: Notion can't be reached, or the databases can't be used.
    """
    ready = _prepared.get(request)
    if ready is None:
        ready = _prepared[request] = _prepare(request)
    return ready


def finish(request: Request) -> None:
    """Close what `prepare` opened."""
    ready = _prepared.pop(request, None)
    if ready is not None:
        ready.workspace.close()


def _prepare(request: Request) -> Preparation:
    settings = load_settings()
    month = Month.resolve(request.month, settings.now())
    sources = settings.select(request.providers, request.account)
    needed = frozenset(source.provider for source in sources)
    workspace, pace = open_workspace(settings, needed, month)
    if not request.providers:
        sources = [source for source in sources if source.provider not in workspace.inactive]
    warnings = warnings_of(settings, workspace, unfiltered=request.unfiltered)
    return Preparation(request, settings, month, tuple(sources), workspace, pace, warnings)


def warnings_of(settings: Settings, workspace: Workspace, *, unfiltered: bool) -> tuple[str, ...]:
    """What may keep a provider away in silence: names of variables that are nearly ours, and keys that have gone.

    Args:
        settings: All settings.
        workspace: The two databases.
        unfiltered: Whether all sources were asked for.
    """
    if not unfiltered or not workspace.databases.services.has("Usages"):
        # Without the relation nobody knows which services have rows.
        return settings.slips
    with_rows = {service.provider for service in workspace.services if service.has_rows} - workspace.inactive
    return (*settings.slips, *settings.without_key(with_rows))


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
        raise SettingsError("NOTION_TOKEN is not set: create a Notion connection and put its token into .env")
    pace = SharedPace(settings.notion)
    gateway = Gateway(settings.notion, pace=pace)
    try:
        workspace = Workspace(settings, needed, on_write=partial(_tell_rows, pace, month), gateway=gateway)
    except BaseException:
        gateway.close()
        raise
    return workspace, pace


def _tell_rows(pace: SharedPace, month: Month, done: int, total: int) -> None:
    tell(RowsWritten(month, done, total, (total - done) * pace.interval))
