"""A month's bill beside its tokens at public prices, and what the difference may come from.

For each line, and so for each sum of lines: billed = expected + differences + residual, to the last digit.

What the figures themselves tell is named for certain: no tokens, no price, no cost, nothing billed. Beyond that they do
not say which tokens came from a cache or ran in a batch, so a difference is given to what it fits: first to one thing
that explains all of it, then to a share that all models of the provider have in common, then piece by piece, to each
thing as much as it could explain at the most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from typing import Final

from reports.ledger import LedgerRow
from reports.pricing.prices import ModelPrices, PriceList, Reason
from usage.money import EXACT, difference, exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import Unit, UsageRecord

_ZERO: Final = Decimal(0)
_ORDER: Final = (Reason.CACHE, Reason.LONG_CONTEXT, Reason.BATCH, Reason.TIER, Reason.MODALITY)
"""In which what is left of a difference is given away, the usual first."""
_SAME: Final = Decimal("0.005")
"""Share by which two amounts may differ and still be taken for the same."""
_ALIKE: Final = 3
"""Models of a provider that have to show the same share before it is taken for a discount."""
_RATIO: Final = Context(prec=28)


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of what was billed beyond the expected cost; negative where less was billed."""

    reason: Reason
    amount: Decimal
    """US dollars."""


@dataclass(frozen=True, slots=True)
class Line:
    """One model, or one thing without a model, in one row."""

    row: LedgerRow
    model: str
    """As the provider names it, or the item; empty where it tells neither."""
    billed: Decimal | None
    """US dollars; None where nobody tells them."""
    expected: Decimal | None
    """An estimate: tokens at the public standard price, US dollars; None where there are no tokens or no price."""
    tokens_input: int | None
    tokens_output: int | None
    differences: tuple[Difference, ...] = ()
    residual: Decimal = _ZERO
    """What nothing explains, US dollars."""

    @property
    def gap(self) -> Decimal:
        """What was billed beyond what was expected; what is not known counts as nothing."""
        return difference(self.billed or _ZERO, self.expected or _ZERO)


@dataclass(frozen=True, slots=True)
class Sums:
    """Some lines added up."""

    billed: Decimal | None
    """None where no line tells it."""
    expected: Decimal | None
    """None where nothing can be expected: no line has tokens and a price."""
    differences: tuple[Difference, ...]
    """One for each reason, the largest first."""
    residual: Decimal

    @property
    def gap(self) -> Decimal:
        """What was billed beyond what was expected; what is not known counts as nothing."""
        return difference(self.billed or _ZERO, self.expected or _ZERO)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A month against a price list. All of it but what was billed is an estimate."""

    month: Month
    price_list: str
    lines: tuple[Line, ...]
    """Furthest from what was expected first."""

    def sums(self, provider: ProviderName | None = None) -> Sums:
        """All lines, or those of one provider, added up."""
        return add_up(line for line in self.lines if provider in (None, line.row.provider))

    @property
    def providers(self) -> tuple[ProviderName, ...]:
        """Those that have any lines."""
        found = {line.row.provider for line in self.lines}
        return tuple(name for name in ProviderName if name in found)


def add_up(lines: Iterable[Line]) -> Sums:
    """Lines added up, exactly."""
    lines = tuple(lines)
    amounts: dict[Reason, list[Decimal]] = {}
    for line in lines:
        for one in line.differences:
            amounts.setdefault(one.reason, []).append(one.amount)
    found = [Difference(reason, _sum(parts)) for reason, parts in amounts.items()]
    return Sums(
        billed=exact_sum(line.billed for line in lines),
        expected=exact_sum(line.expected for line in lines),
        differences=tuple(sorted(found, key=lambda one: (-abs(one.amount), one.reason))),
        residual=_sum(line.residual for line in lines),
    )


def reconcile(month: Month, rows: Iterable[LedgerRow], prices: PriceList) -> Reconciliation:
    """Hold a month's rows against a price list.

    Args:
        month: The month; its first day stands for records that have no day.
        rows: Its rows.
        prices: The price list.
    """
    parts = [part for row in rows for part in _parts(month, row, prices)]
    shares = _common_shares(parts)
    lines = [part.line(shares.get(part.row.provider)) for part in parts]
    return Reconciliation(month, prices.name, tuple(sorted(lines, key=_furthest_first)))


@dataclass(slots=True)
class _Part:
    """What is known of one model in one row, day by day added up."""

    row: LedgerRow
    names: dict[str, None] = field(default_factory=dict)
    costs: list[Decimal | None] = field(default_factory=list)
    tokens_input: int | None = None
    tokens_output: int | None = None
    standard: Decimal = _ZERO
    spans: dict[tuple[Reason, str], Decimal] = field(default_factory=dict)
    """By how much the cost would change if a variant were so of all tokens."""
    own_key: Decimal = _ZERO
    """What was paid to another provider, US dollars."""
    has_price: bool = False
    has_unpriced_tokens: bool = False

    def add(self, record: UsageRecord, prices: ModelPrices | None) -> None:
        """One record more."""
        self.names[record.model or record.item or ""] = None
        self.costs.append(record.cost)
        self.own_key = EXACT.add(self.own_key, dict(record.units).get(Unit.BYOK_USD, _ZERO))
        tokens = record.tokens_input, record.tokens_output
        if tokens == (None, None):
            return
        self.tokens_input = _add(self.tokens_input, record.tokens_input)
        self.tokens_output = _add(self.tokens_output, record.tokens_output)
        if prices is None:
            self.has_unpriced_tokens = self.has_unpriced_tokens or any(tokens)
            return
        self.has_price = True
        cost = prices.standard.cost(*tokens)
        self.standard = EXACT.add(self.standard, cost)
        for variant in prices.variants:
            key = variant.reason, variant.name
            span = difference(variant.prices.cost(*tokens), cost)
            self.spans[key] = EXACT.add(self.spans.get(key, _ZERO), span)

    @property
    def billed(self) -> Decimal | None:
        return exact_sum(self.costs)

    @property
    def expected(self) -> Decimal | None:
        return self.standard if self.has_price else None

    @property
    def share(self) -> Decimal | None:
        """What was billed as a share of what was expected, where both are something."""
        if not self.billed or not self.expected or self.expected < 0:
            return None
        return _RATIO.divide(self.billed, self.expected)

    def line(self, common_share: Decimal | None) -> Line:
        """The line, its difference explained as far as it goes."""
        bare = Line(
            row=self.row,
            model=", ".join(filter(None, self.names)),
            billed=self.billed,
            expected=self.expected,
            tokens_input=self.tokens_input,
            tokens_output=self.tokens_output,
        )
        found = tuple(one for one in self._explain(bare.gap, common_share) if one.amount)
        return replace(bare, differences=found, residual=difference(bare.gap, _sum(one.amount for one in found)))

    def _explain(self, gap: Decimal, common_share: Decimal | None) -> Sequence[Difference]:
        if self.own_key > 0 and gap < 0:
            elsewhere = max(gap, -self.own_key)
            left = difference(gap, elsewhere)
            return (Difference(Reason.OWN_KEY, elsewhere), *(self._explain_here(left, common_share) if left else ()))
        return self._explain_here(gap, common_share)

    def _explain_here(self, gap: Decimal, common_share: Decimal | None) -> Sequence[Difference]:
        certain = self._told()
        if certain is not None:
            return (Difference(certain, gap),)
        whole = next((reason for (reason, _), span in self._in_order() if _is_same(gap, span)), None)
        if whole is not None:
            return (Difference(whole, gap),)
        if common_share is not None and self.share is not None and _is_same(self.share, common_share):
            return (Difference(Reason.DISCOUNT, gap),)
        return self._piece_by_piece(gap)

    def _told(self) -> Reason | None:
        """What the figures themselves say."""
        if self.has_unpriced_tokens:
            return Reason.UNKNOWN_PRICE
        if not (self.tokens_input or self.tokens_output):
            # Less than nothing is a credit.
            return Reason.DISCOUNT if (self.billed or _ZERO) < 0 else Reason.NO_TOKENS
        if self.billed is None:
            return Reason.NO_COST
        return Reason.FREE if not self.billed else None

    def _piece_by_piece(self, gap: Decimal) -> Sequence[Difference]:
        most: dict[Reason, Decimal] = {}
        for (reason, _), span in self._in_order():
            # Of several variants of one thing, the one that goes furthest in this direction.
            if span * gap > 0 and abs(span) > abs(most.get(reason, _ZERO)):
                most[reason] = span
        found, left = [], gap
        for reason, span in most.items():
            part = span if abs(span) < abs(left) else left
            found.append(Difference(reason, part))
            left = difference(left, part)
        return found

    def _in_order(self) -> list[tuple[tuple[Reason, str], Decimal]]:
        return sorted(self.spans.items(), key=lambda item: (_ORDER.index(item[0][0]), item[0][1]))


def _parts(month: Month, row: LedgerRow, prices: PriceList) -> Iterable[_Part]:
    found: dict[str, _Part] = {}
    known: dict[str, str] = {}
    for record in row.records:
        day = record.day or month.first_day
        listed = None if record.model is None else prices.find(row.provider, record.model, day)
        if listed is not None and record.model is not None:
            # A bill may have another name for a model than the usage report: they are one line.
            known[record.model] = f"model {listed.model}"
        name = known.get(record.model or "", f"other {record.model or record.item or ''}")
        found.setdefault(name, _Part(row)).add(record, listed)
    return [part for part in found.values() if part.billed is not None or part.tokens_input or part.tokens_output]


def _common_shares(parts: Iterable[_Part]) -> Mapping[ProviderName, Decimal]:
    """The share of their price that all models of a provider were billed at, where that is one and the same."""
    shares: dict[ProviderName, list[Decimal]] = {}
    for part in parts:
        if part.share is not None:
            shares.setdefault(part.row.provider, []).append(part.share)
    found = {}
    for provider, all_of_them in shares.items():
        middle = sorted(all_of_them)[len(all_of_them) // 2]
        if len(all_of_them) >= _ALIKE and middle < 1 and all(_is_same(one, middle) for one in all_of_them):
            found[provider] = middle
    return found


def _is_same(one: Decimal, other: Decimal) -> bool:
    """Whether two amounts are the same but for rounding; nothing is the same as nothing else."""
    return bool(other) and abs(one - other) <= abs(other) * _SAME


def _add(one: int | None, other: int | None) -> int | None:
    return one if other is None else (one or 0) + other


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return exact_sum(amounts) or _ZERO


def _furthest_first(line: Line) -> tuple[Decimal, ProviderName, str, str]:
    return -abs(line.gap), line.row.provider, line.row.title, line.model
