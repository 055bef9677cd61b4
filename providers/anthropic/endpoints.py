"""The endpoints of Anthropic's Admin API that the job reads, and what is surprising about each.

Facts: the official Python package `anthropic` 2.12.0 and the pages below platform.claude.com/docs/en/api/admin. The
newer reports are known from that package's types only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from usage.language.saying import say
from usage.language.sentence import Sentence

VERSION: Final = "2026-10-21"
OLDER_VERSION: Final = "2023-06-01"
"""How the older reports behave under a later version is not documented."""
BETA: Final = "analytics-usage-cost-2026-08-24"
"""Announces the newer reports, without which they are refused."""

ORGANIZATION: Final = "/v1/organizations/me"
WORKSPACES: Final = "/v1/organizations/workspaces"
API_KEYS: Final = "/v1/organizations/api_keys"
REGISTRY_LIMIT: Final = "1000"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: `what` it brings, how it is grouped, and how much of it comes in a page."""

    path: str
    what: Callable[[], Sentence]
    group_by: tuple[str, ...]
    limit: str
    """Rows (newer reports) or days (older ones) in a page: the most that the endpoint gives, and a month has 31."""
    headers: Mapping[str, str]
    by_day: bool = False
    """True when it gives whole days, one bucket each; the others give rows, of each group and day."""


# A range spans 31 days at most. With a time bucket there is one row for each group and day, without one for the range.
# Five groups at most. Never by `rbac_group_id`, which counts a user in each of their groups.
ANALYTICS_USAGE: Final = Report(
    "/v1/organizations/analytics/usage",
    lambda: say("the tokens and requests"),
    ("workspace_id", "api_key_id", "model"),
    "1000",
    {"anthropic-beta": BETA},
)
# `cost_type` counts neither towards the five groups nor towards `limit`, and tells code execution from session time,
# both of which have no model. It empties `cost.requests`, so requests are taken from the usage report alone.
# `token_type` without it would drop all that is not tokens.
ANALYTICS_COSTS: Final = Report(
    "/v1/organizations/analytics/cost",
    lambda: say("the costs"),
    ("workspace_id", "api_key_id", "model", "cost_type"),
    "1000",
    {"anthropic-beta": BETA},
)

# The older pair, for months that the newer one does not reach. It counts no requests, knows no code execution, and
# writes the default workspace as null.
OLDER_USAGE: Final = Report(
    "/v1/organizations/usage_report/messages",
    lambda: say("the tokens"),
    ("workspace_id", "model"),
    "31",
    {"anthropic-version": OLDER_VERSION},
    by_day=True,
)
# It can't be grouped by key or model; `description` fills in the model and the type of each cost.
OLDER_COSTS: Final = Report(
    "/v1/organizations/cost_report",
    lambda: say("the costs"),
    ("workspace_id", "description"),
    "31",
    {"anthropic-version": OLDER_VERSION},
    by_day=True,
)
