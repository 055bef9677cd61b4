"""What a provider is given: one source and one month to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from providers.shared.http import Http
from providers.shared.together import Together
from usage.month import Month
from usage.names import Grain, Source


@dataclass(frozen=True, slots=True)
class Job:
    """One source and one month to read.

    `now` is the moment of reading, UTC; `http` already carries the key; `on_page` is called for each page read, for
    the progress display; `together` is there where a backfill reads the months around this one, too.
    """

    source: Source
    month: Month
    now: datetime
    grain: Grain
    http: Http
    on_page: Callable[[], None] = lambda: None
    together: Together | None = None
