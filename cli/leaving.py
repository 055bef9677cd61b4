"""Months that get out of reach uncollected, as `check` and `status` tell of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from notion.collected import Collected, complete_months
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.out_of_reach import Leaving, leaving
from usage.settings import Settings

if TYPE_CHECKING:
    from archive.archive import Archive


def leaving_soon(
    settings: Settings,
    inactive: Collection[ProviderName] = (),
    collected: Iterable[Collected] = (),
    archive: Archive | None = None,
) -> tuple[Leaving, ...]:
    """Closed months that a provider soon won't have, and that are kept nowhere else.

    Args:
        settings: All settings.
        inactive: Providers that a person has switched off.
        collected: What stands in Notion.
        archive: Where readings are kept; None where none are.

    Raises:
        OSError, DamagedError: The archive can't be read.
    """
    complete = complete_months(collected, settings)

    def is_kept(source: Source, month: Month) -> bool:
        return (source, month) in complete or (archive is not None and archive.latest(month, source) is not None)

    sources = [one.source for one in settings.credentials if one.source.provider not in inactive]
    return leaving(sources, settings.now(), is_kept, by_key=lambda provider: settings.grains[provider] is Grain.API_KEY)
