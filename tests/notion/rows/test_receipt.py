from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.rows.receipt import Receipt, read_receipt

MORNING = datetime(2026, 2, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-02-05T08:00:00Z", "2026-02-05T09:00:00+01:00", "2026-02-05T08:00:00"])
def test_the_moment_of_the_reading(text: str) -> None:
    receipt = read_receipt(f'{{"read_at": "{text}", "days": "31/31", "later": {{}}}}')
    assert receipt is not None
    assert receipt.read_at == MORNING


def test_a_receipt_without_a_moment() -> None:
    assert read_receipt("{}") == Receipt(read_at=None)


@pytest.mark.parametrize("text", ["", "[]", "null", "3", '{"read_at": "yesterday"}', '{"read_at":', "voir avec Anne"])
def test_what_is_no_receipt(text: str) -> None:
    assert read_receipt(text) is None


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    read_receipt(text)
