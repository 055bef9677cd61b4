"""What is not certain about the OpenRouter API, each with the likelier reading as default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(kw_only=True)
class Switches:
    """Readings of the API that a test may turn."""

    absent: set[str] = field(default_factory=set)
    """Ends of paths that answer 404, for example `/analytics/query`."""
    page_size: int | None = None
    """Most entries on a page of `/workspaces`, whatever `limit` says; `total_count` tells that there are more.

    A page of `/keys` always holds 100: its end is known by a shorter page alone.
    """
    end_inclusive: bool = False
    """Whether `time_range.end` at midnight includes the day that begins there."""
    counts_as_text: bool = True
    """Counts as `"1523"` in place of `1523`."""
    time_column: Literal["date", "created_at"] = "date"
    """What the name of the time column begins with."""
    time_form: Literal["date", "iso"] = "date"
    """Buckets of a day and more written as `2026-01-01` or as `2026-01-01T00:00:00.000Z`."""
    truncate_at: int | None = None
    """Most rows that the server gives out, whatever `limit` says; the answer is then marked as truncated."""
    look_back: Literal["all", "empty", "refused"] = "all"
    """What happens to days more than 365 days ago: the limit may concern the length of a range alone."""
    merge_labels: bool = False
    """Rows of two keys with one name are merged, in place of two rows that look alike."""
    deleted_label: bool = True
    """Rows of a deleted key carry its last name; otherwise null, as if there had been no key."""
    no_key_label: str | None = None
    """Value of `api_key_id` in rows without a key: null or an empty text."""
