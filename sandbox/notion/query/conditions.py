"""Single conditions of a filter, on plain values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from sandbox.notion.errors import Json, malformed
from sandbox.notion.stored.columns import Select
from sandbox.notion.stored.contents import Choice, Value
from sandbox.notion.stored.dates import DateSpan, Moment, cut, instant, read_moment

T = TypeVar("T")

_EXISTENCE: Final = ("is_empty", "is_not_empty")
_PERIODS: Final = {
    "past_week": (-7, 0),
    "past_month": (-30, 0),
    "past_year": (-365, 0),
    "next_week": (0, 7),
    "next_month": (0, 30),
    "next_year": (0, 365),
}
"""Days from today to the first and the last day; Notion's own edges are not documented."""
_RELATIVE: Final = {
    "today": 0,
    "tomorrow": 1,
    "yesterday": -1,
    "one_week_ago": -7,
    "one_week_from_now": 7,
    "one_month_ago": -30,
    "one_month_from_now": 30,
}


def condition(body: Json, path: str) -> tuple[str, Any]:
    """The one operator of a condition and its operand.

    Raises:
        Refusal: 400: none or several, or an existence test that is not `true`.
    """
    if len(body) != 1:
        raise malformed(path, "an object with one condition", body)
    operator, operand = next(iter(body.items()))
    if operator in _EXISTENCE and operand is not True:
        raise malformed(f"{path}.{operator}", "`true`", operand)
    return operator, operand


def known(table: dict[str, Callable[[T], bool]], operator: str, path: str) -> Callable[[T], bool]:
    """The test of an operator.

    Raises:
        Refusal: 400 for an operator that the type does not have.
    """
    if operator not in table:
        raise malformed(f"{path}.{operator}", "not present", True)
    return table[operator]


def words(body: Json, path: str, *, ignore_case: bool) -> Callable[[str], bool]:
    """A condition on text."""
    operator, operand = condition(body, path)
    if operator in _EXISTENCE:
        return lambda text: bool(text) is (operator == "is_not_empty")
    if not isinstance(operand, str):
        raise malformed(f"{path}.{operator}", "a string", operand)
    wanted = operand.casefold()

    def same(text: str) -> bool:
        return text.casefold() == wanted if ignore_case else text == operand

    table: dict[str, Callable[[str], bool]] = {
        "equals": same,
        "does_not_equal": lambda text: not same(text),
        "contains": lambda text: wanted in text.casefold(),
        "does_not_contain": lambda text: wanted not in text.casefold(),
        "starts_with": lambda text: text.casefold().startswith(wanted),
        "ends_with": lambda text: text.casefold().endswith(wanted),
    }
    return known(table, operator, path)


def numbers(body: Json, path: str) -> Callable[[float | None], bool]:
    """A condition on a number; an empty cell fulfils only `is_empty` and `does_not_equal`."""
    operator, operand = condition(body, path)
    if operator in _EXISTENCE:
        return lambda number: (number is not None) is (operator == "is_not_empty")
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise malformed(f"{path}.{operator}", "a number", operand)
    table: dict[str, Callable[[float | None], bool]] = {
        "equals": lambda number: number == operand,
        "does_not_equal": lambda number: number != operand,
        "greater_than": lambda number: number is not None and number > operand,
        "less_than": lambda number: number is not None and number < operand,
        "greater_than_or_equal_to": lambda number: number is not None and number >= operand,
        "less_than_or_equal_to": lambda number: number is not None and number <= operand,
    }
    return known(table, operator, path)


def ticks(body: Json, path: str) -> Callable[[bool], bool]:
    """A condition on a checkbox."""
    operator, operand = condition(body, path)
    if not isinstance(operand, bool):
        raise malformed(f"{path}.{operator}", "a boolean", operand)
    table: dict[str, Callable[[bool], bool]] = {
        "equals": lambda ticked: ticked is operand,
        "does_not_equal": lambda ticked: ticked is not operand,
    }
    return known(table, operator, path)


def choices(config: Select, body: Json, path: str) -> Callable[[Value | None], bool]:
    """A condition on the chosen options, by name; a list of names means any of them."""
    operator, operand = condition(body, path)

    def names(value: Value | None) -> set[str]:
        chosen = value.option_ids if isinstance(value, Choice) else ()
        return {option.name for option in config.options if option.id in chosen}

    if operator in _EXISTENCE:
        return lambda value: bool(names(value)) is (operator == "is_not_empty")
    asked = [operand] if isinstance(operand, str) else operand
    if not isinstance(asked, list) or not all(isinstance(name, str) for name in asked):
        raise malformed(f"{path}.{operator}", "a string", operand)
    several = config.kind == "multi_select"
    table: dict[str, Callable[[Value | None], bool]] = {
        "contains" if several else "equals": lambda value: not names(value).isdisjoint(asked),
        "does_not_contain" if several else "does_not_equal": lambda value: names(value).isdisjoint(asked),
    }
    return known(table, operator, path)


def dates(body: Json, path: str, *, today: date) -> Callable[[DateSpan | None], bool]:
    """A condition on a date. A bound without time means the whole day, in UTC."""
    operator, operand = condition(body, path)
    if operator in _EXISTENCE:
        return lambda span: (span is not None) is (operator == "is_not_empty")
    if operator in _PERIODS or operator == "this_week":
        week = (-today.weekday(), 6 - today.weekday())
        first, last = (today + timedelta(days=days) for days in _PERIODS.get(operator, week))
        return lambda span: span is not None and first <= instant(span.start).date() <= last
    days = _RELATIVE.get(operand) if isinstance(operand, str) else None
    bound = read_moment(operand, f"{path}.{operator}") if days is None else today + timedelta(days=days)
    table: dict[str, Callable[[int], bool]] = {
        "equals": lambda order: order == 0,
        "before": lambda order: order < 0,
        "after": lambda order: order > 0,
        "on_or_before": lambda order: order <= 0,
        "on_or_after": lambda order: order >= 0,
    }
    test = known(table, operator, path)
    return lambda span: span is not None and test(_order(span.start, bound))


def _order(moment: Moment, bound: Moment) -> int:
    """-1, 0 or 1: before, at or after the bound, to the day or to the minute."""
    one, other = instant(moment), instant(bound)
    if isinstance(bound, datetime):
        one, other = cut(one), cut(other)
        return (one > other) - (one < other)
    return (one.date() > other.date()) - (one.date() < other.date())
