"""FinOps FOCUS 1.2 (https://focus.finops.org): the columns of a Cost and Usage data set, and ours behind them.

What a provider's API does not tell is not there: list and contracted prices, invoices, regions, resources, commitments.
docs/REPORTS.md tells people where each column comes from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from unicodedata import combining, normalize

from reports.currency import USD, Rate, Rates, for_files
from reports.export.charges import Category, Charge, Charges
from reports.export.lines import Grain, Lines
from reports.export.records import BETWEEN, amount_of
from reports.export.table import Column, Kind, Table, sound
from reports.ledger import Ledger
from usage.names import ProviderName, Source
from usage.records.record import Unit

VERSION: Final = "1.2"
_CATEGORY: Final = "AI and Machine Learning"
_SUBCATEGORIES: Final = {ProviderName.DEEPGRAM: "Other (AI and Machine Learning)"}
"""Of what is not generative: recognising speech has no subcategory of its own."""


def focus_table(ledger: Ledger, rates: Rates | None = None) -> tuple[Table[Charge], Charges]:
    """The charges of a ledger, by day; and once more what they are made of, for what can't be among them.

    Args:
        ledger: The months.
        rates: A second currency, in columns of ours: what is billed stays US dollars.
    """
    charges = Charges(Lines(ledger, Grain.DAY))
    return Table((*_STANDARD, *_OURS, *(() if rates is None else _second_currency(rates))), charges), charges


def _second_currency(rates: Rates) -> Iterator[Column[Charge]]:
    """What is billed in US dollars in the second currency, and the rate; nothing without one."""
    if not rates.wanted:
        return
    code = rates.code.capitalize()

    def rate(charge: Charge) -> Rate | None:
        return rates.rates.get(charge.line.row.month) if charge.currency == USD else None

    def cost(charge: Charge) -> Decimal | None:
        found = rate(charge)
        return None if found is None else for_files(found.convert(charge.billed))

    yield Column(f"x_BilledCost{code}", Kind.AMOUNT, cost, rates.currency)
    yield Column(
        f"x_{code}Rate", Kind.AMOUNT, lambda charge: found.rate if (found := rate(charge)) else None, "USD for 1"
    )
    yield _text(f"x_{code}RateSource", lambda charge: found.source.value if (found := rate(charge)) else None)


def _text(name: str, value: Callable[[Charge], str | None]) -> Column[Charge]:
    return Column(name, Kind.TEXT, value)


def _ascii(name: str, value: Callable[[Charge], str | None]) -> Column[Charge]:
    """A standard column: the official validator takes nothing but ASCII there."""

    def text(charge: Charge) -> str | None:
        whole = value(charge)
        return None if whole is None else whole.encode("ascii", "backslashreplace").decode("ascii")

    return _text(name, text)


def _nothing(name: str) -> Column[Charge]:
    """A column that has to be there, of which no provider's API tells anything."""
    return _text(name, lambda charge: None)  # noqa: ARG005  # all columns are asked alike


def _instant(name: str, value: Callable[[Charge], datetime]) -> Column[Charge]:
    return Column(name, Kind.INSTANT, value)


def _cost(name: str) -> Column[Charge]:
    return Column(name, Kind.AMOUNT, lambda charge: charge.billed, "BillingCurrency")


def _provider(charge: Charge) -> str:
    return charge.line.row.provider.label


def _account_id(charge: Charge) -> str:
    """The organisation; our own name for the key where the provider tells none."""
    row = charge.line.row
    own = Source(provider=row.provider, account=row.account).name if row.account else row.provider.value
    return charge.line.organisation or own


def _start(charge: Charge) -> datetime:
    day = charge.line.record.day
    return charge.line.row.month.start if day is None else datetime.combine(day, time(), UTC)


def _end(charge: Charge) -> datetime:
    """The first moment after it, as FOCUS has it."""
    return charge.line.row.month.end if charge.line.record.day is None else _start(charge) + timedelta(days=1)


def _thing(charge: Charge) -> str | None:
    """The model or the item."""
    return charge.line.record.model or charge.line.record.item


def _sku(charge: Charge) -> str:
    return _thing(charge) or charge.line.row.provider.value


def _meter(charge: Charge) -> str:
    return "Model usage" if charge.line.record.model else charge.line.record.item or "Usage"


def _details(charge: Charge) -> str | None:
    record = charge.line.record
    pairs = {"x_Model": record.model, "x_Item": record.item}
    told = {name: text for name, text in pairs.items() if text}
    return _json(told) if told else None


def _sub_account(charge: Charge) -> str | None:
    return charge.line.record.project or charge.line.record.workspace


def _sub_account_name(charge: Charge) -> str | None:
    """Its name as far as ASCII can write it, else the id: FOCUS wants one or the other."""
    an_id = _sub_account(charge)
    return without_accents(charge.line.name_of(an_id) or "") or an_id


def _sub_account_type(charge: Charge) -> str | None:
    if charge.line.record.project:
        return "Project"
    return "Workspace" if charge.line.record.workspace else None


def _tags(charge: Charge) -> str | None:
    own = {one.name: BETWEEN.join(one.values) for one in charge.line.row.own if one.values}
    return _json(own) if own else None


def _json(pairs: dict[str, str]) -> str:
    return json.dumps({sound(name): sound(value) for name, value in pairs.items()})


def without_accents(text: str) -> str | None:
    """A name in ASCII, its accents dropped; None where that would lose more of it."""
    letters = "".join(one for one in normalize("NFKD", text) if not combining(one))
    return letters if letters.isascii() else None


def _frequency(charge: Charge) -> str:
    return "Usage-Based" if charge.category is Category.USAGE else "One-Time"


def _description(charge: Charge) -> str:
    what, row = _thing(charge), charge.line.row
    return f"{row.provider.label}: {what}" if what else f"{row.provider.label}: {row.name or row.key}"


_STANDARD: Final = (
    _cost("BilledCost"),
    _ascii("BillingAccountId", _account_id),
    _ascii("BillingAccountName", lambda charge: charge.line.row.account or None),
    _ascii("BillingCurrency", lambda charge: charge.currency),
    _instant("BillingPeriodEnd", lambda charge: charge.line.row.month.end),
    _instant("BillingPeriodStart", lambda charge: charge.line.row.month.start),
    _ascii("ChargeCategory", lambda charge: charge.category.value),
    # Corrections of earlier months are told by the providers in these months themselves.
    _nothing("ChargeClass"),
    _ascii("ChargeDescription", _description),
    _ascii("ChargeFrequency", _frequency),
    _instant("ChargePeriodEnd", _end),
    _instant("ChargePeriodStart", _start),
    _nothing("CommitmentDiscountStatus"),
    Column[Charge]("ConsumedQuantity", Kind.AMOUNT, lambda charge: charge.quantity, "ConsumedUnit"),
    _ascii("ConsumedUnit", lambda charge: charge.unit),
    _cost("ContractedCost"),
    _cost("EffectiveCost"),
    _nothing("InvoiceId"),
    _ascii("InvoiceIssuerName", _provider),
    _cost("ListCost"),
    Column[Charge]("PricingQuantity", Kind.AMOUNT, lambda charge: charge.quantity, "PricingUnit"),
    _ascii("PricingUnit", lambda charge: charge.unit),
    _ascii("ProviderName", _provider),
    _ascii("PublisherName", _provider),
    _ascii("ServiceCategory", lambda charge: _CATEGORY),  # noqa: ARG005
    _ascii("ServiceName", _provider),
    _ascii("ServiceSubcategory", lambda charge: _SUBCATEGORIES.get(charge.line.row.provider, "Generative AI")),
    _ascii("SkuId", _sku),
    _ascii("SkuMeter", _meter),
    _text("SkuPriceDetails", _details),
    _ascii("SkuPriceId", _sku),
    _ascii("SubAccountId", _sub_account),
    _ascii("SubAccountName", _sub_account_name),
    _ascii("SubAccountType", _sub_account_type),
    _text("Tags", _tags),
)


def _count(name: str, of: str, unit: str) -> Column[Charge]:
    def value(charge: Charge) -> int | None:
        found: int | None = getattr(charge.line.record, of)
        return found if charge.has_figures else None

    return Column(name, Kind.COUNT, value, unit)


def _amount(unit: Unit) -> Column[Charge]:
    def value(charge: Charge) -> Decimal | None:
        return amount_of(charge.line.record, unit) if charge.has_figures else None

    name = "".join(word.capitalize() for word in unit.value.split("_"))
    return Column(f"x_{name}", Kind.AMOUNT, value, "USD" if unit is Unit.BYOK_USD else unit.value)


_OURS: Final = (
    _text("x_SubAccountName", lambda charge: charge.line.name_of(_sub_account(charge))),
    _text("x_ApiKeyId", lambda charge: charge.line.record.api_key),
    _text("x_ApiKeyName", lambda charge: charge.line.name_of(charge.line.record.api_key)),
    _text("x_CostBasis", lambda charge: charge.basis.value),
    _text("x_RowKey", lambda charge: charge.line.row.key),
    _text("x_RowName", lambda charge: charge.line.row.name or None),
    _count("x_InputTokens", "tokens_input", "tokens"),
    _count("x_OutputTokens", "tokens_output", "tokens"),
    _count("x_Requests", "requests", "requests"),
    *(_amount(unit) for unit in Unit),
)
