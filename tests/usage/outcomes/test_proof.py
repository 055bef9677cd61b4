from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.month import Month
from usage.names import FINAL, ProviderName, Status
from usage.outcomes.proof import MonthState, Proof, state_of

MONTH = Month(2026, 1)
PROVIDERS = st.sampled_from(ProviderName)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=90)).map(lambda after: MONTH.start + after)


def whole(provider: ProviderName = ProviderName.OPENAI, **more: Any) -> Proof:
    """A reading that proves January whole."""
    fields: dict[str, Any] = {
        "provider": provider,
        "month": MONTH,
        "status": Status.SUCCES,
        "read_at": datetime(2026, 2, 10, tzinfo=UTC),
        "days_read": 31,
        "cost_usd": Decimal("1.5"),
        "control_usd": Decimal("1.5"),
        "control_agrees": True,
    }
    return Proof(**(fields | more))


PROOFS = st.builds(
    whole,
    provider=PROVIDERS,
    status=st.sampled_from([*Status, None]),
    read_at=st.none() | INSTANTS,
    fresh_until=st.none() | INSTANTS,
    days_read=st.none() | st.integers(0, 31),
    cost_usd=st.none() | st.just(Decimal("1.5")),
    control_usd=st.none() | st.just(Decimal("1.5")),
    control_agrees=st.none() | st.booleans(),
)


@given(PROOFS, INSTANTS)
def test_a_closed_month_is_over_settled_and_proven(proof: Proof, now: datetime) -> None:
    state, settled = proof.state(now), MONTH.end + proof.provider.spec.reach.settling
    assert (state is MonthState.OPEN) == (now < settled)
    if state is MonthState.CLOSED:
        assert proof.status in FINAL
        assert proof.days_read in (None, 31)
        assert proof.control_agrees is not False
        assert proof.control_usd is not None or proof.cost_usd is None
        assert proof.read_at is not None
        assert min(proof.read_at, proof.fresh_until or proof.read_at) >= settled
    if state is MonthState.SETTLED:
        assert proof.doubts or not proof.has_settled


@given(PROOFS, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_month_only_goes_on(proof: Proof, now: datetime, later: timedelta) -> None:
    order = list(MonthState)
    assert order.index(proof.state(now)) <= order.index(proof.state(now + later))


@given(PROVIDERS, st.lists(PROOFS, max_size=3), INSTANTS)
def test_a_month_is_as_far_as_its_last_account(provider: ProviderName, proofs: list[Proof], now: datetime) -> None:
    states = [proof.state(now) for proof in proofs]
    state = state_of(provider, MONTH, proofs, now)
    if proofs:
        assert state in states
        assert (state is MonthState.CLOSED) == (set(states) == {MonthState.CLOSED})
    else:
        assert state is not MonthState.CLOSED


@pytest.mark.parametrize(
    ("less", "doubt"),
    [
        ({"status": Status.PARTIEL}, "something is missing"),
        ({"status": Status.ECHEC}, "the last attempt failed"),
        ({"status": None}, "something is missing"),
        ({"days_read": 30, "missing_days": (date(2026, 1, 9),)}, "1 day is missing"),
        ({"days_read": 20}, "11 days are missing"),
        ({"control_agrees": False}, "the control total differs"),
        ({"control_usd": None, "control_agrees": None}, "no control total could be read"),
        ({"read_at": None}, "it was never read"),
    ],
    ids=str,
)
def test_whatever_is_taken_away_keeps_a_month_from_being_closed(less: dict[str, Any], doubt: str) -> None:
    now = datetime(2026, 2, 14, tzinfo=UTC)
    assert whole().state(now) is MonthState.CLOSED
    proof = whole(**less)
    assert proof.state(now) is MonthState.SETTLED
    assert [one.en for one in proof.doubts] == [doubt]


def test_money_that_was_divided_is_told_and_proves_no_less() -> None:
    now = datetime(2026, 2, 10, tzinfo=UTC)
    proof = whole(allocated_usd=Decimal("0.62"))
    assert proof.state(now) is MonthState.CLOSED
    (limit,) = proof.limits
    assert limit.en == "0.62 USD are divided among keys by usage: the provider does not give them by key"
    assert limit.fr.startswith("0,62 USD sont répartis")
    assert whole().limits == ()


def test_a_mark_of_the_provider_s_counts_for_more_than_the_clock() -> None:
    now = datetime(2026, 2, 14, tzinfo=UTC)
    assert whole(fresh_until=MONTH.end).state(now) is MonthState.SETTLED
    assert whole(fresh_until=MONTH.end + timedelta(days=1)).state(now) is MonthState.CLOSED
