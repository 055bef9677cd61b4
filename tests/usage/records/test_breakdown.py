from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.money import exact_sum
from usage.records.breakdown import NOTION_TEXT_LIMIT, OTHERS, BreakdownEntry, dearest_first, fit_json, fold, to_json
from usage.records.record import Unit

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9)
COUNTS = st.none() | st.integers(0, 10**12)
NAMES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('🤖"\\\n,|'), max_size=30)
UNITS = st.dictionaries(st.sampled_from([unit.value for unit in Unit]), AMOUNTS, max_size=3).map(
    lambda units: tuple(sorted(units.items()))
)


@st.composite
def entry(draw: st.DrawFn) -> BreakdownEntry:
    name, has_model = draw(NAMES), draw(st.booleans())
    return BreakdownEntry(
        model=name if has_model else None,
        item=None if has_model else name,
        cost=draw(st.none() | AMOUNTS),
        requests=draw(COUNTS),
        tokens_input=draw(COUNTS),
        tokens_output=draw(COUNTS),
        units=draw(UNITS),
    )


# Within a row, each model and item has one entry.
ENTRIES = st.lists(entry(), max_size=40, unique_by=lambda e: (e.model, e.item)).map(dearest_first)


def decoded(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return found


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def sums(entries: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    """Sum of every figure that occurs at all."""
    figures: dict[str, list[Decimal]] = {}
    for one in entries:
        flat = {name: one[name] for name in ("cost", "requests", "tokens_input", "tokens_output") if name in one}
        for name, value in (flat | one.get("units", {})).items():
            figures.setdefault(name, []).append(Decimal(value))
    return {name: exact_sum(values) or Decimal(0) for name, values in figures.items()}


def test_an_entry_as_it_is_written() -> None:
    entries = (
        BreakdownEntry(
            model="gpt-4o",
            cost=Decimal("40"),
            requests=5000,
            tokens_input=12,
            tokens_output=0,
            units=((Unit.HOURS, Decimal("1.50")),),
        ),
        BreakdownEntry(item='web "search"\n🤖', cost=Decimal("1E-7")),
        BreakdownEntry(model="free"),
    )
    assert to_json(entries) == (
        '[{"model":"gpt-4o","cost":40.00,"requests":5000,"tokens_input":12,"tokens_output":0,"units":{"hours":1.5}},'
        '{"item":"web \\"search\\"\\n🤖","cost":0.0000001},{"model":"free"}]'
    )
    assert to_json(()) == "[]"


@given(ENTRIES)
def test_nothing_is_lost_where_there_is_room(entries: tuple[BreakdownEntry, ...]) -> None:
    text = fit_json(entries)
    assert text == to_json(entries)
    assert [(one.get("model"), one.get("item")) for one in decoded(text)] == [(e.model, e.item) for e in entries]
    for one, entry in zip(decoded(text), entries, strict=True):
        assert one.get("cost") == entry.cost
        assert one.get("units", {}) == dict(entry.units)


@given(ENTRIES)
def test_the_dearest_come_first(entries: tuple[BreakdownEntry, ...]) -> None:
    costs = [entry.cost for entry in entries]
    known = [cost for cost in costs if cost is not None]
    assert costs == [*sorted(known, reverse=True), *[None] * (len(costs) - len(known))]
    assert dearest_first(reversed(entries)) == dearest_first(entries)


@given(ENTRIES, st.integers(0, 3000))
def test_what_does_not_fit_is_folded_without_losing_a_digit(entries: tuple[BreakdownEntry, ...], room: int) -> None:
    limit = utf16(to_json((fold(entries),))) + room
    text = fit_json(entries, limit)
    assert utf16(text) <= limit
    found = decoded(text)
    assert sums(found) == sums(decoded(to_json(entries)))
    if text != to_json(entries):
        kept, rest = found[:-1], found[-1]
        assert kept == decoded(to_json(entries))[: len(kept)]
        assert rest["item"] == OTHERS
        assert rest["count"] == len(entries) - len(kept)
        # One more would not have fitted.
        more = (*entries[: len(kept) + 1], fold(entries[len(kept) + 1 :]))
        assert utf16(to_json(more)) > limit


@pytest.mark.parametrize("letter", ["x", "é", "🤖"])
def test_the_limit_counts_as_notion_does(letter: str) -> None:
    """An emoji is two units of UTF-16 and one character of Python."""
    entries = dearest_first(
        BreakdownEntry(model=f"{letter * 100}{number}", cost=Decimal(number)) for number in range(3000)
    )
    text = fit_json(entries)
    assert NOTION_TEXT_LIMIT - 500 < utf16(text) <= NOTION_TEXT_LIMIT
    assert sums(decoded(text))["cost"] == 2999 * 3000 // 2


def test_folded_entries_can_be_folded_again() -> None:
    entries = tuple(BreakdownEntry(model=str(number), cost=Decimal(number)) for number in range(10))
    assert fold((*entries[:4], fold(entries[4:]))) == fold(entries)
    assert fold(entries).count == 10
    assert fold(entries).requests is None
