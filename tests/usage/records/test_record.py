from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import date
from decimal import Decimal

import pytest

from usage.records.record import UsageRecord, quick_record

WHOLE = UsageRecord(
    day=date(2026, 1, 1),
    workspace="w",
    project="p",
    api_key="k",
    model="m",
    item="i",
    cost=Decimal("1.5"),
    tokens_input=3,
    tokens_output=4,
    requests=5,
    units=(("seconds", Decimal(2)),),
    missing_amounts=1,
)


def test_a_record_that_is_made_quickly_is_one() -> None:
    names = ("day", "project", "api_key", "model", "item", "cost", "tokens_input", "tokens_output", "units")
    record = quick_record(**{name: getattr(WHOLE, name) for name in names}, missing_amounts=1)
    expected = replace(WHOLE, workspace=None, requests=None)
    assert (record, hash(record), repr(record)) == (expected, hash(expected), repr(expected))
    assert type(record) is UsageRecord
    assert pickle.loads(pickle.dumps(record)) == expected  # noqa: S301  # our own
    with pytest.raises(FrozenInstanceError):
        record.project = "other"  # type: ignore[misc]


def test_parts_of_a_record_that_are_left_out() -> None:
    assert WHOLE.of_month() == replace(WHOLE, day=None)
    assert WHOLE.without_tokens() == replace(WHOLE, tokens_input=None, tokens_output=None)


def test_two_records_are_added_figure_by_figure() -> None:
    other = replace(WHOLE, cost=None, tokens_input=None, requests=2, units=(("seconds", Decimal("0.5")),))
    assert WHOLE.plus(other) == replace(
        WHOLE, tokens_output=8, requests=7, units=(("seconds", Decimal("2.5")),), missing_amounts=2
    )
    nobody = replace(WHOLE, tokens_input=None)
    assert nobody.plus(nobody).tokens_input is None
