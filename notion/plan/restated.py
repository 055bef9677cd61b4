"""Which figures of a month that is over were corrected, told in the log of the row: the latest first.

What the archive knows is told with the day and the model that moved most, and stays told when the archive is pruned,
replaced or switched off. What only Notion shows, as the archive does not have it, is told as far as the latest change.
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
from usage.money import dollars, to_the_cent
from usage.month import Month
from usage.outcomes.correction import Correction
from usage.records.breakdown import NOTION_TEXT_LIMIT

_NAME_LIMIT: Final = 80
"""UTF-16 units of a model's name: a log is for reading."""
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_UNITS: Final = ("USD", *(COLUMNS[name] for name in FIGURES if name != "cost"))
_TOLD: Final = re.compile(
    rf" ?(?P<sentence>Corrigé : \S+ → \S+ (?:{'|'.join(_UNITS)}) le (?P<day>{_DAY})"
    rf"(?P<where> \((?:surtout )?(?:« [^»]* »)? ?(?:le {_DAY})?\))?\.)"
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A sentence, the day of the reading that it tells of, and whether it says what moved."""

    sentence: str
    day: date
    is_placed: bool

    @property
    def change(self) -> str:
        """The old figure and the new one, without when and where."""
        return self.sentence.partition(" le ")[0]


def without_restatements(log: str) -> str:
    """The log without its sentences about corrections."""
    return _TOLD.sub("", log)


def identity_of(key: str, workspace: str) -> Identity:
    """Which row the archive means by these."""
    return Values(key=printable(key), workspace=printable(workspace)).identity


def with_restatements(
    new: Values,
    old: Values | None,
    month: Month,
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
        corrections: What the archive knows of the row, latest first.
        has_moved: False where the archive knows that the provider tells the same as before: then somebody else has
            changed what stands in Notion.
    """
    known = [_Told(sentence, one.read_at.date(), True) for one in corrections if (sentence := _sentence(one))]
    days = {one.day for one in known}
    # What was seen in Notion alone may have been found in the archive since, under the day of a later reading.
    found = {one.change: one.day for one in reversed(known)}
    told = _seen(new, old, month, days, has_moved=has_moved)
    seen = [one for one in told if one.is_placed or found.get(one.change, date.min) < one.day]
    ordered = sorted([*known, *seen], key=lambda one: one.day, reverse=True)
    log = new.log
    for one in ordered:
        longer = f"{log} {one.sentence}".strip()
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
    latest = next((one for one in before if not one.is_placed), None)
    if has_moved and old.cost is not None and new.cost is not None and float(old.cost) != float(new.cost):
        was, now = _amounts(Decimal(str(old.cost)), Decimal(str(new.cost)))
        day = new.collected_at.date() if new.collected_at else month.last_day
        latest = None
        if day not in days:
            yield _Told(f"Corrigé : {was} → {now} USD le {day}.", day, False)
    yield from (one for one in before if one.is_placed or one is latest)


def _read(log: str) -> Iterable[_Told]:
    for found in _TOLD.finditer(log):
        try:
            day = date.fromisoformat(found["day"])
        except ValueError:
            # Somebody has written in the cell.
            continue
        yield _Told(found["sentence"], day, found["where"] is not None)


def _sentence(one: Correction) -> str:
    """`Corrigé : 45,50 → 45,72 USD le 2026-02-05 (surtout « gpt-4o » le 2026-01-14).`

    Empty where only units moved, which have no column.
    """
    changed = [name for name in FIGURES if getattr(one.old, name) != getattr(one.new, name)]
    if not changed:
        return ""
    was, now = getattr(one.old, changed[0]), getattr(one.new, changed[0])
    if isinstance(was, Decimal) and isinstance(now, Decimal):
        shown = _amounts(was, now)
    else:
        shown = _figure(was), _figure(now)
    unit = "USD" if changed[0] == "cost" else COLUMNS[changed[0]]
    return f"Corrigé : {shown[0]} → {shown[1]} {unit} le {one.read_at.date()}{_where(one)}."


def _where(one: Correction) -> str:
    name = one_line(one.what, _NAME_LIMIT).replace("«", '"').replace("»", '"')
    words = [f"« {name} »" if name else "", f"le {one.day}" if one.day is not None else ""]
    place = " ".join(word for word in words if word)
    if not place:
        return ""
    return f" ({place})" if one.alone else f" (surtout {place})"


def _figure(figure: Decimal | int | None) -> str:
    if figure is None:
        return "–"
    return to_the_cent(figure) if isinstance(figure, Decimal) else str(figure)


def _amounts(before: Decimal, after: Decimal) -> tuple[str, str]:
    """Both as French readers write them, with every digit where the cents are the same."""
    shown = to_the_cent(before), to_the_cent(after)
    return shown if shown[0] != shown[1] else (dollars(before).replace(".", ","), dollars(after).replace(".", ","))
