"""`Breakdown JSON`: what each model or item adds to a row, exact to the last digit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from usage.money import digits, dollars, exact_sum, whole_sum
from usage.records.record import Units

NOTION_TEXT_LIMIT: Final = 199_900
"""UTF-16 code units of one Notion text property: 100 pieces of 2,000, each of which may end one unit early so as not to
cut an emoji in two."""

OTHERS: Final = "(autres)"


class BreakdownEntry(BaseModel):
    """One model, or one item that belongs to no model. Figures are `None` where the provider does not report them."""

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    item: str | None = None
    cost: Decimal | None = None
    """USD, exact."""
    allocated: Decimal | None = None
    """USD, exact: the part of `cost` that was divided among keys by usage."""
    share: Decimal | None = None
    """How much of the money that was divided this key has, of this model or item, from 0 to 1 in four decimals."""
    requests: int | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    units: Units = ()
    count: int | None = None
    """Of `(autres)`: how many entries it stands for."""

    @property
    def name(self) -> str:
        """The model's or the item's name."""
        return self.model if self.model is not None else self.item or ""


def dearest_first(entries: Iterable[BreakdownEntry]) -> tuple[BreakdownEntry, ...]:
    """By falling cost; entries without a cost last; equals by name."""
    return tuple(
        sorted(
            entries, key=lambda e: (e.cost is None, (e.cost or Decimal(0)).copy_negate(), e.item is not None, e.name)
        )
    )


def to_json(entries: Iterable[BreakdownEntry]) -> str:
    """The JSON list, with amounts as number literals that carry every digit."""
    return "[" + ",".join(_entry_json(entry) for entry in entries) + "]"


def read_json(text: str) -> tuple[BreakdownEntry, ...] | None:
    """The entries in a cell; None where there are none, or a person has made it unreadable."""
    try:
        listed = json.loads(text, parse_float=Decimal)
        entries = [BreakdownEntry.model_validate(_without_lists(one)) for one in listed]
    except (ValueError, RecursionError, TypeError, AttributeError, ArithmeticError):
        return None
    return tuple(entries)


def _without_lists(entry: dict[str, Any]) -> dict[str, Any]:
    units = tuple(sorted((name, Decimal(amount)) for name, amount in entry.get("units", {}).items()))
    return {**entry, "units": units}


def fit_json(entries: tuple[BreakdownEntry, ...], limit: int = NOTION_TEXT_LIMIT) -> str:
    """The JSON list, cut to `limit` UTF-16 code units.

    What does not fit is folded into one entry `(autres)` that keeps every sum.

    Args:
        entries: Dearest first.
        limit: UTF-16 code units.
    """
    text = to_json(entries)
    if _utf16(text) <= limit:
        return text
    # How many of the dearest fit beside the rest folded together: bisection, as the length grows with the number kept.
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high + 1) // 2
        if _utf16(to_json((*entries[:middle], fold(entries[middle:])))) <= limit:
            low = middle
        else:
            high = middle - 1
    return to_json((*entries[:low], fold(entries[low:])))


def fold(entries: tuple[BreakdownEntry, ...]) -> BreakdownEntry:
    """One entry that stands for several and keeps their sums; a figure nobody has stays `None`."""
    units: dict[str, list[Decimal]] = {}
    for entry in entries:
        for unit, amount in entry.units:
            units.setdefault(unit, []).append(amount)
    return BreakdownEntry(
        item=OTHERS,
        cost=exact_sum(entry.cost for entry in entries),
        allocated=exact_sum(entry.allocated for entry in entries),
        requests=whole_sum(entry.requests for entry in entries),
        tokens_input=whole_sum(entry.tokens_input for entry in entries),
        tokens_output=whole_sum(entry.tokens_output for entry in entries),
        units=tuple((unit, exact_sum(amounts) or Decimal(0)) for unit, amounts in sorted(units.items())),
        count=sum(entry.count or 1 for entry in entries),
    )


def _entry_json(entry: BreakdownEntry) -> str:
    parts = [f'"model":{_text(entry.model)}' if entry.model is not None else f'"item":{_text(entry.item or "")}']
    if entry.count is not None:
        parts.append(f'"count":{entry.count}')
    if entry.cost is not None:
        parts.append(f'"cost":{dollars(entry.cost)}')
    if entry.allocated is not None:
        parts.append(f'"allocated":{dollars(entry.allocated)}')
    if entry.share is not None:
        parts.append(f'"share":{digits(entry.share)}')
    for name in ("requests", "tokens_input", "tokens_output"):
        value = getattr(entry, name)
        if value is not None:
            parts.append(f'"{name}":{value}')
    if entry.units:
        parts.append('"units":{' + ",".join(f"{_text(unit)}:{digits(amount)}" for unit, amount in entry.units) + "}")
    return "{" + ",".join(parts) + "}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
