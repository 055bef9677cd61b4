"""The quick way through a large report: text becomes lines at once, without dictionaries between, checked on the way.

Reports of a month have hundreds of thousands of lines, nearly all of which are as they should be. What is made here
from a page's model accepts only that: the fields that the model knows, with the types that it wants. Whatever else
comes (an odd value, a new field, half of a character) is left to the model itself, which says what is wrong and where,
and counts it. So this may refuse too much, which costs time, but must never accept what the model does not, nor read it
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from usage.peers.bodies import check_count, exactly, has_many_digits

M = TypeVar("M", bound=BaseModel)

_SIMPLE: Final = str | int | bool | None
"""What a field holds of which the type does not matter. Nothing is nested in it: an answer has no more levels than its
model."""
_EXACT: Final = {str, Decimal, int, NoneType}
_AT_ONCE: Final = 2**23
"""Bytes of a page that is decoded whole: its lines take ten times as many."""
_REFUSALS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException)


class Odd(bytes):
    """The text of an element that the quick way does not take."""


@dataclass(frozen=True, slots=True)
class _Decoders(Generic[M]):
    """Of one model: for a page, for a page whose elements are left as they are, and for one element."""

    page: msgspec.json.Decoder[Any]
    outline: msgspec.json.Decoder[Any]
    element: msgspec.json.Decoder[Any]
    amounts: tuple[tuple[str, ...], ...]
    """Paths of the fields below an element of which only text and exact numbers are amounts."""

    def takes(self, element: Any) -> bool:
        """Whether all amounts of an element are such."""
        return all(_types_at(path, element) <= _EXACT for path in self.amounts)


def parts(content: bytes, model: type[M], name: str) -> Iterator[M | Odd] | None:
    """A body as models with one element each of the list `name`, and a last one with all other fields.

    They are no instances of the model, but have its fields. An element that is not as it should be comes as its text.
    None: the body has to be read in another way.

    Raises:
        TooManyError: It has too many values.
    """
    check_count(content)
    # Of a field that comes twice the last one counts; not so of the list itself.
    mark = f'"{name}"'.encode()
    # Looked for from the end as well: counting takes twice as long.
    first = content.find(mark)
    if has_many_digits(content) or first < 0 or first != content.rfind(mark):
        return None
    decoders = _decoders(model, name)
    try:
        return _each(_decoded(content, decoders, name), decoders, name)
    except _REFUSALS:
        return None


def _decoded(content: bytes, decoders: _Decoders[Any], name: str) -> Any:
    """The page, its elements still as they came where it is large or one of them is odd."""
    if len(content) <= _AT_ONCE:
        with suppress(*_REFUSALS):
            page = decoders.page.decode(content)
            if all(map(decoders.takes, getattr(page, name))):
                return page
    return decoders.outline.decode(content)


def _each(whole: Any, decoders: _Decoders[Any], name: str) -> Iterator[Any]:
    for raw in getattr(whole, name):
        element = raw
        if isinstance(raw, msgspec.Raw):
            try:
                element = decoders.element.decode(raw)
            except _REFUSALS:
                element = None
            if element is None or not decoders.takes(element):
                yield Odd(raw)
                continue
        yield type(whole)(**{name: [element]})
    yield msgspec.structs.replace(whole, **{name: []})


@lru_cache(maxsize=64)
def _decoders(model: type[BaseModel], name: str) -> _Decoders[Any]:
    (element,) = get_args(model.model_fields[name].annotation)
    return _Decoders(
        msgspec.json.Decoder(_struct(model), float_hook=exactly()),
        msgspec.json.Decoder(_struct(model, {name: list[msgspec.Raw]})),
        msgspec.json.Decoder(_struct(element), float_hook=exactly()),
        tuple(_amounts(element)),
    )


def _amounts(model: Any) -> Iterator[tuple[str, ...]]:
    """Paths of the fields of a model that hold amounts."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return
    for name, field in model.model_fields.items():
        if _is_amount(field):
            yield (name,)
        for inner in get_args(field.annotation) or (field.annotation,):
            yield from ((name, *path) for path in _amounts(inner))


def _is_amount(field: FieldInfo) -> bool:
    return Decimal in get_args(field.annotation) or (field.annotation is Any and "number" in field.metadata)


def _types_at(path: tuple[str, ...], element: Any) -> set[type[Any]]:
    """Types of what stands at a path below an element, in all lines. One look at all of them is quicker than one at
    each."""
    *within, last = path
    found = [element]
    for name in within:
        found = [value for value in map(attrgetter(name), found) if value is not None]
        if found and isinstance(found[0], list):
            found = list(chain.from_iterable(found))
    return set(map(type, map(attrgetter(last), found)))


def _struct(model: type[BaseModel], instead: Mapping[str, Any] = {}) -> Any:
    """A type with a model's fields and its `mark`, which refuses fields that the model does not know."""
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        kind = instead.get(name) or _type(field.annotation)
        if field.annotation is Any:
            kind = Any if _is_amount(field) else _SIMPLE
        fields.append((name, kind) if field.is_required() else (name, kind, field.default))
    fields += [(name, _SIMPLE, None) for name in getattr(model, "unused", ())]
    return msgspec.defstruct(
        model.__name__.partition("[")[0],
        fields,
        namespace={"mark": vars(model)["mark"]} if "mark" in vars(model) else None,
        frozen=True,
        gc=False,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _type(annotation: Any) -> Any:
    """What a field has to hold, in terms of the decoder."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, list):
        return list[_type(arguments[0])]  # type: ignore[misc]  # made while the program runs
    if origin is Annotated:
        kind, bounds = arguments
        return Annotated[kind, msgspec.Meta(ge=bounds.least, le=bounds.most)]
    if origin in (Union, UnionType):
        return Any if Decimal in arguments else Union[tuple(map(_type, arguments))]  # noqa: UP007
    return _struct(annotation) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else annotation
