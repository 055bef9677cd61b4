"""What a server's headers say about time: what its clock shows, and how long it asks to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def clock_offset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What has to be added to this machine's time to get the server's; None where the answer does not tell it.

    Which of two readings is the newer one decides which figures stand. Machines' clocks may be minutes apart, those of
    the servers that all of them ask are not, and every answer tells the time (`Date`, RFC 9110, section 6.6.1).

    Args:
        headers: Of the answer.
        now: This machine's time when it arrived.
    """
    moment = _read_date(headers.get("date", ""))
    return None if moment is None else moment - now


def read_wait(retry_after: str, now: datetime) -> float | None:
    """Seconds to wait that a `Retry-After` asks for, in seconds or as the date that proxies write; None where it can't
    be read.

    Args:
        retry_after: The header.
        now: This machine's time when it arrived.
    """
    if re.fullmatch(r"\d+(\.\d+)?", retry_after):
        return float(retry_after)
    moment = _read_date(retry_after)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _read_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        # A header that can't be read is as good as none.
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
