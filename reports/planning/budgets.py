"""Budgets: US dollars a month, in all, for a provider, a project or key, or a value of people's own columns.

A file says them, `budgets.toml`; variables say the total and the providers', and win over it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from reports.planning.subjects import Kind, Subject
from usage.errors import SettingsError
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName

FILE_NAME: Final = "budgets.toml"
"""Looked for in the current folder where no variable names another."""
_LARGEST: Final = Decimal(10) ** 12
_PLACES: Final = 6


@dataclass(frozen=True, slots=True)
class Budget:
    """What a subject may cost in one month."""

    subject: Subject
    amount: Decimal
    """USD."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """All budgets, as they are written."""

    usual: Mapping[Subject, Decimal]
    """USD a month."""
    special: Mapping[Month, Mapping[Subject, Decimal]]
    """USD, for one month alone, in place of the usual."""
    always: Mapping[Subject, Decimal]
    """USD a month, from variables: they win."""

    def __bool__(self) -> bool:
        return bool(self.usual or self.special or self.always)

    @property
    def columns(self) -> frozenset[str]:
        """People's own columns that budgets are about, as they are written."""
        tables = (self.usual, *self.special.values())
        return frozenset(subject.column for table in tables for subject in table if subject.kind is Kind.COLUMN)

    def of(self, month: Month) -> tuple[Budget, ...]:
        """Those of one month: the total first, then providers, projects and columns as they are written."""
        found = {**self.usual, **self.special.get(month, {}), **self.always}
        ordered = sorted(found.items(), key=lambda item: list(Kind).index(item[0].kind))
        return tuple(Budget(subject, amount) for subject, amount in ordered)


def budgets_of(variables: Mapping[str, Decimal], text: str = "", path: str = FILE_NAME) -> Budgets:
    """Budgets from the variables and from a file.

    Args:
        variables: USD a month by `total` or a provider's name.
        text: What the file holds; empty where there is none.
        path: Of the file, for messages.

    Raises:
        SettingsError: The file can't be used: its path, the line, and what to write.
    """
    always = {
        Subject(Kind.TOTAL) if name == Kind.TOTAL else Subject(Kind.PROVIDER, name): amount
        for name, amount in variables.items()
    }
    reader = _Reader(text, path)
    usual, special = reader.read()
    return Budgets(usual, special, always)


class _Reader:
    """Reads one file, and knows on which line a thing stands."""

    def __init__(self, text: str, path: str) -> None:
        self._text, self._path = text, path

    def read(self) -> tuple[dict[Subject, Decimal], dict[Month, dict[Subject, Decimal]]]:
        found = self._toml()
        months = self._table(found.pop("month", {}), ("month",))
        special = {
            self._month(name): self._budgets(self._table(part, ("month", name)), ("month", name))
            for name, part in months.items()
        }
        return self._budgets(found, ()), special

    def _toml(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            # The place stands in its text alone before Python 3.14.
            said = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error), re.DOTALL)
            line = int(said[2] or self._text.count("\n") + 1) if said else 1
            why = said[1] if said else str(error)
            # The reason is Python's own, and English.
            what = say("this is not TOML ({why}); write US dollars a month, like total = 1500 or 1500.50", why=why)
            raise self._refusal(line, what) from None
        except (ValueError, ArithmeticError, RecursionError):
            what = say("a number or a date in it can't be read; write US dollars a month, like 1500 or 1500.50")
            raise self._refusal(1, what) from None

    def _month(self, name: str) -> Month:
        try:
            return Month.parse(name)
        except SettingsError:
            what = say("{name} is not a month; write [month.2026-01]", name=repr(name))
            raise self._refusal(self._line(("month", name)), what) from None

    def _budgets(self, table: Mapping[str, Any], at: tuple[str, ...]) -> dict[Subject, Decimal]:
        found: dict[Subject, Decimal] = {}
        for subject, value, path in self._subjects(table, at):
            if not all(part.strip() for part in path):
                what = say("a budget has no name; write what it is for before the =")
                raise self._refusal(self._line(path), what)
            if any(_is_same(subject, other) for other in found):
                what = say("{name} has a budget already; leave one of the two", name=repr(path[-1]))
                raise self._refusal(self._line(path), what)
            found[subject] = self._amount(value, path)
        return found

    def _subjects(
        self, table: Mapping[str, Any], at: tuple[str, ...]
    ) -> Iterator[tuple[Subject, Any, tuple[str, ...]]]:
        for name, value in table.items():
            path = (*at, name)
            if name == Kind.TOTAL:
                yield Subject(Kind.TOTAL), value, path
            elif name == Kind.PROVIDER:
                for key, amount in self._table(value, path).items():
                    yield self._provider(key, (*path, key)), amount, (*path, key)
            elif name == Kind.PROJECT:
                for key, amount in self._table(value, path).items():
                    yield Subject(Kind.PROJECT, key), amount, (*path, key)
            elif name == Kind.COLUMN:
                yield from self._columns(self._table(value, path), path)
            else:
                what = say(
                    "{name} means nothing here; what can stand in the file: total, [provider], [project], "
                    "[column.<name of your column>] and [month.2026-01]",
                    name=repr(name),
                )
                raise self._refusal(self._line(path), what)

    def _columns(
        self, columns: Mapping[str, Any], at: tuple[str, ...]
    ) -> Iterator[tuple[Subject, Any, tuple[str, ...]]]:
        for column, values in columns.items():
            for value, amount in self._table(values, (*at, column)).items():
                yield Subject(Kind.COLUMN, value, column), amount, (*at, column, value)

    def _provider(self, name: str, path: tuple[str, ...]) -> Subject:
        for one in ProviderName:
            if folded(name) in (one.value, folded(one.label)):
                return Subject(Kind.PROVIDER, one.value)
        known = ", ".join(ProviderName)
        what = say("{name} is no provider; write one of {known}", name=repr(name), known=known)
        raise self._refusal(self._line(path), what)

    def _table(self, value: object, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            name = ".".join(path)
            what = say("{name} holds budgets by name; write [{name}], and below it: name = 1500", name=name)
            raise self._refusal(self._line(path), what)
        return value

    def _amount(self, value: object, path: tuple[str, ...]) -> Decimal:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            amount = Decimal(value)
            if amount.is_finite() and 0 <= amount <= _LARGEST and _decimals(amount) <= _PLACES:
                return amount
        what = say(
            "{name} has no amount that can be used; write US dollars a month, like 1500 or 1500.50", name=repr(path[-1])
        )
        raise self._refusal(self._line(path), what)

    def _line(self, path: tuple[str, ...]) -> int:
        """On which line a key stands; where that can't be told, the closest one above it."""
        best, length = 1, 0
        for number, here in _keys(self._text):
            common = next((n for n, (a, b) in enumerate(zip(here, path, strict=False)) if a != b), len(here))
            if common == min(len(here), len(path)) and common > length:
                best, length = number, common
        return best

    def _refusal(self, line: int, what: Sentence) -> SettingsError:
        return SettingsError(say("{path}, line {line}: {what}", path=self._path, line=str(line), what=what))


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _is_same(one: Subject, other: Subject) -> bool:
    if one.kind is Kind.PROJECT:
        # An id is a word of its own, with its case.
        return one == other
    return (one.kind, folded(one.column), folded(one.name)) == (other.kind, folded(other.column), folded(other.name))


def _keys(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Lines that name a table or a key, with the whole path of what they name."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[[^\[].*\])\s*(#.*)?$", line)
        if header:
            table = next(_paths(header[1]), ())
            yield number, table
        elif "=" in line:
            # A quoted key may hold the sign itself: the first part that can be read is the key.
            parts = line.split("=")
            heads = ("=".join(parts[:count]) + "= 0" for count in range(1, len(parts)))
            key = next((path for head in heads for path in _paths(head)), ())
            yield number, (*table, *key)


def _paths(line: str) -> Iterator[tuple[str, ...]]:
    try:
        found: Any = tomllib.loads(line)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    path: tuple[str, ...] = ()
    while isinstance(found, dict) and found:
        name, found = next(iter(found.items()))
        path = (*path, name)
    yield path
