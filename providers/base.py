"""What every provider offers, and what it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from providers.shared.http import Answer, Http
from providers.shared.together import Together
from usage.errors import SourceError
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.report import SourceReport


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


class Verdict(StrEnum):
    """How one check went."""

    OK = "ok"
    WARNING = "warning"
    """The job works without it, with less in the rows."""
    BAD = "bad"


class Finding(BaseModel):
    """One thing that `llm-usage check` looked at."""

    model_config = ConfigDict(frozen=True)

    what: str
    verdict: Verdict
    sentence: str
    """What works, or what to do about it."""


class Wire(BaseModel):
    """Base of the models of raw answers: fields that are not known are ignored, so that an API may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Provider(Protocol):
    """One provider's API. Implementations hold no state."""

    name: ProviderName
    registry: re.Pattern[str]
    """Paths that list what the account has (projects, keys, workspaces). Their answers don't depend on the month: a
    backfill reads them once."""

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """Headers of every request, the key among them."""

    def explain(self, answer: Answer) -> SourceError | None:
        """The provider's own reading of an answer that is not 2xx, where the common rules would misread it."""

    async def collect(self, job: Job) -> SourceReport:
        """Read the month.

        Raises:
            SourceError: Nothing could be read; what was read in part comes back as a report with gaps.
        """

    async def check(self, job: Job) -> list[Finding]:
        """Try each thing the job needs with as few requests as possible; never raises `SourceError`."""
