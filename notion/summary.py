"""What *Usages* holds, month by month and service by service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from notion.rows import Existing
from notion.services import Service
from usage.grain import COLLECTION
from usage.money import exact_sum
from usage.names import ProviderName, Status, worst


class MonthStatus(BaseModel):
    """One provider in one month, as Notion shows it."""

    model_config = ConfigDict(frozen=True)

    month: str
    provider: ProviderName
    status: Status | None
    """The worst of its sources' own rows; None where it was never collected by this program."""
    cost_usd: Decimal | None
    """Sum of its rows' `Cout USD`; None where no row has one."""
    rows: int
    """Rows of projects or keys; the sources' own rows are not counted."""
    last_collection: datetime | None
    """Latest attempt, UTC."""


def summarise(rows: Iterable[Existing], services: Sequence[Service]) -> tuple[MonthStatus, ...]:
    """One line for each month and provider that has rows, months in order, newest last."""
    by_service = {service.page_id.replace("-", ""): service.provider for service in services}
    groups: dict[tuple[str, ProviderName], list[Existing]] = {}
    for row in rows:
        provider = by_service.get((row.values.service or "").replace("-", ""))
        if provider is not None and row.values.mois:
            groups.setdefault((row.values.mois, provider), []).append(row)
    order = list(ProviderName)
    keys = sorted(groups, key=lambda key: (key[0], order.index(key[1])))
    return tuple(_line(month, provider, groups[month, provider]) for month, provider in keys)


def _line(month: str, provider: ProviderName, rows: Sequence[Existing]) -> MonthStatus:
    own = [row.values for row in rows if row.values.key == COLLECTION]
    data = [row.values for row in rows if row.values.key != COLLECTION]
    known = [Status(values.statut) for values in own if values.statut in set(Status)]
    times = [values.collecte_le for values in own if values.collecte_le is not None]
    return MonthStatus(
        month=month,
        provider=provider,
        status=worst(known) if known else None,
        # The shortest text of a double is the amount that was written, up to 15 digits.
        cost_usd=exact_sum(None if values.cout is None else Decimal(str(values.cout)) for values in data),
        rows=len(data),
        last_collection=max(times, default=None),
    )
