"""The endpoints of OpenRouter's management API that the job reads, and what is surprising about each.

Facts: OpenRouter's published API description of August 2026, its own analytics guides of July 2026 and the official
Python package `openrouter` 1.3.84.
"""

from __future__ import annotations

from typing import Final

from providers.shared.http import Params

OWN_KEY: Final = "/key"
"""Answers any key; says whether it is a management key, which everything else here asks for."""

WORKSPACES: Final = "/workspaces"
WORKSPACES_PER_PAGE: Final = 100
"""The most that the endpoint gives; 50 without asking. The answer says how many there are in all."""

KEYS: Final = "/keys"
KEYS_PER_PAGE: Final = 100
"""Fixed by the server, which gives no total: a shorter page is the last."""

QUERY: Final = "/analytics/query"
"""A POST that reads. Filters take ids, rows give back names: two keys of one name look alike in an answer."""

ROWS: Final = 10_000
"""The most rows that one answer can have; 1,000 without asking."""

METRICS: Final = (
    "request_count",
    # In the tokens of the model itself. Reasoning and cached tokens are parts of these two and never added.
    "tokens_prompt",
    "tokens_completion",
    # What is charged to OpenRouter credits, its fees on the customer's own keys (BYOK) included: the cost.
    "credits_usage",
    # What external providers charge for such keys, at list price. Their bill, not OpenRouter's.
    "byok_usage",
    # The two together.
    "total_usage",
)
"""All are served for a year. Some other metrics are not, and asking for one of them moves the whole query to another
data source."""

BY_KEY_AND_MODEL: Final = ("api_key_id", "model")
"""Two dimensions are the most: hence one query for each workspace."""

BY_MODEL: Final = ("model",)
BY_WORKSPACE_AND_KEY: Final = ("workspace", "api_key_id")
UNGROUPED: Final[tuple[str, ...]] = ()


def keys_from(workspace: str | None, offset: str | None) -> Params:
    """Parameters for one page of a workspace's keys.

    Without a workspace the default one's keys alone are listed; disabled and expired keys have to be asked for.
    """
    return [
        *([("workspace_id", workspace)] if workspace else []),
        ("include_disabled", "true"),
        ("include_expired", "true"),
        ("offset", offset or "0"),
    ]


def workspaces_from(offset: str | None) -> Params:
    """Parameters for one page of workspaces."""
    return [("limit", str(WORKSPACES_PER_PAGE)), ("offset", offset or "0")]
