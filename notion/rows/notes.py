"""What people write in their own columns of *Usages*, and how the notes of two rows become those of one.

Nothing is weighed against anything: what can stand side by side does (texts on lines of their own, lists as their
union), and what can't is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from notion.client.models import Date, Page, RichText, Value
from notion.databases.found import Found
from notion.text import PIECES, chunks

_READ_ONLY: Final = frozenset(
    {
        "formula",
        "rollup",
        "created_time",
        "created_by",
        "last_edited_time",
        "last_edited_by",
        "last_visited_time",
        "unique_id",
        "button",
        "verification",
    }
)
"""Types that Notion fills in itself: they hold nothing that a person wrote."""
_MOST: Final = 100
"""Elements that one write of a list takes."""
_SHOWN: Final = 25
"""Elements of a list of people or pages that a row's answer may be cut at."""
_LISTS: Final = ("multi_select", "relation", "people", "files")
_BREAK: Final = RichText(plain_text="\n")


@dataclass(frozen=True, slots=True)
class Note:
    """What stands in one of people's own columns of a row. `name` is the column's."""

    name: str
    value: Value

    @property
    def is_empty(self) -> bool:
        """Whether nobody has written anything there."""
        return not _content(self.value)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the cell says, for grouping: options, people and files by name, pages of a relation by id."""
        value = self.value
        if value.type in _LISTS:
            names = (element.name or getattr(element, "id", "") for element in _elements(value))
            return tuple(filter(None, names))
        told = _TEXTS.get(value.type)
        text = ((told(value) if told is not None else None) or "").strip()
        return (text,) if text else ()


def read_notes(found: Found, page: Page) -> tuple[Note, ...]:
    """The cells of a row that are people's, empty ones left out."""
    ours = {text for column in found.columns.values() for text in (column.id, column.name)}
    notes = (
        Note(name, value)
        for name, value in page.properties.items()
        if (value.id or name) not in ours and value.type not in _READ_ONLY
    )
    return tuple(note for note in notes if not note.is_empty)


def unite(mine: Iterable[Note], theirs: Iterable[Note]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """The notes of one row with those of another.

    Returns:
        All notes that the one row then has, and the names of columns in which the two can't become one.
    """
    united = {note.value.id: note for note in mine}
    others = {note.value.id: note for note in theirs}
    clashes = []
    for column, note in others.items():
        here = united.get(column)
        value = _copy_value(note.value) if here is None else _unite_values(here.value, note.value)
        if value is None:
            clashes.append(note.name)
        else:
            united[column] = Note(note.name, value)
    # A box that is not ticked says something, too, where that of the other row is.
    clashes += [note.name for key, note in united.items() if note.value.type == "checkbox" and key not in others]
    return tuple(united.values()), tuple(clashes)


def as_properties(notes: Iterable[Note]) -> dict[str, Any]:
    """The JSON that writes notes into a row, by the ids of their columns."""
    return {note.value.id or note.name: {note.value.type: _WRITERS[note.value.type](note.value)} for note in notes}


def can_hold_notes(kind: str) -> bool:
    """Whether people can write into columns of a type, and this program can copy what they wrote."""
    return kind in _WRITERS


def says_same(note: Note, other: Note) -> bool:
    """Whether two notes stand in one column and say the same, as far as Notion shows."""
    if (note.value.id or note.name) != (other.value.id or other.name) or _is_cut(note.value) or _is_cut(other.value):
        return False
    return note.value.type == other.value.type and _content(note.value) == _content(other.value)


def copy_notes(notes: Iterable[Note]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """What can be written into a new row, and the names of columns whose cells can't be copied as a whole."""
    notes = tuple(notes)
    copied = tuple(note for note in notes if _can_be_written(note.value) and not _is_cut(note.value))
    return copied, tuple(note.name for note in notes if note not in copied)


def _copy_value(value: Value) -> Value | None:
    """A value for a row whose cell is empty; None where it could not be written there.

    A box that is not ticked is no empty cell.
    """
    return value if value.type != "checkbox" and _can_be_written(value) and not _is_cut(value) else None


def _unite_values(mine: Value, theirs: Value) -> Value | None:
    """A value that says what both say; None where there is none, or none that could be written."""
    if mine.type != theirs.type or mine.is_foreign or _is_cut(mine) or _is_cut(theirs):
        return None
    if _content(mine) == _content(theirs):
        return mine
    joined = None
    if mine.type == "rich_text":
        if _has_lines(mine.text, theirs.text):
            return mine
        joined = mine.model_copy(update={"rich_text": [*mine.rich_text, _BREAK, *theirs.rich_text]})
    elif mine.type in _LISTS:
        known = set(_keys(mine))
        new = [element for key, element in zip(_keys(theirs), _elements(theirs), strict=True) if key not in known]
        if not new:
            return mine
        joined = mine.model_copy(update={mine.type: [*_elements(mine), *new]})
    return joined if joined is not None and _can_be_written(joined) else None


def _can_be_written(value: Value) -> bool:
    """Whether Notion takes a value that it has shown, in this row or in another one."""
    if value.type == "rich_text":
        # A mention may be of something that the connection may not see.
        return all(piece.type == "text" for piece in value.rich_text) and len(_rich(value)) <= PIECES
    if value.type == "files":
        return len(value.files) <= _MOST and all(file.external is not None for file in value.files)
    if value.type in _LISTS:
        return len(_elements(value)) <= _MOST
    return value.type in _WRITERS


def _is_cut(value: Value) -> bool:
    """Whether the value may have more elements than Notion has shown."""
    return value.has_more or len(value.people) >= _SHOWN


def _has_lines(text: str, lines: str) -> bool:
    """Whether a text has these lines, one after the other: so it does once they have been added to it."""
    return f"\n{lines.strip()}\n" in f"\n{text.strip()}\n"


def _elements(value: Value) -> Sequence[Any]:
    elements: Sequence[Any] = getattr(value, value.type)
    return elements


def _digits(number: float | None) -> str | None:
    """As people write it: `2500`, and not `2500.0`."""
    return None if number is None else f"{Decimal(repr(number)):f}".removesuffix(".0")


def _span(date: Date | None) -> str | None:
    return None if date is None else "/".join(filter(None, (date.start, date.end)))


def _keys(value: Value) -> list[Hashable]:
    """What makes an element of a list the same as one of another row's list."""
    if value.type == "multi_select":
        return [option.name for option in value.multi_select]
    if value.type == "files":
        # A file that Notion keeps is another one in each row, whatever its name.
        return [file.external.url if file.external else id(file) for file in value.files]
    return [element.id for element in _elements(value)]


def _content(value: Value) -> Hashable:
    """What a cell says, whatever it looks like; nothing for an empty one."""
    if value.type in _LISTS:
        return frozenset(_keys(value))
    read = _CONTENTS.get(value.type)
    return value.is_foreign if read is None else read(value)


def _option(value: Value) -> str | None:
    chosen = value.select or value.status
    return chosen.name if chosen is not None else None


def _rich(value: Value) -> list[dict[str, Any]]:
    return [
        {
            "type": "text",
            "text": {"content": chunk, "link": _link(piece)},
            "annotations": piece.annotations.model_dump(),
        }
        for piece in value.rich_text
        for chunk in chunks(piece.shown)
    ]


def _link(piece: RichText) -> dict[str, str] | None:
    """Links within Notion are shown without its address, and are refused like that: their text has to do."""
    return {"url": piece.href} if piece.href and urlsplit(piece.href).scheme else None


def _moment(text: str | None) -> Hashable:
    """A day as it is, and an instant whatever the offset it was written with."""
    if text is None or len(text) == len("2026-01-05"):
        return text
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _ids(value: Value) -> list[dict[str, Any]]:
    return [{"id": element.id} for element in _elements(value)]


_CONTENTS: Final[Mapping[str, Callable[[Value], Hashable]]] = {
    "rich_text": lambda value: value.text.strip(),
    # Zero is a number that somebody wrote.
    "number": lambda value: None if value.number is None else (value.number,),
    "select": _option,
    "status": _option,
    "date": lambda value: value.date and (_moment(value.date.start), _moment(value.date.end)),
    "url": lambda value: value.url,
    "email": lambda value: value.email,
    "phone_number": lambda value: value.phone_number,
    "checkbox": lambda value: value.checkbox,
}
"""What of a value counts when two are compared, by its type."""

_TEXTS: Final[Mapping[str, Callable[[Value], str | None]]] = {
    "rich_text": lambda value: value.text,
    "number": lambda value: _digits(value.number),
    "select": _option,
    "status": _option,
    "date": lambda value: _span(value.date),
    "url": lambda value: value.url,
    "email": lambda value: value.email,
    "phone_number": lambda value: value.phone_number,
    # A box that is not ticked is an empty cell.
    "checkbox": lambda value: "✓" if value.checkbox else None,
}
"""What of a value people read, by its type, where it is one thing."""

_WRITERS: Final[Mapping[str, Callable[[Value], Any]]] = {
    "rich_text": _rich,
    "number": lambda value: value.number,
    "select": lambda value: {"name": _option(value)},
    "status": lambda value: {"name": _option(value)},
    "multi_select": lambda value: [{"name": option.name} for option in value.multi_select],
    "date": lambda value: value.date and value.date.model_dump(),
    "url": lambda value: value.url,
    "email": lambda value: value.email,
    "phone_number": lambda value: value.phone_number,
    "checkbox": lambda value: value.checkbox,
    "relation": _ids,
    "people": _ids,
    "files": lambda value: [{"type": "external", **file.model_dump()} for file in value.files],
}
"""What of a value is sent, by its type."""
