"""Instants as this API reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.shared.query import Query, Refused


def instant(query: Query, name: str) -> datetime | None:
    """A parameter in RFC 3339, zone included, in UTC."""
    text = query.text(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{name}: not an RFC 3339 date and time") from None
    if at.tzinfo is None or "T" not in text.upper():
        raise Refused(f"{name}: not an RFC 3339 date and time with a zone")
    return at.astimezone(UTC)


def stamp(at: datetime) -> str:
    """RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
