"""Dates as Notion keeps them: a day, or an instant cut to the minute with the offset it was given in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.notion.errors import Json, malformed

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Moment = date | datetime
"""A day, or an instant with its offset."""


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date value: a start and perhaps an end, both days or both instants."""

    start: Moment
    end: Moment | None = None


def read_moment(value: object, path: str, zone: ZoneInfo | None = None) -> Moment:
    """A day or an instant from a request; without offset and zone it is UTC.

    Raises:
        Refusal: 400: not ISO 8601, or an offset beside a zone.
    """
    if not isinstance(value, str):
        raise malformed(path, "a string", value)
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise malformed(path, "a valid ISO 8601 date string", value) from None
    if moment.tzinfo is None:
        return cut(moment.replace(tzinfo=zone or UTC))
    if zone is not None and not (value.upper().endswith("Z") and zone.key == "UTC"):
        raise malformed(path, "a date without an offset, as `time_zone` is given", value)
    return cut(moment)


def read_span(value: Any, path: str) -> DateSpan:
    """A date value from a request.

    Raises:
        Refusal: 400: wrong form, unknown time zone, or an end before the start or of another kind.
    """
    if not isinstance(value, dict):
        raise malformed(path, "an object", value)
    zone = _read_zone(value.get("time_zone"), path)
    start = read_moment(value.get("start"), f"{path}.start", zone)
    if value.get("end") is None:
        return DateSpan(start)
    end = read_moment(value["end"], f"{path}.end", zone)
    if isinstance(start, datetime) is not isinstance(end, datetime) or instant(end) < instant(start):
        raise malformed(f"{path}.end", "after the start and of the same kind", value["end"])
    return DateSpan(start, end)


def _read_zone(name: Any, path: str) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise malformed(f"{path}.time_zone", "a known time zone", name) from None


def cut(moment: datetime) -> datetime:
    """The minute in which `moment` falls."""
    return moment.replace(second=0, microsecond=0)


def instant(moment: Moment) -> datetime:
    """The instant for comparing; a day begins at midnight UTC."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(), UTC)


def show_moment(moment: Moment) -> str:
    """As answers show it: `2026-07-21` or `2026-07-21T18:58:00.000+02:00`."""
    return moment.isoformat(timespec="milliseconds") if isinstance(moment, datetime) else moment.isoformat()


def show_span(span: DateSpan | None) -> Json | None:
    """A date value for an answer; the zone is always null, the offset says it all."""
    if span is None:
        return None
    end = None if span.end is None else show_moment(span.end)
    return {"start": show_moment(span.start), "end": end, "time_zone": None}


def show_minute(moment: datetime) -> str:
    """Times of pages and data sources: to the minute, with `Z`."""
    return cut(moment.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def show_exact(moment: datetime) -> str:
    """Times of databases and views: to the millisecond, with `+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
