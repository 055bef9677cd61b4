"""Which months of which sources stand in Notion complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from notion.rows.receipt import Receipt, read_receipt
from notion.rows.titles import provider_of
from notion.rows.values import Existing
from usage.errors import SettingsError
from usage.grain import COLLECTION
from usage.month import Month
from usage.names import FINAL, ProviderName, Source
from usage.settings import Credential, Settings


@dataclass(frozen=True, slots=True)
class Collected:
    """A month that a source was asked for, as its own row tells it."""

    provider: ProviderName
    month: Month
    label: str
    status: str | None
    read_at: datetime | None
    receipt: Receipt

    @property
    def names(self) -> frozenset[str]:
        """By which its organisation is known again."""
        return frozenset(name for name in (self.receipt.organisation, *self.receipt.ids) if name)

    @property
    def is_complete(self) -> bool:
        """Whether nothing that a rerun would bring was missing, after the month's figures had settled."""
        settled = self.month.end + self.provider.spec.reach.settling
        return self.status in FINAL and self.read_at is not None and self.read_at >= settled


def read_collected(rows: Iterable[Existing], services: Mapping[ProviderName, str]) -> tuple[Collected, ...]:
    """What the sources' own rows tell.

    Args:
        rows: Rows of any kind and month.
        services: Page ids of the providers' rows in *Services*.
    """
    found = []
    for row in rows:
        provider = provider_of(row, services)
        if row.values.key != COLLECTION or provider is None:
            continue
        try:
            month = Month.parse(row.values.month)
        except SettingsError:
            # Somebody has written something else into `Mois`.
            continue
        values, receipt = row.values, read_receipt(row.values.breakdown) or Receipt()
        read_at = receipt.read_at or values.collected_at
        found.append(Collected(provider, month, values.workspace, values.status, read_at, receipt))
    return tuple(found)


def complete_months(collected: Iterable[Collected], settings: Settings) -> frozenset[tuple[Source, Month]]:
    """Those months of the sources with a key that stand in Notion complete."""
    known = tuple(collected)
    return frozenset(
        (credential.source, one.month)
        for credential in settings.credentials
        for one in _of(credential, known, settings)
        if one.is_complete
    )


def _of(credential: Credential, collected: Iterable[Collected], settings: Settings) -> list[Collected]:
    """A key's months: by the key's mark or its organisation, else by the account's label, which people may change."""
    source = credential.source
    mine = [one for one in collected if one.provider is source.provider]
    names = frozenset[str]().union(*(one.names for one in mine if one.receipt.key == credential.mark))
    return [
        one
        for one in mine
        if one.receipt.key == credential.mark
        or (names & one.names if names and one.names else one.label == settings.label(source))
    ]
