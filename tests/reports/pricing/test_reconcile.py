"""A bill against a price list: the parts add up to the last digit, whatever the bill, and reasons are what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.ledger import LedgerRow
from reports.pricing.prices import ModelPrices, Reason, TokenPrices, Variant
from reports.pricing.reconcile import Line, Reconciliation, Sums, reconcile
from usage.money import EXACT, exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import UsageRecord

JANUARY = Month(2026, 1)
MILLION = 1_000_000
STANDARD = TokenPrices(Decimal("2.5"), Decimal(10))
SMALL = ModelPrices(
    "small",
    STANDARD,
    (
        Variant(Reason.CACHE, "cache_read_mtok", TokenPrices(Decimal("0.25"), Decimal(10))),
        Variant(Reason.CACHE, "cache_write_mtok", TokenPrices(Decimal(3), Decimal(10))),
        Variant(Reason.BATCH, "batch", TokenPrices(Decimal("1.25"), Decimal(5))),
        Variant(Reason.TIER, "priority", TokenPrices(Decimal("4.25"), Decimal(17))),
    ),
)


@dataclass
class Prices:
    """A price list with history."""

    models: dict[str, ModelPrices] = field(default_factory=lambda: {"small": SMALL, "small-2026-01-05": SMALL})
    later: dict[str, tuple[date, ModelPrices]] = field(default_factory=dict)
    name: str = "a list"

    def find(self, _provider: ProviderName, model: str, day: date) -> ModelPrices | None:
        since, prices = self.later.get(model, (date.max, SMALL))
        return prices if day >= since else self.models.get(model)


def record(model: str | None = "small", cost: Any = None, tokens: tuple[Any, Any] = (None, None), **more: Any) -> Any:
    amount = None if cost is None else Decimal(cost)
    return UsageRecord(model=model, cost=amount, tokens_input=tokens[0], tokens_output=tokens[1], **more)


def row(*records: UsageRecord, key: str = "p1", provider: ProviderName = ProviderName.OPENAI) -> LedgerRow:
    return LedgerRow(
        month=JANUARY,
        provider=provider,
        account="",
        key=key,
        workspace="",
        name=key,
        records=records,
        by_day=all(one.day for one in records),
    )


def adds_up(one: Line | Sums) -> bool:
    parts = [one.expected, *(part.amount for part in one.differences), one.residual]
    return (one.billed or Decimal(0)) == exact_sum(parts)


amounts = st.none() | st.decimals(-1000, 100_000, places=9, allow_nan=False)
counts = st.none() | st.integers(0, 10**10)
prices = st.none() | st.decimals(0, 200, places=4, allow_nan=False)
token_prices = st.builds(TokenPrices, prices, prices)
variants = st.lists(
    st.builds(
        Variant,
        st.sampled_from([Reason.CACHE, Reason.BATCH, Reason.TIER, Reason.LONG_CONTEXT, Reason.MODALITY]),
        st.sampled_from("abc"),
        token_prices,
    ),
    max_size=5,
)
names = st.sampled_from(["small", "large", "small-2026-01-05", "unknown"])
lists = st.dictionaries(names, st.builds(ModelPrices, names, token_prices, variants.map(tuple)), max_size=3)
records = st.lists(
    st.builds(
        lambda model, item, cost, tokens, day, units: record(
            model, cost, tokens, item=None if model else item, day=date(2026, 1, day), units=units
        ),
        st.none() | names,
        st.none() | st.sampled_from(["web search", "small"]),
        amounts,
        st.tuples(counts, counts),
        st.integers(1, 31),
        st.just(()) | st.decimals(0, 100, places=6).map(lambda paid: (("byok_usd", paid),)),
    ),
    max_size=8,
)
rows = st.lists(
    st.builds(
        lambda found, key, name: row(*found, key=key, provider=name), records, st.text(), st.sampled_from(ProviderName)
    ),
    max_size=5,
)


@given(rows, lists)
def test_what_was_billed_is_expected_plus_differences_plus_residual(
    found: list[LedgerRow], models: dict[str, ModelPrices]
) -> None:
    result = reconcile(JANUARY, found, Prices(models))
    assert all(map(adds_up, result.lines))
    assert adds_up(result.sums())
    assert all(adds_up(result.sums(name)) for name in result.providers)
    billed = exact_sum(row.cost for row in found) or Decimal(0)
    sums = (result.sums(), *(result.sums(name) for name in result.providers))
    assert (sums[0].billed or Decimal(0)) == billed == exact_sum([Decimal(0), *(one.billed for one in sums[1:])])
    for line in result.lines:
        assert len({one.reason for one in line.differences}) == len(line.differences)
        assert all(one.amount * line.gap > 0 for one in line.differences)
        assert abs(line.residual) <= abs(line.gap)


@given(rows, lists, st.randoms())
def test_the_order_of_rows_makes_no_difference(found: list[LedgerRow], models: Any, chance: Any) -> None:
    other = list(found)
    chance.shuffle(other)
    one, two = (reconcile(JANUARY, some, Prices(models)).sums() for some in (found, other))
    assert one == two


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_no_digit_of_an_estimate_is_lost(tokens_in: int, tokens_out: int) -> None:
    expected = EXACT.divide(Decimal(25 * tokens_in + 100 * tokens_out), Decimal(10 * MILLION))
    assert STANDARD.cost(tokens_in, tokens_out) == expected


def one_line(*found: UsageRecord, **more: Any) -> Line:
    (line,) = reconcile(JANUARY, [row(*found, **more)], Prices()).lines
    return line


def reasons(line: Line) -> dict[Reason, str]:
    return {one.reason: f"{one.amount.normalize():f}" for one in line.differences}


@pytest.mark.parametrize(
    ("cost", "expected", "residual"),
    [
        ("12.5", {}, "0"),
        ("10.25", {Reason.CACHE: "-2.25"}, "0"),
        ("11.5", {Reason.CACHE: "-1"}, "0"),
        ("6.25", {Reason.BATCH: "-6.25"}, "0"),
        ("21.25", {Reason.TIER: "8.75"}, "0"),
        ("13", {Reason.CACHE: "0.5"}, "0"),
        ("0", {Reason.FREE: "-12.5"}, "0"),
        (None, {Reason.NO_COST: "-12.5"}, "0"),
        # Cache as far as it goes, and then a batch of part of it.
        ("9", {Reason.CACHE: "-2.25", Reason.BATCH: "-1.25"}, "0"),
        ("100", {Reason.CACHE: "0.5", Reason.TIER: "8.75"}, "78.25"),
        ("1", {Reason.CACHE: "-2.25", Reason.BATCH: "-6.25"}, "-3"),
    ],
)
def test_what_a_difference_fits(cost: str | None, expected: dict[Reason, str], residual: str) -> None:
    line = one_line(record(cost=cost, tokens=(MILLION, MILLION)))
    assert line.expected == Decimal("12.5")
    assert reasons(line) == expected
    assert line.residual == Decimal(residual)


def test_what_the_figures_themselves_say() -> None:
    voice = one_line(record("nova-3", "4.2"), provider=ProviderName.DEEPGRAM)
    assert (voice.expected, reasons(voice)) == (None, {Reason.NO_TOKENS: "4.2"})
    tools = one_line(record(None, "3", item="web search tool calls"))
    assert (tools.model, reasons(tools)) == ("web search tool calls", {Reason.NO_TOKENS: "3"})
    unknown = one_line(record("ft:mine", "5", (10, 10)))
    assert (unknown.expected, reasons(unknown)) == (None, {Reason.UNKNOWN_PRICE: "5"})
    credit = one_line(record(None, "-12", item="Service credit"))
    assert reasons(credit) == {Reason.DISCOUNT: "-12"}
    pictures = one_line(record(cost="5", tokens=(0, 0)))
    assert reasons(pictures) == {Reason.NO_TOKENS: "5"}


@pytest.mark.parametrize(
    ("paid", "expected", "residual"),
    [
        ("12", {Reason.OWN_KEY: "-12"}, "0"),
        ("20", {Reason.OWN_KEY: "-12"}, "0"),
        ("11", {Reason.OWN_KEY: "-11", Reason.CACHE: "-1"}, "0"),
        ("1", {Reason.OWN_KEY: "-1", Reason.CACHE: "-2.25", Reason.BATCH: "-6.25"}, "-2.5"),
    ],
)
def test_what_was_paid_elsewhere_is_told(paid: str, expected: dict[Reason, str], residual: str) -> None:
    line = one_line(record(cost="0.5", tokens=(MILLION, MILLION), units=(("byok_usd", Decimal(paid)),)))
    assert (reasons(line), line.residual) == (expected, Decimal(residual))


def test_one_model_under_two_names_is_one_line() -> None:
    line = one_line(record("small", "12.5"), record("small-2026-01-05", None, (MILLION, MILLION)))
    assert (line.model, line.billed, line.gap) == ("small, small-2026-01-05", Decimal("12.5"), Decimal(0))


def test_prices_are_those_of_the_day() -> None:
    dearer = ModelPrices("small", TokenPrices(Decimal(5), Decimal(20)))
    book = Prices(later={"small": (date(2026, 1, 20), dearer)})
    days = [record(tokens=(MILLION, 0), day=date(2026, 1, day)) for day in (19, 20)]
    (line,) = reconcile(JANUARY, [row(*days)], book).lines
    assert line.expected == Decimal("7.5")
    (line,) = reconcile(JANUARY, [row(record(tokens=(2 * MILLION, 0)))], book).lines
    assert line.expected == 5


def test_one_share_for_all_models_is_a_discount() -> None:
    def bill(*shares: str) -> Reconciliation:
        found = [
            row(record(cost=Decimal("12.5") * Decimal(share) * n, tokens=(n * MILLION, n * MILLION)), key=f"p{n}")
            for n, share in enumerate(shares, 1)
        ]
        return reconcile(JANUARY, found, Prices())

    def told(result: Reconciliation) -> list[Reason]:
        return [one.reason for one in result.sums().differences]

    assert told(bill("0.9", "0.9", "0.9")) == [Reason.DISCOUNT]
    assert Reason.DISCOUNT not in told(bill("0.9", "0.9"))
    assert Reason.DISCOUNT not in told(bill("0.9", "0.9", "0.8"))
    assert told(bill("0.5", "0.5", "0.5")) == [Reason.BATCH]
    assert Reason.DISCOUNT not in told(bill("1.2", "1.2", "1.2"))


def test_nothing_to_compare() -> None:
    result = reconcile(JANUARY, [row(record(None))], Prices())
    assert not result.lines
    assert not result.providers
    assert result.sums().billed is None
    assert result.price_list == "a list"
