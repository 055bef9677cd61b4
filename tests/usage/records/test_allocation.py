from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from usage.money import exact_sum
from usage.records.allocation import Charge, Use, allocate, largest_remainder, share
from usage.records.record import UsageRecord

KEYS = ["key_a", "key_b", "key_c", None]
DAYS = [date(2026, 1, 1), date(2026, 1, 2), None]
amounts = (
    st.decimals("-1000000", "1000000", places=18) | st.decimals("-100", "100", places=2) | st.just(Decimal("3E+2"))
)
ids = st.builds(
    UsageRecord,
    day=st.sampled_from(DAYS),
    workspace=st.sampled_from([None, "wrkspc_1"]),
    project=st.sampled_from(["proj_1", "proj_2", None]),
    model=st.sampled_from(["large", "small", None]),
)
kinds = st.sampled_from(["input", "output"])
charges = st.builds(
    lambda record, kind, cost: Charge(replace(record, cost=cost), kind), ids, kinds, amounts | st.none()
)
uses = st.builds(
    lambda record, key, kind, amount: Use(replace(record, api_key=key).ids, kind, amount),
    ids,
    st.sampled_from(KEYS),
    kinds,
    st.integers(0, 10**12) | st.decimals(0, 1000, places=6),
)
weights = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 10**15) | st.decimals(0, 100, places=9))


def charge(
    cost: str, kind: str = "input", *, day: date | None = DAYS[0], project: str = "proj_1", model: str = "large"
) -> Charge:
    return Charge(UsageRecord(day=day, project=project, model=model, cost=Decimal(cost)), kind)


def use(
    key: str | None,
    amount: int,
    kind: str = "input",
    *,
    day: date | None = DAYS[0],
    project: str = "proj_1",
    model: str = "large",
) -> Use:
    return Use(UsageRecord(day=day, project=project, api_key=key, model=model).ids, kind, amount)


def by_key(records: Iterable[UsageRecord]) -> dict[str | None, str]:
    sums: dict[str | None, list[Decimal | None]] = {}
    for record in records:
        sums.setdefault(record.api_key, []).append(record.cost)
    return {key: str(exact_sum(costs)) for key, costs in sums.items()}


@given(amounts, weights)
def test_parts_add_up_to_the_last_digit(amount: Decimal, weights: dict[str | None, int | Decimal]) -> None:
    parts = largest_remainder(amount, weights)
    used = {key: weight for key, weight in weights.items() if weight > 0}
    assert parts.keys() == used.keys()
    if not used:
        return
    assert exact_sum(parts.values()) == amount
    unit = min(Decimal(1).scaleb(int(amount.as_tuple().exponent)), Decimal("0.000001"))
    for key, part in parts.items():
        assert part % unit == 0
        assert part * amount >= 0
        # Within a unit of what is due.
        total = sum(map(Decimal, used.values()))
        assert abs(part * total - amount * Decimal(used[key])) < unit * total * (1 + Decimal("1E-9"))


@given(st.lists(charges), st.lists(uses))
def test_money_is_divided_within_its_model_and_kind_alone(charges: list[Charge], uses: list[Use]) -> None:
    records = allocate(charges, uses)

    def cost(records: Iterable[UsageRecord], project: str | None, model: str | None, day: date | None) -> Decimal:
        mine = [one for one in records if (one.project, one.model, one.day) == (project, model, day)]
        return exact_sum(one.cost for one in mine) or Decimal(0)

    for project in ("proj_1", "proj_2", None):
        for model in ("large", "small", None):
            for day in DAYS:
                before = cost((one.record for one in charges), project, model, day)
                assert cost(records, project, model, day) == before
    used = {
        (one.ids[1], one.ids[2], one.ids[4], one.ids[3]) for one in uses if one.amount > 0 and one.ids[3] is not None
    }
    for record in records:
        if record.api_key is not None:
            assert (record.workspace, record.project, record.model, record.api_key) in used
            assert record.allocated == record.cost
    assert all(record.allocated in (None, record.cost) for record in records)


@given(st.lists(charges), st.lists(uses), st.randoms())
def test_the_order_does_not_matter(charges: list[Charge], uses: list[Use], random: object) -> None:
    first = allocate(charges, uses)
    shuffle = getattr(random, "shuffle")  # noqa: B009  # hypothesis's own random
    shuffle(charges)
    shuffle(uses)
    assert allocate(charges, uses) == first


@given(st.lists(charges, min_size=1), st.lists(uses))
def test_kinds_do_not_mix(charges: list[Charge], uses: list[Use]) -> None:
    apart = [
        record
        for kind in ("input", "output")
        for record in allocate([one for one in charges if one.kind == kind], [one for one in uses if one.kind == kind])
    ]
    assert sorted(allocate(charges, uses), key=repr) == sorted(apart, key=repr)


def test_the_last_digit_goes_to_whom_most_was_cut() -> None:
    third = use("a", 1), use("b", 1), use("c", 1)
    assert by_key(allocate([charge("1.00000001")], third)) == {"a": "0.33333334", "b": "0.33333334", "c": "0.33333333"}
    assert by_key(allocate([charge("-0.00000002")], third)) == {"a": "-1E-8", "b": "-1E-8", "c": "0E-8"}
    assert by_key(allocate([charge("3")], (use("a", 1), use("b", 1)))) == {"a": "1.500000", "b": "1.500000"}
    assert largest_remainder(Decimal("0.00000001"), {"a": 1, "b": 2}) == {"a": 0, "b": Decimal("1E-8")}


def test_cached_input_is_not_divided_by_fresh_input() -> None:
    records = allocate(
        [charge("1.00"), charge("0.50", "cached input"), charge("0.25", "output"), charge("9", model="small")],
        [use("a", 30), use("b", 10), use("a", 0, "cached input"), use("b", 7, "cached input"), use("c", 99, "text")],
    )
    assert by_key(records) == {"a": "0.750000", "b": "0.750000", None: "9.25"}


def test_what_nobody_with_a_key_used_stays_without_one() -> None:
    alone = [charge("1.00")]
    for nobody in ([], [use(None, 5)], [use("a", 5, project="proj_2")], [use("a", 5, day=DAYS[1])], [use("a", 0)]):
        assert allocate(alone, nobody) == (alone[0].record,)
    # Work without a key has its share of what others share.
    records = allocate(alone, [use("a", 3), use(None, 1)])
    assert {(one.api_key, str(one.cost), str(one.allocated)) for one in records} == {
        ("a", "0.750000", "0.750000"),
        (None, "0.250000", "0.250000"),
    }


def test_within_a_day_where_both_have_days_and_else_in_the_month() -> None:
    of_days = [use("a", 1), use("b", 3, day=DAYS[1])]
    assert by_key(allocate([charge("1")], of_days)) == {"a": "1.000000"}
    assert by_key(allocate([charge("1", day=None)], of_days)) == {"a": "0.250000", "b": "0.750000"}
    of_month = [use("a", 1, day=None), use("b", 3, day=None)]
    assert by_key(allocate([charge("1")], of_month)) == {"a": "0.250000", "b": "0.750000"}


def test_what_is_told_beside_the_money_stays_without_a_key() -> None:
    told = charge("1")
    odd = Charge(replace(told.record, missing_amounts=1, tokens_input=5, units=(("cost_eur", Decimal(2)),)), told.kind)
    rest, part = allocate([odd], [use("a", 1)])
    assert (rest.api_key, rest.cost, rest.missing_amounts, rest.tokens_input) == (None, None, 1, 5)
    assert rest.units == (("cost_eur", Decimal(2)),)
    assert part == replace(told.record, api_key="a", cost=Decimal("1.000000"), allocated=Decimal("1.000000"))


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("1", "3", "0.3333"),
        ("3", "3", "1"),
        ("-1", "-4", "0.25"),
        ("0", "0", None),
        (None, "3", None),
        # A charge of one day and the refund of another, divided by what was used on each.
        ("4", "3", None),
        ("-1", "3", None),
        ("500000", "1E-30", None),
        ("1", "0", None),
    ],
)
def test_shares(part: str | None, whole: str, expected: str | None) -> None:
    found = share(None if part is None else Decimal(part), Decimal(whole))
    assert found == (None if expected is None else Decimal(expected))
