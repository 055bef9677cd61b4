"""Lines of reports: one that can't be read is left out and counted, and fields that nobody knows are noticed.

A page's model declares `results: Lines[Result]`. The list is validated as a whole, which is quick; only where that
fails are its lines looked at one by one. What was left out and what was new stays with the list, so that it is counted
with the figures of the same day and forgotten with a reading that is abandoned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from types import GenericAlias
from typing import Annotated, Any, Generic, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from usage.errors import ContractError
from usage.language.saying import say, say_count
from usage.language.sentence import Sentence
from usage.outcomes.report import Count, Gap, GapKind
from usage.peers.contract import describe_breach, unexpected

T = TypeVar("T")


class Lines(list[T], Generic[T]):
    """The lines that could be read.

    `odd` counts the others by what is wrong with them; `new` counts lines by the fields that their model
    does not know, as paths below the line (`cost.discount`).
    """

    odd: Mapping[Sentence, int] = {}
    new: Mapping[str, int] = {}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A list of the line's model, one by one where it has to be."""
        (model,) = get_args(source)
        return core_schema.no_info_wrap_validator_function(
            lambda value, read: _read(model, value, read), handler.generate_schema(GenericAlias(list, (model,)))
        )


def _read(model: type[BaseModel], value: Any, read: core_schema.ValidatorFunctionWrapHandler) -> Lines[Any]:
    odd: Counter[Sentence] = Counter()
    try:
        lines = Lines(read(value))
    except ValidationError:
        if not isinstance(value, list):
            raise
        lines = Lines()
        for line in value:
            try:
                lines += read([line])
            except ValidationError as error:
                odd[describe_breach(error, below=1)] += 1
    lines.odd, lines.new = odd, new_fields(model, value)
    return lines


def new_fields(model: type[BaseModel], raw: Iterable[Any], within: str = "") -> dict[str, int]:
    """Fields of raw objects that a model does not know, and how many of the objects have each.

    A model says which fields it knows without using them in a class variable `unused`.
    """
    objects = [one for one in raw if isinstance(one, dict)]
    present: set[str] = set().union(*objects)
    known = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    strange = sorted(present - known.keys() - getattr(model, "unused", frozenset()))
    found = {f"{within}{name}": sum(name in one for one in objects) for name in strange}
    for name, annotation in known.items():
        inner = _model_in(annotation)
        if inner is not None and name in present:
            found |= new_fields(inner, (one.get(name) for one in objects), f"{within}{name}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of an object in a field, also of an optional one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (None, list, dict, tuple, Lines):
        return None
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


class Notes:
    """What was left out of a report's lines, and which of their fields are new; added up as pages arrive."""

    def __init__(self) -> None:
        self.read = 0
        self.odd: Counter[Sentence] = Counter()
        self.dropped: Counter[Sentence] = Counter()
        self.new: Counter[str] = Counter()

    def take(self, lines: list[Any], where: str, *, are_days: bool = False) -> None:
        """Note the lines of a page. `where` is the endpoint's path; days are no lines, but may be odd like them."""
        self.read += 0 if are_days else len(lines)
        if not isinstance(lines, Lines):
            return
        for what, count in lines.odd.items():
            self.drop(where, what, count)
        for field, count in lines.new.items():
            self.new[f"{where} {field}"] += count

    def lose(self, where: str, what: Sentence) -> None:
        """Note a line that was taken in and turns out to be of no use; `what` is wrong with it."""
        self.read -= 1
        self.drop(where, what)

    def drop(self, where: str, what: Sentence, count: int = 1) -> None:
        """Note lines that are left out, and what is wrong with them."""
        self.odd[what] += count
        self.dropped[say("{where}: {what}", where=where, what=what)] += count

    @classmethod
    def of_all(cls, several: Iterable[Notes]) -> Self:
        """What the lines of several reports showed."""
        whole = cls()
        for one in several:
            whole.read += one.read
            whole.odd.update(one.odd)
            whole.dropped.update(one.dropped)
            whole.new.update(one.new)
        return whole

    def refuse_if_nothing_is_left(self, where: str) -> None:
        """A report of which no line can be read is not odd, it has changed.

        Raises:
            ContractError: There were lines, and all of them were left out.
        """
        if self.odd and not self.read:
            raise ContractError(unexpected(where, next(iter(self.odd))))

    def gaps(self, what: Sentence) -> tuple[Gap, ...]:
        """The gap that lines left out of a report leave; `what` the report brings (`the costs`)."""
        lost = sum(self.odd.values())
        if not lost:
            return ()
        sentence = say_count(
            "One unreadable line is left out of {what}: {reasons}.",
            "{number} unreadable lines are left out of {what}: {reasons}.",
            lost,
            what=what,
            reasons=reduce(lambda one, other: say("{one}; {other}", one=one, other=other), self.odd),
        )
        return (Gap(kind=GapKind.MISSING, sentence=sentence),)


def counts(counter: Mapping[Sentence, int] | Mapping[str, int]) -> tuple[Count, ...]:
    """As a report holds them, by name."""
    found = [Count(what=what, count=count) for what, count in counter.items()]
    return tuple(sorted(found, key=lambda one: one.what.fr))


class _Whole:
    """A whole number from 0 on. `true` is none, `12.0` is; text is none, whatever it says."""

    least, most = 0, 10**16

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.least, le=self.most)
        # What JSON writes with a point arrives as a Decimal.
        exact = core_schema.decimal_schema(
            strict=True, ge=Decimal(self.least), le=Decimal(self.most), multiple_of=Decimal(1)
        )
        pointed = core_schema.chain_schema([exact, core_schema.int_schema()])
        return core_schema.union_schema(
            [number, pointed], mode="left_to_right", custom_error_type="int_type", custom_error_context={}
        )


Whole = Annotated[int, _Whole()]
"""How many of something: a whole number from 0 to 10^16, of which the table can still add up hundreds."""
