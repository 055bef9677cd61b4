"""What every provider offers, and what it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from pydantic import SecretStr

from providers.shared.answers import Answer
from providers.shared.checks import CheckResult
from providers.shared.job import Job
from usage.errors import SourceError
from usage.names import ProviderName
from usage.outcomes.report import SourceReport


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

    async def check(self, job: Job) -> list[CheckResult]:
        """Try each thing the job needs with as few requests as possible; never raises `SourceError`."""
