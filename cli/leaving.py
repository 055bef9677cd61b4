"""Months that get out of reach uncollected, as `check` and `status` tell of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from notion.collected import Collected, complete_months
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.out_of_reach import Leaving, leaving
from usage.settings import Settings


def leaving_soon(
    settings: Settings,
    inactive: Collection[ProviderName] = (),
    collected: Iterable[Collected] = (),
) -> tuple[Leaving, ...]:
    """Closed months that a provider soon won't have, and that are kept nowhere else.

    Args:
        settings: All settings.
        inactive: Providers that a person has switched off.
        collected: What stands in Notion.
    """
    complete = complete_months(collected, settings)

    def is_kept(source: Source, month: Month) -> bool:
        if (source, month) in complete:
            return True
        from archive.opening import holds_reading  # noqa: PLC0415  # half a second, and seldom asked for

        return holds_reading(settings, source, month)

    sources = [one.source for one in settings.credentials if one.source.provider not in inactive]
    return leaving(sources, settings.now(), is_kept, by_key=lambda provider: settings.grains[provider] is Grain.API_KEY)
