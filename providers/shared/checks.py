"""What `llm-usage check` tells of one source."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class CheckStatus(StrEnum):
    """How one check went."""

    OK = "ok"
    WARNING = "warning"
    """The job works without it, with less in the rows."""
    BAD = "bad"


class CheckResult(BaseModel):
    """One thing that `llm-usage check` looked at."""

    model_config = ConfigDict(frozen=True)

    what: str
    verdict: CheckStatus
    sentence: str
    """What works, or what to do about it."""
