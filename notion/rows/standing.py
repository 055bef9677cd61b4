"""What stands in Notion of a provider's month, and which sources need not be read again because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from notion.databases.services import Service
from notion.rows.receipt import Receipt, read_receipt
from notion.rows.titles import is_of_service
from notion.rows.values import Existing, Values
from usage.grain import COLLECTION, canonical_workspace
from usage.language.sentence import Sentence
from usage.money import difference, dollars, exact_sum, whole_sum
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.result import SourceResult
from usage.settings import Credential, Settings

_TOLERANCE: Final = Decimal("0.000001")
"""USD by which a row may differ: Notion's numbers are doubles."""


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A source's own row, known by the key that the source has now."""

    source: Source
    values: Values
    receipt: Receipt
    read_at: datetime
    """When the figures were read."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider's month in Notion: the own row of each of its keys, and the rows of projects and keys."""

    provider: ProviderName
    month: Month
    own: tuple[OwnRow, ...]
    rows: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A source that is not read again: what stands of it, and when that was read."""

    result: SourceResult
    read_at: datetime


def find_kept(
    settings: Settings,
    services: Iterable[Service],
    month: Month,
    rows: Sequence[Existing],
    may_stay: Callable[[Standing], bool],
) -> tuple[Kept, ...]:
    """The sources of those providers whose month may stay as it is.

    A provider is left alone as a whole or not at all: accounts may share what they count. One is looked at where each
    key that it has now has written an own row, and nobody else has.

    Args:
        settings: They know the keys.
        services: The services in question.
        month: The month.
        rows: Its rows.
        may_stay: Whether a provider's month needs no reading.
    """
    return tuple(
        Kept(_as_result(standing, own), own.read_at)
        for service in services
        if (standing := _standing_of(settings, service, month, rows)) is not None and may_stay(standing)
        for own in standing.own
    )


def holds(rows: Sequence[Values], told: Decimal | None) -> bool:
    """Whether rows hold the cost that receipts tell (USD), as exactly as Notion can; none of it counts as 0."""
    held = exact_sum(values.dollars for values in rows) or Decimal(0)
    return abs(difference(held, told or Decimal(0))) <= _TOLERANCE * (len(rows) + 1)


def _standing_of(settings: Settings, service: Service, month: Month, rows: Sequence[Existing]) -> Standing | None:
    keys = [one for one in settings.credentials if one.source.provider is service.provider]
    mine = [row.values for row in rows if is_of_service(row, service.page_id, service.provider)]
    own = [values for values in mine if values.key == COLLECTION]
    found = [row for key in keys for row in _own_rows_of(key, own)]
    if not keys or len(own) != len(keys) or {row.source for row in found} != {key.source for key in keys}:
        return None
    data = tuple(values for values in mine if values.key != COLLECTION)
    return Standing(service.provider, month, tuple(found), data)


def _own_rows_of(key: Credential, own: Iterable[Values]) -> Iterator[OwnRow]:
    """Those that were read with the present key: another one may be another organisation's."""
    for values in own:
        receipt = read_receipt(values.breakdown)
        read_at = values.collected_at if receipt is None else receipt.read_at or values.collected_at
        if receipt is not None and receipt.key == key.mark and read_at is not None:
            yield OwnRow(key.source, values, receipt, read_at)


def _as_result(standing: Standing, own: OwnRow) -> SourceResult:
    """What stands of a source.

    Where rows do not tell which account they are of, its receipt tells cost and number of rows, and nothing the rest.
    Where they hold what the receipt tells, the cost is the receipt's: it has every digit, and Notion's numbers do not.
    """
    data = _rows_of(standing, own)
    known, told = data or (), own.receipt.cost_usd
    is_told = data is None or (told is not None and holds(data, told))
    cost = told if is_told else exact_sum(values.dollars for values in known)
    return SourceResult(
        provider=own.source.provider,
        account=own.source.account,
        status=Status(own.values.status or ""),
        cost_usd=None if cost is None else dollars(cost),
        tokens_input=_whole_sum(values.tokens_input for values in known),
        tokens_output=_whole_sum(values.tokens_output for values in known),
        requests=_whole_sum(values.requests for values in known),
        rows=own.receipt.rows or 0 if data is None else len(known),
        log=Sentence.of(own.values.log),
    )


def _rows_of(standing: Standing, own: OwnRow) -> tuple[Values, ...] | None:
    """The rows of one of the accounts, by its label; None where some row has none of their labels."""
    if len(standing.own) == 1:
        return standing.rows
    labels = {canonical_workspace(one.values.workspace) for one in standing.own}
    spaces = [(canonical_workspace(values.workspace), values) for values in standing.rows]
    if any(space not in labels for space, _ in spaces):
        return None
    mine = canonical_workspace(own.values.workspace)
    return tuple(values for space, values in spaces if space == mine)


def _whole_sum(figures: Iterator[float | None]) -> int | None:
    # Notion knows no other numbers than doubles.
    return whole_sum(None if figure is None else int(figure) for figure in figures)
