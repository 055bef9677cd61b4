from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from usage.records.record import UsageRecord

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


def test_a_record_does_not_change() -> None:
    with pytest.raises(AttributeError):
        WHOLE.project = "other"  # type: ignore[misc]


def test_a_record_comes_back_from_a_message_with_every_digit() -> None:
    codec = TypeAdapter(tuple[UsageRecord, ...])
    whole = (
        replace(WHOLE, cost=Decimal("0.10000000000000000000000000000000000001"), allocated=Decimal(0)),
        UsageRecord(),
    )
    assert codec.validate_json(codec.dump_json(whole)) == whole
    assert codec.validate_python(codec.dump_python(whole, mode="json")) == whole
    assert pickle.loads(pickle.dumps(whole)) == whole  # noqa: S301  # our own


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(UsageRecord).validate_python({"cost": "much"})


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
