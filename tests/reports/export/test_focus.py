"""FOCUS: sums equal to the rows, no cost split or made up, and what the specification asks of columns."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from msgspec import structs

from reports.currency import Rate, Rates, RateSource
from reports.export.charges import Basis, Category, Charges, billed, charges_of, has_money, quantity_of
from reports.export.csv_file import write_csv
from reports.export.focus import focus_table, without_accents
from reports.export.lines import Grain, Lines
from reports.ledger import Ledger, LedgerRow, OwnColumn
from tests.reports.export.ledgers import AWKWARD, JANUARY, RECORD, ROW, ledger_of, ledgers
from tests.test_docs import ROOT, code_spans, section
from usage.money import exact_sum
from usage.names import ProviderName
from usage.records.record import UsageRecord

MANDATORY = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)
NEVER_NULL = set(MANDATORY) - {"BillingAccountName", "ChargeClass", "PricingQuantity", "PricingUnit"}


def values(ledger: Ledger) -> list[dict[str, Any]]:
    table, _ = focus_table(ledger)
    return [{column.name: column.value(charge) for column in table.columns} for charge in table.lines]


def one(*records: UsageRecord, **changed: Any) -> list[dict[str, Any]]:
    return values(ledger_of(replace(ROW, records=records, **changed)))


@given(ledgers())
def test_sums_are_the_rows(ledger: Ledger) -> None:
    table, charges = focus_table(ledger)
    assert billed(charges) == exact_sum(month.cost for month in ledger.months)
    for month in ledger.months:
        for row in month.rows:
            ours = [charge for charge in table.lines if charge.line.row is row]
            assert billed(ours) == row.cost
            if row.cost is not None:
                whole = sum(
                    (charge.line.record.tokens_input or 0) + (charge.line.record.tokens_output or 0)
                    for charge in ours
                    if charge.has_figures
                )
                assert whole == (row.tokens_input or 0) + (row.tokens_output or 0)


@given(ledgers())
def test_no_cost_is_split_and_none_is_lost(ledger: Ledger) -> None:
    for line in Lines(ledger, Grain.DAY):
        found = list(charges_of(line))
        dollars = [charge.billed for charge in found if charge.currency == "USD" and charge.basis is Basis.AMOUNT]
        assert dollars == ([] if line.record.cost is None else [line.record.cost])
        assert sum(charge.has_figures for charge in found) == bool(found)
        measured = quantity_of(line.record) is not None
        assert bool(found) == (has_money(line) and (measured or _has_amount(line.record)))


def _has_amount(record: UsageRecord) -> bool:
    return record.cost is not None or any(name.startswith("cost_") for name, _ in record.units)


@given(ledgers())
def test_columns_follow_the_specification(ledger: Ledger) -> None:
    for line in values(ledger):
        assert set(MANDATORY) <= set(line)
        assert all(line[name] is not None and line[name] != "" for name in NEVER_NULL)
        assert line["BilledCost"] == line["EffectiveCost"] == line["ListCost"] == line["ContractedCost"]
        for quantity, unit in (("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit")):
            assert (line[quantity] is None) == (line[unit] is None) == (line["ChargeCategory"] != "Usage")
        assert line["ChargePeriodStart"] < line["ChargePeriodEnd"] <= line["BillingPeriodEnd"]
        assert line["BillingPeriodStart"] <= line["ChargePeriodStart"]
        for name in ("Tags", "SkuPriceDetails"):
            assert line[name] is None or all(isinstance(value, str) for value in json.loads(line[name]).values())
        ours = {name: value for name, value in line.items() if not name.startswith("x_") and isinstance(value, str)}
        assert all(value.isascii() for value in ours.values())


def test_our_columns_come_last() -> None:
    table, _ = focus_table(ledger_of(ROW))
    names = [column.name for column in table.columns]
    first = next(place for place, name in enumerate(names) if name.startswith("x_"))
    assert all(name.startswith("x_") for name in names[first:])
    assert names[:first] == sorted(names[:first])


def test_tokens_are_one_quantity_and_stand_apart_in_our_columns() -> None:
    (line,) = one(structs.replace(RECORD, requests=3))
    assert (line["ConsumedQuantity"], line["ConsumedUnit"]) == (Decimal(1020), "Tokens")
    assert (line["x_InputTokens"], line["x_OutputTokens"], line["x_Requests"]) == (1000, 20, 3)
    assert (line["SkuId"], line["SkuMeter"], line["SkuPriceDetails"]) == (
        "gpt-5",
        "Model usage",
        '{"x_Model": "gpt-5"}',
    )
    assert line["BilledCost"] == Decimal("1.25")
    assert line["x_CostBasis"] == "Amount"


@pytest.mark.parametrize(
    ("units", "requests", "quantity", "unit"),
    [
        ((("credits", Decimal("7.5")), ("minutes", Decimal(2))), 4, Decimal("7.5"), "Credits"),
        ((("hours", Decimal("0.25")),), 4, Decimal("0.25"), "Hours"),
        ((("bytes", Decimal(9)),), None, Decimal(9), "B"),
        ((("agent_hours", Decimal(1)),), None, Decimal(1), "Agent-Hours"),
        ((), 4, Decimal(4), "Requests"),
        ((("credits", Decimal(0)),), 0, Decimal("1.25"), "USD"),
        ((("byok_usd", Decimal(5)),), None, Decimal("1.25"), "USD"),
        ((), None, Decimal("1.25"), "USD"),
    ],
)
def test_other_quantities(
    units: tuple[tuple[str, Decimal], ...], requests: int | None, quantity: Decimal, unit: str
) -> None:
    record = structs.replace(RECORD, tokens_input=None, tokens_output=None, units=units, requests=requests)
    (line,) = one(record)
    assert (line["ConsumedQuantity"], line["ConsumedUnit"]) == (quantity, unit)
    assert (line["PricingQuantity"], line["PricingUnit"]) == (quantity, unit)


def test_what_was_given_back_without_a_quantity_is_no_usage() -> None:
    (line,) = one(UsageRecord(item="Service credit", cost=Decimal("-12.5")))
    assert (line["ChargeCategory"], line["BilledCost"], line["ConsumedQuantity"]) == (
        Category.ADJUSTMENT,
        Decimal("-12.5"),
        None,
    )


def test_usage_and_money_that_can_t_be_joined_stand_in_lines_of_their_own() -> None:
    hours = UsageRecord(model="nova-3", units=(("hours", Decimal(2)),))
    money = UsageRecord(item="streaming::nova-3", cost=Decimal(3))
    usage, amount = one(hours, money)
    assert (usage["BilledCost"], usage["ConsumedUnit"], usage["x_CostBasis"]) == (Decimal(0), "Hours", "NoAmount")
    assert (amount["BilledCost"], amount["ConsumedUnit"], amount["x_CostBasis"]) == (Decimal(3), "USD", "Amount")


def test_a_cost_that_nobody_tells_is_not_0() -> None:
    silent = replace(ROW, key="p2", records=(structs.replace(RECORD, cost=None),))
    ledger = ledger_of(ROW, silent)
    assert [line["x_RowKey"] for line in values(ledger)] == ["p1"]
    assert Charges(Lines(ledger, Grain.DAY)).left_out() == 1


def test_another_currency_is_billed_in_it() -> None:
    (euros,) = one(structs.replace(RECORD, cost=None, units=(("cost_eur", Decimal("3.3")),)))
    assert (euros["BilledCost"], euros["BillingCurrency"], euros["ConsumedUnit"]) == (Decimal("3.3"), "EUR", "Tokens")
    both = one(structs.replace(RECORD, units=(("cost_eur", Decimal("3.3")),)))
    assert [(line["BillingCurrency"], line["x_InputTokens"]) for line in both] == [("USD", 1000), ("EUR", None)]


def test_euros_are_columns_of_ours_and_the_billing_currency_stays() -> None:
    rates = Rates("EUR", {JANUARY: Rate(JANUARY, "EUR", Decimal("1.25"), RateSource.FILE)})
    both = replace(ROW, records=(structs.replace(RECORD, units=(("cost_eur", Decimal("3.3")),)),))
    table, _ = focus_table(ledger_of(both), rates)
    names = ("BilledCost", "BillingCurrency", "x_BilledCostEur", "x_EurRate", "x_EurRateSource")
    by_name = {column.name: column for column in table.columns}
    assert [tuple(by_name[name].value(charge) for name in names) for charge in table.lines] == [
        (Decimal("1.25"), "USD", Decimal(1), Decimal("1.25"), "file"),
        (Decimal("3.3"), "EUR", None, None, None),
    ]
    assert not set(names[2:]) & {column.name for column in focus_table(ledger_of(both))[0].columns}


def test_periods_are_days_or_the_month() -> None:
    (day,), (month,) = one(RECORD), one(structs.replace(RECORD, day=None), by_day=False)
    assert (day["ChargePeriodStart"], day["ChargePeriodEnd"]) == (
        datetime(2026, 1, 5, tzinfo=UTC),
        datetime(2026, 1, 6, tzinfo=UTC),
    )
    assert (month["ChargePeriodStart"], month["ChargePeriodEnd"]) == (
        month["BillingPeriodStart"],
        month["BillingPeriodEnd"],
    )


def test_accounts_and_what_is_below_them() -> None:
    (line,) = one(RECORD)
    assert (line["BillingAccountId"], line["BillingAccountName"]) == ("org-1", "labo")
    assert (line["SubAccountId"], line["SubAccountName"], line["SubAccountType"]) == ("p1", "Production", "Project")
    (other,) = one(structs.replace(RECORD, project=None, workspace="w1"), provider=ProviderName.ANTHROPIC, account="")
    assert (other["BillingAccountId"], other["BillingAccountName"]) == ("anthropic", None)
    assert (other["SubAccountId"], other["SubAccountName"], other["SubAccountType"]) == ("w1", "w1", "Workspace")


def test_own_columns_are_tags() -> None:
    (line,) = one(RECORD, own=(OwnColumn("Équipe", ("A", "B")), OwnColumn("Client", ("Été",))))
    assert json.loads(line["Tags"]) == {"Équipe": "A; B", "Client": "Été"}


def test_names_that_ascii_can_t_write() -> None:
    assert without_accents("Été & çà") == "Ete & ca"
    assert without_accents("Лаборатория") is None
    (line,) = one(RECORD, name="Лаборатория 🧪")
    assert (line["SubAccountName"], line["x_SubAccountName"]) == ("p1", "Лаборатория 🧪")


@pytest.mark.parametrize("name", AWKWARD)
def test_no_formula_comes_from_a_name(name: str) -> None:
    row: LedgerRow = replace(ROW, name=name, records=(structs.replace(RECORD, model=name),))
    table, _ = focus_table(ledger_of(row))
    stream = io.StringIO(newline="")
    write_csv(table, stream)
    for line in csv.reader(io.StringIO(stream.getvalue(), newline="")):
        assert not any(cell.startswith(tuple("=+@\t\r\n")) for cell in line)


def test_the_docs_name_every_column() -> None:
    told = set(code_spans(section(ROOT / "docs" / "REPORTS.md", "FOCUS")))
    table, _ = focus_table(ledger_of(ROW))
    names = {column.name for column in table.columns}
    # Of our own quantities the first ones stand for the others.
    assert names - told <= {name for name in names if name.startswith("x_")}
