from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from usage.errors import ContractError
from usage.money import exact_sum
from usage.names import ProviderName, Source
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums, sum_days
from usage.records.table import DIMENSIONS, sum_by, to_frame

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


@given(data=st.data())
def test_sums_are_exact_whatever_the_order_and_the_pages(
    data: st.DataObject, record_lists: st.SearchStrategy[list[UsageRecord]]
) -> None:
    records = data.draw(record_lists)
    shuffled = data.draw(st.permutations(records))
    sums = RecordSums()
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        page, shuffled = shuffled[:size], shuffled[size:]
        sums.add(page)
    found = sums.records()
    assert sums.count == len(records)
    assert len({ids(record) for record in found}) == len(found)
    assert by_ids(found) == by_ids(records)
    assert sums.records() == found


@given(data=st.data())
def test_days_add_up_to_the_month(data: st.DataObject, record_lists: st.SearchStrategy[list[UsageRecord]]) -> None:
    records = [
        replace(record, day=data.draw(st.none() | st.sampled_from([date(2026, 1, 1), date(2026, 1, 31)])))
        for record in data.draw(record_lists)
    ]
    sums = RecordSums()
    sums.add(records)
    assert by_ids(sum_days(sums.records())) == by_ids(sum_days(records)) == by_ids(records)
    assert {record.day for record in sum_days(records)} <= {None}
    assert {record.day for record in sums.records()} == {record.day for record in records}


@given(st.integers(1, 38), st.integers(1, 26))
def test_amounts_survive_with_all_their_digits(decimals: int, whole: int) -> None:
    amount = Decimal("9" * whole + "." + "7" * decimals)
    for count in (1, 7):
        sums = RecordSums()
        sums.add([UsageRecord(cost=amount, units=(("credits", -amount),))] * count)
        (record,) = sums.records()
        assert record.cost == exact_sum([amount] * count)
        assert record.units == (("credits", exact_sum([-amount] * count)),)
        assert (sums.rounded, sums.unbelievable) == (0, 0)


@pytest.mark.parametrize("amount", ["1E+26", "-1E+26", "1E-39", "1E+60", "1E+999999", "1E-999999"])
def test_amounts_beyond_the_table_are_refused_and_never_rounded(amount: str) -> None:
    for record in (UsageRecord(cost=Decimal(amount)), UsageRecord(units=(("hours", Decimal(amount)),))):
        with pytest.raises(ContractError, match="digits"):
            to_frame([(SOURCE, [record])])


@pytest.mark.parametrize("counts", [[2**64], [2**62, 2**62], [2**61] * 2, [-(2**62)]])
def test_counts_beyond_64_bits_are_refused_and_never_wrapped(counts: list[int]) -> None:
    with pytest.raises(ContractError, match="tokens_input"):
        to_frame([(SOURCE, [UsageRecord(tokens_input=count) for count in counts])])


def test_what_nobody_reports_stays_unknown() -> None:
    known, unknown = UsageRecord(project="a", cost=Decimal(0), requests=0), UsageRecord(project="b")
    first, second = sum_days([known, known, unknown, unknown])
    assert (first.cost, first.requests, first.tokens_input) == (Decimal(0), 0, None)
    assert (second.cost, second.requests, second.units) == (None, None, ())


def test_no_records() -> None:
    assert sum_days([]) == RecordSums().records() == ()
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
    projects = sum_by(to_frame([(SOURCE, records)]), ["project"])["project"]
    assert {None if value is pd.NA else value for value in projects} == {*odd, None}


def test_one_figure_that_the_table_can_not_keep_costs_no_other() -> None:
    sums = RecordSums()
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


def test_a_record_that_comes_twice_counts_twice() -> None:
    record = UsageRecord(project="p", cost=Decimal("1.5"))
    sums = RecordSums()
    sums.add([record, record])
    sums.add([record])
    assert sums.records() == (replace(record, cost=Decimal("4.5")),)


def test_one_odd_figure_among_many_is_put_right_alone() -> None:
    fine = Decimal("1.00000000000000000000000000000000000000001")
    sums = RecordSums()
    sums.add([UsageRecord(project="p", cost=Decimal(2)), UsageRecord(project="q", cost=fine, tokens_input=10**17)])
    assert [record.cost for record in sums.records()] == [2, Decimal("1.00000000000000000000000000000000000000")]
    assert (sums.rounded, sums.unbelievable) == (1, 1)
