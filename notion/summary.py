"""What *Usages* holds, month by month and service by service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from notion.databases.services import Service
from notion.proofs import proof_of
from notion.rows.receipt import read_receipt
from notion.rows.titles import provider_of
from notion.rows.values import Existing, Values
from usage.errors import SettingsError
from usage.grain import COLLECTION
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Status, overall
from usage.outcomes.proof import MonthState, Proof, state_of


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
    state: MonthState | None = None
    """How far the month has come; None where `month` is none."""


@dataclass(frozen=True, slots=True)
class SourceProof:
    """What one source's own row proves, and the account as Notion shows it."""

    label: str
    proof: Proof


def summarise(rows: Iterable[Existing], services: Sequence[Service], now: datetime) -> tuple[MonthStatus, ...]:
    """One line for each month and provider that has rows, months in order, newest last.

    Args:
        rows: Rows of any kind and month.
        services: The rows of *Services*.
        now: The present, by which months are open, settled or closed.
    """
    return tuple(_line(month, provider, group, now) for (month, provider), group in _groups(rows, services))


def prove(rows: Iterable[Existing], services: Sequence[Service]) -> tuple[SourceProof, ...]:
    """What each source's own row proves, in the order of `summarise`, accounts by name."""
    return tuple(
        SourceProof(values.workspace, proof)
        for (_, provider), group in _groups(rows, services)
        for values in sorted((row.values for row in group if row.values.key == COLLECTION), key=lambda v: v.workspace)
        if (proof := proof_of(values, provider)) is not None
    )


def _groups(
    rows: Iterable[Existing], services: Sequence[Service]
) -> list[tuple[tuple[str, ProviderName], list[Existing]]]:
    groups: dict[tuple[str, ProviderName], list[Existing]] = {}
    pages = {one.provider: one.page_id for one in services}
    for row in rows:
        # A row that has lost its relation is known by its title.
        provider = provider_of(row, pages)
        if provider is not None and row.values.month:
            groups.setdefault((row.values.month, provider), []).append(row)
    order = list(ProviderName)
    return sorted(groups.items(), key=lambda item: (item[0][0], order.index(item[0][1])))


def _line(month: str, provider: ProviderName, rows: Sequence[Existing], now: datetime) -> MonthStatus:
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
        state=_state(month, provider, own, now),
    )


def _state(month: str, provider: ProviderName, own: Iterable[Values], now: datetime) -> MonthState | None:
    try:
        known = Month.parse(month)
    except SettingsError:
        # Somebody has written something else into `Mois`.
        return None
    return state_of(provider, known, [proof for values in own if (proof := proof_of(values, provider))], now)


def _newest(rows: Iterable[Values]) -> datetime | None:
    return max((values.collected_at for values in rows if values.collected_at is not None), default=None)
