from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.shared.answers import ApiModel
from providers.shared.lines import Lines, Notes, Whole, counts
from usage.errors import ContractError
from usage.language.sentence import Sentence
from usage.outcomes.report import Count, GapKind


class Money(ApiModel):
    value: Decimal | None = None


class Result(ApiModel):
    unused: ClassVar[frozenset[str]] = frozenset({"object"})
    model: str | None = None
    calls: Whole | None = None
    money: Money | None = None


class Page(ApiModel):
    results: Lines[Result]


def page(*lines: Any) -> Lines[Result]:
    return Page.model_validate({"results": list(lines)}).results


def noted(*lines: Any) -> Notes:
    notes = Notes()
    notes.take(page(*lines), "/usage")
    return notes


@pytest.mark.parametrize("value", [True, False, -1, 1.5, Decimal("1.5"), Decimal(-1), "3", 10**17, {}, [1]])
def test_what_is_no_count_costs_its_line(value: Any) -> None:
    lines = page({"calls": 1}, {"calls": value}, {"calls": 2})
    assert [line.calls for line in lines] == [1, 2]
    assert [(what.fr, count) for what, count in lines.odd.items()] == [("champ calls, attendu : un entier", 1)]


@pytest.mark.parametrize(
    ("value", "count"), [(0, 0), (7, 7), (Decimal("12.0"), 12), (Decimal("1E+3"), 1000), (None, None)]
)
def test_counts(value: Any, count: int | None) -> None:
    (line,) = page({"calls": value})
    assert line.calls == count
    assert line.calls is None or type(line.calls) is int


@given(st.lists(st.one_of(st.integers(0, 10**16), st.booleans(), st.integers(max_value=-1), st.text(max_size=3))))
def test_every_line_is_kept_or_counted(values: list[Any]) -> None:
    lines = page(*({"calls": value} for value in values))
    good = [value for value in values if type(value) is int and value >= 0]
    assert [line.calls for line in lines] == good
    assert sum(lines.odd.values()) == len(values) - len(good)


@pytest.mark.parametrize("raw", [None, {}, "text", 7])
def test_what_is_no_list_is_no_page(raw: Any) -> None:
    with pytest.raises(ValidationError):
        Page.model_validate({"results": raw})


def test_a_line_that_is_no_object() -> None:
    lines = page({"model": "a"}, "b")
    assert len(lines) == 1
    assert [(what.fr, count) for what, count in lines.odd.items()] == [("champ (racine), attendu : un objet", 1)]


def test_new_fields_are_noticed_at_any_depth() -> None:
    lines = page(
        {"object": "x", "tax": 1, "money": {"value": Decimal(1), "discount": 2}},
        {"tax": None, "money": None},
        {"model": "a"},
        {"calls": -1, "tax": 3},
    )
    assert lines.new == {"tax": 3, "money.discount": 1}


def test_notes_add_up() -> None:
    several = (noted({"tax": 1}, {"calls": -1}), noted({"tax": 2}, {"calls": -1}, {"model": 7}))
    notes = Notes.of_all(several)
    assert counts(notes.new) == (Count(what="/usage tax", count=2),)
    assert [(one.what.fr, one.what.en, one.count) for one in counts(notes.dropped)] == [
        ("/usage : champ calls, attendu : un entier", "/usage: field calls, expected: a whole number", 2),
        ("/usage : champ model, attendu : un texte", "/usage: field model, expected: a text", 1),
    ]
    (gap,) = notes.gaps(Sentence(en="the images", fr="les images"))
    assert gap.kind is GapKind.MISSING
    assert gap.sentence.fr == (
        "3 lignes illisibles sont laissées de côté dans les images : champ calls, attendu : un entier ; "
        "champ model, attendu : un texte."
    )
    assert gap.sentence.en == (
        "3 unreadable lines are left out of the images: field calls, expected: a whole number; "
        "field model, expected: a text."
    )


def test_nothing_left_out_is_no_gap() -> None:
    assert noted({"model": "a"}, {"tax": 1}).gaps(Sentence.of("les images")) == ()


def test_a_report_of_which_no_line_can_be_read_has_changed() -> None:
    noted({"calls": 1}, {"calls": -1}).refuse_if_nothing_is_left("/usage")
    noted().refuse_if_nothing_is_left("/usage")
    with pytest.raises(ContractError, match="/usage ne répond plus comme prévu : champ calls, attendu : un entier"):
        noted({"calls": -1}, {"calls": True}).refuse_if_nothing_is_left("/usage")
