"""The clock that all machines share: that of the servers they ask.

Which of two readings is the newer one decides which figures stand. Machines' clocks may be minutes apart, those of the
providers' servers are not, and every answer tells the time (the `Date` header, RFC 9110, section 6.6.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def clock_offset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What has to be added to this machine's time to get the server's; None where the answer does not tell it.

    Args:
        headers: Of the answer.
        now: This machine's time when it arrived.
    """
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        # A header that can't be read is as good as none.
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) - now
