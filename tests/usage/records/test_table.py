from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.errors import ContractError
from usage.money import exact_sum
from usage.names import ProviderName, Source
from usage.records.record import UsageRecord
from usage.records.sums import MonthSums
from usage.records.table import DIMENSIONS, sum_by, sum_records, to_frame

SOURCE = Source(provider=ProviderName.OPENAI)
Figures = dict[str, Decimal | int | None]
Ids = tuple[str | None, ...]


def ids(record: UsageRecord) -> Ids:
    return (record.workspace, record.project, record.api_key, record.model, record.item)


def figures(records: Iterable[UsageRecord]) -> Figures:
    """What records come to, by the plain arithmetic of Python."""
    records = list(records)
    found: Figures = {"cost": exact_sum(record.cost for record in records)}
    for name in ("tokens_input", "tokens_output", "requests"):
        counts = [getattr(record, name) for record in records if getattr(record, name) is not None]
        found[name] = sum(counts) if counts else None
    for unit in {unit for record in records for unit, _ in record.units}:
        found[unit] = exact_sum(amount for record in records for name, amount in record.units if name == unit)
    found["missing_amounts"] = sum(record.missing_amounts for record in records)
    return found


def by_ids(records: Iterable[UsageRecord]) -> dict[Ids, Figures]:
    groups: dict[Ids, list[UsageRecord]] = {}
    for record in records:
        groups.setdefault(ids(record), []).append(record)
    return {key: figures(group) for key, group in groups.items()}


@given(data=st.data(), every=st.integers(1, 8))
def test_sums_are_exact_whatever_the_order_and_the_pages(
    data: st.DataObject, every: int, record_lists: st.SearchStrategy[list[UsageRecord]]
) -> None:
    records = data.draw(record_lists)
    shuffled = data.draw(st.permutations(records))
    sums = MonthSums(SOURCE, every=every)
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        page, shuffled = shuffled[:size], shuffled[size:]
        sums.add(page)
    found = sums.records()
    assert sums.count == len(records)
    assert len({ids(record) for record in found}) == len(found)
    assert by_ids(found) == by_ids(records)
    assert sums.records() == found


@given(st.integers(1, 38), st.integers(1, 26))
def test_amounts_survive_with_all_their_digits(decimals: int, whole: int) -> None:
    amount = Decimal("9" * whole + "." + "7" * decimals)
    (record,) = sum_records([[UsageRecord(cost=amount, units=(("credits", -amount),))]], SOURCE)
    assert record.cost == amount
    assert record.units == (("credits", -amount),)
    (record,) = sum_records([[UsageRecord(cost=amount)] * 7], SOURCE)
    assert record.cost == exact_sum([amount] * 7)


@pytest.mark.parametrize("amount", ["1E+26", "-1E+26", "1E-39", "1E+60", "1E+999999", "1E-999999"])
def test_amounts_beyond_the_table_are_refused_and_never_rounded(amount: str) -> None:
    for record in (UsageRecord(cost=Decimal(amount)), UsageRecord(units=(("hours", Decimal(amount)),))):
        with pytest.raises(ContractError, match="chiffres"):
            sum_records([[record]], SOURCE)


@pytest.mark.parametrize("counts", [[2**64], [2**62, 2**62], [2**61] * 2, [-(2**62)]])
def test_counts_beyond_64_bits_are_refused_and_never_wrapped(counts: list[int]) -> None:
    with pytest.raises(ContractError, match="tokens_input"):
        sum_records([[UsageRecord(tokens_input=count) for count in counts]], SOURCE)


def test_largest_counts() -> None:
    (record,) = sum_records([[UsageRecord(requests=2**62 - 1)], [UsageRecord(requests=2**62 - 1)]], SOURCE)
    assert record.requests == 2**63 - 2


def test_what_nobody_reports_stays_unknown() -> None:
    known, unknown = UsageRecord(project="a", cost=Decimal(0), requests=0), UsageRecord(project="b")
    first, second = sum_records([[known, known], [unknown, unknown]], SOURCE)
    assert (first.cost, first.requests, first.tokens_input) == (Decimal(0), 0, None)
    assert (second.cost, second.requests, second.units) == (None, None, ())


def test_no_records() -> None:
    assert sum_records([], SOURCE) == sum_records([[], []], SOURCE) == MonthSums(SOURCE).records() == ()
    assert len(to_frame([])) == 0
    assert set(DIMENSIONS) < set(to_frame([]).columns)


def test_one_table_of_several_sources() -> None:
    labo = Source(provider=ProviderName.DEEPGRAM, account="labo")
    frame = to_frame(
        [
            (SOURCE, [UsageRecord(model="a", cost=Decimal("0.1"), requests=2)]),
            (labo, [UsageRecord(units=(("hours", Decimal("1.5")), ("credits", Decimal(2))))] * 2),
            (SOURCE, []),
        ]
    )
    assert list(frame["provider"]) == ["openai", "deepgram", "deepgram"]
    assert list(frame["account"]) == ["default", "labo", "labo"]
    totals = sum_by(frame, ["provider"]).set_index("provider")
    assert totals.loc["openai", "cost"] == Decimal("0.1")
    assert list(totals["cost"].isna()) == [False, True]
    assert list(totals["unit:hours"].isna()) == [True, False]
    assert totals.loc["deepgram", "unit:hours"] == 3
    assert totals.loc["deepgram", "unit:credits"] == 4


def test_money_is_an_exact_column() -> None:
    frame = to_frame([(SOURCE, [UsageRecord(cost=Decimal("0.1"))])])
    assert str(frame["cost"].dtype) == "decimal256(76, 38)[pyarrow]"
    assert str(frame["requests"].dtype) == "int64[pyarrow]"


def test_ids_that_look_like_something_else_stay_what_they_are() -> None:
    odd = ["nan", "None", "<NA>", "null", " ", "(sans projet)", "🤖" * 500, "a\nb"]
    records = [UsageRecord(project=name, cost=Decimal(1)) for name in odd] + [UsageRecord(cost=Decimal(1))]
    assert {record.project for record in sum_records([records], SOURCE)} == {*odd, None}


@pytest.mark.parametrize("every", [1, 100])
def test_one_figure_that_the_table_can_not_keep_costs_no_other(every: int) -> None:
    sums = MonthSums(SOURCE, every=every)
    records = [
        UsageRecord(model="a", cost=Decimal("12.5"), tokens_input=5),
        UsageRecord(model="a", cost=Decimal("1.3877787807814456E-23")),
        UsageRecord(model="b", cost=Decimal("1E+30"), units=(("calls", Decimal("1E+40")), ("images", Decimal(2)))),
        UsageRecord(model="c", cost=Decimal(1), tokens_input=2**80),
    ]
    for record in records:
        sums.add([record])
    a, b, c = sums.records()
    assert a == UsageRecord(model="a", cost=Decimal("12.50000000000000000000001387778780781446"), tokens_input=5)
    assert b == UsageRecord(model="b", units=(("images", Decimal(2)),), missing_amounts=1)
    assert c == UsageRecord(model="c", cost=Decimal(1))
    assert (sums.rounded, sums.unbelievable) == (1, 3)
