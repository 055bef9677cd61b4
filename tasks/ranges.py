"""Before a backfill: which months, and what of them stands in Notion for good and need not be read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from notion.rows.receipt import read_receipt
from notion.rows.titles import same_id
from notion.rows.values import Existing, Values
from notion.workspace import Workspace
from tasks.session import open_workspace, warnings_of
from usage.errors import SettingsError
from usage.money import dollars, exact_sum
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.result import SourceResult
from usage.records.grain import COLLECTION
from usage.settings import Credential, Settings, load_settings

SETTLED: Final = timedelta(days=35)
"""After a month's end; the longest time over which a provider announces corrections is 30 days (Anthropic)."""

_FINAL: Final = (Status.SUCCES, Status.DONNEES_INDISPONIBLES)
"""A rerun would bring no more."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a person asked for, as they wrote it; both months are included."""

    first: str
    last: str
    providers: tuple[ProviderName, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One month of a backfill."""

    month: Month
    providers: tuple[ProviderName, ...] = ()
    """To be read; empty: all that a collection of the month would read."""
    kept: tuple[SourceResult, ...] = ()
    """What stands in Notion for good."""
    skipped: bool = False
    """Whether nothing has to be read."""


@dataclass(frozen=True, slots=True)
class RangePreparation:
    """What a backfill works with. It holds a connection: it never leaves the process."""

    asked: Range
    settings: Settings
    turns: tuple[Turn, ...]
    workspace: Workspace
    warnings: tuple[str, ...]
    """What may keep a provider away in silence."""


_prepared: dict[Range, RangePreparation] = {}


def prepare_range(asked: Range) -> RangePreparation:
    """Refuse what can't work before anything is fetched, and decide what each month needs.

    Prepared once for each range in a process, until `finish_range`. A provider of a closed month is left out when its
    row `(collecte)` says that nothing was missing, and that it was read with the present key after the figures stopped
    moving. Providers that are named are read again in any case, and so are those with several keys, whose rows can't be
    told apart.

    Raises:
        SettingsError: Settings or arguments that can't be used.
        NotionError: Notion can't be reached, or the databases can't be used.
    """
    ready = _prepared.get(asked)
    if ready is None:
        ready = _prepared[asked] = _prepare(asked)
    return ready


def months_to_read(turns: Sequence[Turn]) -> dict[ProviderName, list[Month]]:
    """Which months of each provider are to be read."""
    return {
        provider: [turn.month for turn in turns if not turn.skipped and provider in (turn.providers or ProviderName)]
        for provider in ProviderName
    }


def finish_range(asked: Range) -> None:
    """Close what `prepare_range` opened."""
    ready = _prepared.pop(asked, None)
    if ready is not None:
        ready.workspace.close()


def months_of(asked: Range, settings: Settings) -> list[Month]:
    """The months of a range.

    Raises:
        SettingsError: Not a month, one that has not begun, or a range turned round.
    """
    now = settings.now()
    first, last = Month.resolve(asked.first, now), Month.resolve(asked.last, now)
    if first > last:
        raise SettingsError(f"the range is turned round: {first} comes after {last}")
    return list(first.until(last))


def _prepare(asked: Range) -> RangePreparation:
    settings = load_settings()
    months = months_of(asked, settings)
    sources = settings.select(asked.providers)
    workspace, _ = open_workspace(settings, frozenset(source.provider for source in sources), months[0])
    try:
        turns = tuple(_turn(asked, settings, workspace, month) for month in months)
    except BaseException:
        workspace.close()
        raise
    warnings = warnings_of(settings, workspace, unfiltered=not asked.providers)
    return RangePreparation(asked, settings, turns, workspace, warnings)


def _turn(asked: Range, settings: Settings, workspace: Workspace, month: Month) -> Turn:
    if asked.providers or month.end + SETTLED > settings.now():
        return Turn(month, asked.providers)
    kept = tuple(_kept(settings, workspace, month, workspace.rows(month)))
    if not kept:
        return Turn(month)
    done = {item.provider for item in kept} | workspace.inactive
    left = dict.fromkeys(credential.source.provider for credential in settings.credentials)
    providers = tuple(provider for provider in left if provider not in done)
    return Turn(month, providers, kept, skipped=not providers)


def _kept(settings: Settings, workspace: Workspace, month: Month, rows: Sequence[Existing]) -> Iterator[SourceResult]:
    for service in workspace.services:
        keys = [one for one in settings.credentials if one.source.provider is service.provider]
        if len(keys) != 1 or service.provider in workspace.inactive:
            continue
        item = keys[0]
        mine = [row.values for row in rows if same_id(row.values.service or "", service.page_id)]
        own = [values for values in mine if values.key == COLLECTION]
        if len(own) == 1 and own[0].status in _FINAL and _is_late_enough(own[0], month) and _is_keys(own[0], item):
            yield _as_result(item.source, own[0], [values for values in mine if values.key != COLLECTION])


def _is_keys(own: Values, credential: Credential) -> bool:
    """Whether the present key read the month: another one may be another organisation's."""
    receipt = read_receipt(own.breakdown)
    return receipt is not None and receipt.key == credential.mark


def _is_late_enough(own: Values, month: Month) -> bool:
    return own.collected_at is not None and own.collected_at >= month.end + SETTLED


def _as_result(source: Source, own: Values, data: Sequence[Values]) -> SourceResult:
    # The shortest text of a double is the amount that was written, up to 15 digits.
    cost = exact_sum(None if values.cost is None else Decimal(str(values.cost)) for values in data)
    return SourceResult(
        provider=source.provider,
        account=source.account,
        status=Status(own.status or ""),
        cost_usd=None if cost is None else dollars(cost),
        tokens_input=_sum(values.tokens_input for values in data),
        tokens_output=_sum(values.tokens_output for values in data),
        requests=_sum(values.requests for values in data),
        rows=len(data),
        log=own.log,
    )


def _sum(figures: Iterator[int | float | None]) -> int | None:
    known = [int(figure) for figure in figures if figure is not None]
    return sum(known) if known else None
