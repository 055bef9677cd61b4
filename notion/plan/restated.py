"""Which figures of a month that is over were corrected, told in the log of the row: the latest first.

What the archive knows is told with the day and the model that moved most, and stays told when the archive is pruned,
replaced or switched off. What only Notion shows, as the archive does not have it, is told as far as the latest change.

What a log tells is read in both languages and told again in that of Notion, which may have been another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from notion.rows.values import COLUMNS, FIGURES, Identity, Values
from notion.text import one_line, printable, units
from usage.language.choice import Language
from usage.language.saying import decimal, say
from usage.language.sentence import Sentence
from usage.money import dollars, to_the_cent
from usage.month import Month
from usage.outcomes.correction import Correction
from usage.records.breakdown import NOTION_TEXT_LIMIT

_NAME_LIMIT: Final = 80
"""UTF-16 units of a model's name: a log is for reading."""
_QUOTES: Final = str.maketrans(dict.fromkeys("«»“”", '"'))
"""Within a name they would end it."""
_UNKNOWN: Final = "–"
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_UNITS: Final = ("USD", *(COLUMNS[name] for name in FIGURES if name != "cost"))
_TOLD: Final = re.compile(
    rf" ?(?:Corrigé :|Corrected:) (?P<was>\S+) → (?P<now>\S+) (?P<unit>{'|'.join(_UNITS)}) (?:le|on) (?P<day>{_DAY})"
    r"(?: \((?P<mostly>surtout |mostly )?(?:« (?P<french>[^»]*) »|“(?P<english>[^”]*)”)?"
    rf" ?(?:(?:le|on) (?P<moved>{_DAY}))?\))?\."
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What moved within a row, one of the two at least: a model or the like, and its day."""

    name: str
    day: str
    alone: bool

    @property
    def sentence(self) -> Sentence:
        if not self.day:
            where = say("“{name}”", name=self.name)
        elif not self.name:
            where = say("on {day}", day=self.day)
        else:
            where = say("“{name}” on {day}", name=self.name, day=self.day)
        return where if self.alone else say("mostly {where}", where=where)


@dataclass(frozen=True, slots=True)
class _Told:
    """A correction as a log tells it: the figures with a decimal point, the day of the reading, and what moved."""

    was: str
    now: str
    unit: str
    day: date
    place: _Place | None = None

    @property
    def change(self) -> tuple[str, str, str]:
        """The old figure and the new one, without when and where."""
        return self.was, self.now, self.unit

    @property
    def sentence(self) -> Sentence:
        """`Corrected: 45.50 → 45.72 USD on 2026-02-05 (mostly “gpt-4o” on 2026-01-14).`"""
        was, now = decimal(self.was), decimal(self.now)
        if self.place is None:
            return say("Corrected: {was} → {now} {unit} on {day}.", was=was, now=now, unit=self.unit, day=self.day)
        return say(
            "Corrected: {was} → {now} {unit} on {day} ({where}).",
            was=was,
            now=now,
            unit=self.unit,
            day=self.day,
            where=self.place.sentence,
        )


def without_restatements(log: str) -> str:
    """The log, in whichever language, without its sentences about corrections."""
    return _TOLD.sub("", log)


def identity_of(key: str, workspace: str) -> Identity:
    """Which row the archive means by these."""
    return Values(key=printable(key), workspace=printable(workspace)).identity


def with_restatements(
    new: Values,
    old: Values | None,
    month: Month,
    language: Language,
    corrections: Sequence[Correction] = (),
    *,
    has_moved: bool = True,
) -> Values:
    """The new values, with the story of the row's corrections in the log, as much of it as fits.

    Args:
        new: The values.
        old: Those that stand in Notion; None where nothing does. Another cost counts as a correction when the row was
            last read after the month had ended.
        month: The month.
        language: Of Notion.
        corrections: What the archive knows of the row, latest first.
        has_moved: False where the archive knows that the provider tells the same as before: then somebody else has
            changed what stands in Notion.
    """
    known = [one for one in map(_told, corrections) if one is not None]
    days = {one.day for one in known}
    # What was seen in Notion alone may have been found in the archive since, under the day of a later reading.
    found = {one.change: one.day for one in reversed(known)}
    shown = _seen(new, old, month, days, has_moved=has_moved)
    seen = [one for one in shown if one.place or found.get(one.change, date.min) < one.day]
    log = new.log
    for one in sorted([*known, *seen], key=lambda one: one.day, reverse=True):
        longer = f"{log} {one.sentence.told_in(language)}".strip()
        if units(longer) > NOTION_TEXT_LIMIT:
            break
        log = longer
    return replace(new, log=log)


def was_closed(read_at: datetime | None, month: Month) -> bool:
    """Whether the month was over when something was read."""
    return read_at is not None and read_at >= month.end


def _seen(new: Values, old: Values | None, month: Month, days: Collection[date], *, has_moved: bool) -> Iterator[_Told]:
    """What Notion shows of other days than those, latest first: this reading's change, and what was told."""
    if old is None or not was_closed(old.collected_at, month):
        return
    before = [one for one in _read(old.log) if one.day not in days]
    latest = next((one for one in before if not one.place), None)
    if has_moved and old.cost is not None and new.cost is not None and float(old.cost) != float(new.cost):
        was, now = _amounts(Decimal(str(old.cost)), Decimal(str(new.cost)))
        day = new.collected_at.date() if new.collected_at else month.last_day
        latest = None
        if day not in days:
            yield _Told(was, now, "USD", day)
    yield from (one for one in before if one.place or one is latest)


def _read(log: str) -> Iterable[_Told]:
    for found in _TOLD.finditer(log):
        try:
            day = date.fromisoformat(found["day"])
        except ValueError:
            # Somebody has written in the cell.
            continue
        name, moved = found["french"] or found["english"] or "", found["moved"] or ""
        place = _Place(name.translate(_QUOTES), moved, alone=not found["mostly"]) if name or moved else None
        yield _Told(found["was"].replace(",", "."), found["now"].replace(",", "."), found["unit"], day, place)


def _told(one: Correction) -> _Told | None:
    """A correction for telling; None where only units moved, which have no column."""
    changed = [name for name in FIGURES if getattr(one.old, name) != getattr(one.new, name)]
    if not changed:
        return None
    was, now = getattr(one.old, changed[0]), getattr(one.new, changed[0])
    if isinstance(was, Decimal) and isinstance(now, Decimal):
        was, now = _amounts(was, now)
    name, day = one_line(one.what, _NAME_LIMIT).translate(_QUOTES), "" if one.day is None else str(one.day)
    return _Told(
        _figure(was),
        _figure(now),
        "USD" if changed[0] == "cost" else COLUMNS[changed[0]],
        one.read_at.date(),
        _Place(name, day, one.alone) if name or day else None,
    )


def _figure(figure: Decimal | int | str | None) -> str:
    if figure is None:
        return _UNKNOWN
    return to_the_cent(figure) if isinstance(figure, Decimal) else str(figure)


def _amounts(before: Decimal, after: Decimal) -> tuple[str, str]:
    """Both to the cent, with every digit where the cents are the same."""
    shown = to_the_cent(before), to_the_cent(after)
    return shown if shown[0] != shown[1] else (dollars(before), dollars(after))
