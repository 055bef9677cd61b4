"""Usage records: the smallest facts kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from operator import add
from typing import Any, Final, TypeVar

import msgspec
from msgspec import structs
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from usage.grain import Rule
from usage.money import EXACT


class Unit(StrEnum):
    """Units other than tokens, requests and US dollars. The list is closed; currencies come through `cost_unit`."""

    CHARACTERS = "characters"
    CREDITS = "credits"
    HOURS = "hours"
    AGENT_HOURS = "agent_hours"
    MINUTES = "minutes"
    SECONDS = "seconds"
    IMAGES = "images"
    SESSIONS = "sessions"
    BYTES = "bytes"
    CALLS = "calls"
    BYOK_USD = "byok_usd"


def cost_unit(currency: str) -> str:
    """Unit of money in another currency than USD: `cost_eur`. It is kept apart and never counted as USD."""
    return f"cost_{currency.strip().lower()}"


Units = tuple[tuple[str, Decimal], ...]
Ids = tuple[date | None, str | None, str | None, str | None, str | None, str | None]
"""Day, workspace, project, API key, model, item."""

NO_UNITS: Final[Units] = ()
UNIT: Final = "unit:"
"""Prefix of the table's columns that hold units."""
DIGITS_BEFORE: Final = 26
DIGITS_AFTER: Final = 38
"""What the table keeps of an amount, on either side of the point."""


def units_of(line: Mapping[str, Any]) -> Units:
    """The units in a line of the table's sums, by name; those that nobody reports are left out."""
    names = sorted(name for name in line if name.startswith(UNIT))
    return tuple((name.removeprefix(UNIT), line[name]) for name in names if line[name] is not None)


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact: a day or a month x workspace x project x API key x model.

    Ids are the provider's; `None` means that the provider attributes the usage to none. Figures are `None` where the
    provider does not report them, never 0 in their place. What belongs to no model has an `item` instead.

    A month may have hundreds of thousands of them: this takes a tenth of the time that a frozen dataclass takes.
    """

    day: date | None = None
    """UTC; None where the provider tells no days, and in the sums of a month."""
    workspace: str | None = None
    project: str | None = None
    api_key: str | None = None
    model: str | None = None
    item: str | None = None
    cost: Decimal | None = None
    """USD, exact."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None
    units: Units = NO_UNITS
    missing_amounts: int = 0
    """How many amounts of money were announced by the provider but not given."""
    allocated: Decimal | None = None
    """USD, exact: the part of `cost` that the provider told without a key, and that was divided by usage."""

    @property
    def ids(self) -> Ids:
        """What the record is about; records that agree in it are added up."""
        return self.day, self.workspace, self.project, self.api_key, self.model, self.item

    def plus(self, other: UsageRecord) -> UsageRecord:
        """Both records of the same ids as one, exactly. A figure that neither has stays unknown."""
        units: Units = self.units or other.units
        if self.units and other.units:
            sums = dict(self.units)
            for name, value in other.units:
                sums[name] = EXACT.add(sums[name], value) if name in sums else value
            units = tuple(sorted(sums.items()))
        return structs.replace(
            self,
            cost=_sum(self.cost, other.cost, EXACT.add),
            tokens_input=_sum(self.tokens_input, other.tokens_input, add),
            tokens_output=_sum(self.tokens_output, other.tokens_output, add),
            requests=_sum(self.requests, other.requests, add),
            units=units,
            missing_amounts=self.missing_amounts + other.missing_amounts,
            allocated=_sum(self.allocated, other.allocated, EXACT.add),
        )

    def of_month(self) -> UsageRecord:
        """The same without its day."""
        return structs.replace(self, day=None)

    def without_tokens(self) -> UsageRecord:
        """The same without its tokens."""
        return structs.replace(self, tokens_input=None, tokens_output=None)

    def row_under(self, rule: Rule) -> tuple[str | None, str | None]:
        """Key and workspace of the row that the record goes to; None where that is the account."""
        key = None if rule.key == "account" else getattr(self, rule.key) or rule.nobody
        return key, None if rule.workspace == "account" else getattr(self, rule.workspace) or ""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """How models of pydantic's hold records: as they are, and in JSON as objects."""
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_plain_validator_function(lambda value: msgspec.convert(value, cls)),
            ],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins, when_used="json"),
        )


F = TypeVar("F", int, Decimal)


def _sum(left: F | None, right: F | None, add: Callable[[F, F], F]) -> F | None:
    """Of two figures, each of which may be unknown."""
    if left is None:
        return right
    return left if right is None else add(left, right)
