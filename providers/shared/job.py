"""What a provider is given: one source and one month to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from providers.shared.answers import Answer
from providers.shared.http import Http, Params
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

    @property
    def is_running(self) -> bool:
        """Whether the month has not ended."""
        return self.month.is_running(self.now)

    def is_settling(self, within: timedelta, seen: datetime | None = None) -> bool:
        """Whether the month had ended less than that before its figures were `seen` (now): they may still change."""
        return self.month.end <= (seen or self.now) < self.month.end + within

    async def get(
        self,
        path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        """GET one page; one that can be had in smaller ones only up to `most_bytes`.

        Raises:
            SourceError: See `Http.get`.
        """
        answer = await self.http.get(path, params, headers, most_bytes=most_bytes)
        self.on_page()
        return answer

    async def post(self, path: str, body: BaseModel) -> Answer:
        """POST a question and read its one page.

        Raises:
            SourceError: See `Http.post`.
        """
        answer = await self.http.post(path, body)
        self.on_page()
        return answer
