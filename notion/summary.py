"""What *Usages* holds, month by month and service by service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from notion.databases.services import Service
from notion.rows.receipt import read_receipt
from notion.rows.titles import provider_of
from notion.rows.values import Existing, Values
from usage.grain import COLLECTION
from usage.money import exact_sum
from usage.names import ProviderName, Status, overall


class MonthStatus(BaseModel):
    """One provider in one month, as Notion shows it."""

    model_config = ConfigDict(frozen=True)

    month: str
    provider: ProviderName
    status: Status | None
    """The word for its sources' own rows together; None where it was never collected by this program."""
    cost_usd: Decimal | None
    """Sum of its rows' `Cout USD`; None where no row has one."""
    rows: int
    """Rows of projects or keys; the sources' own rows are not counted."""
    figures_at: datetime | None
    """When the figures were read, UTC; where several accounts make up the line, the oldest of their readings."""
    last_collection: datetime | None
    """Latest attempt, UTC, whether it brought figures or not."""


def summarise(rows: Iterable[Existing], services: Sequence[Service]) -> tuple[MonthStatus, ...]:
    """One line for each month and provider that has rows, months in order, newest last."""
    groups: dict[tuple[str, ProviderName], list[Existing]] = {}
    pages = {one.provider: one.page_id for one in services}
    for row in rows:
        # A row that has lost its relation is known by its title.
        provider = provider_of(row, pages)
        if provider is not None and row.values.month:
            groups.setdefault((row.values.month, provider), []).append(row)
    order = list(ProviderName)
    keys = sorted(groups, key=lambda key: (key[0], order.index(key[1])))
    return tuple(_line(month, provider, groups[month, provider]) for month, provider in keys)


def _line(month: str, provider: ProviderName, rows: Sequence[Existing]) -> MonthStatus:
    own = [row.values for row in rows if row.values.key == COLLECTION]
    data = [row.values for row in rows if row.values.key != COLLECTION]
    known = [Status(values.status) for values in own if values.status in set(Status)]
    receipts = [receipt for values in own if (receipt := read_receipt(values.breakdown)) is not None]
    read_at = [receipt.read_at for receipt in receipts if receipt.read_at is not None]
    return MonthStatus(
        month=month,
        provider=provider,
        status=overall(known) if known else None,
        cost_usd=exact_sum(values.dollars for values in data),
        rows=len(data),
        # Rows whose figures did not change keep an older time than the reading that confirmed them.
        figures_at=min(read_at) if read_at else _newest(data),
        last_collection=_newest(own),
    )


def _newest(rows: Iterable[Values]) -> datetime | None:
    return max((values.collected_at for values in rows if values.collected_at is not None), default=None)
