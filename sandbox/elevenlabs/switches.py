"""What is not certain about the ElevenLabs API, each with the likelier reading first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


def _names() -> dict[str, str]:
    return {
        "time": "timestamp",
        "credits": "total_usage",
        "money": "total_cost",
        "minutes": "total_minutes",
        "requests": "usage_count",
        "quantity": "total_charge_count",
    }


@dataclass(kw_only=True)
class Switches:
    """Readings of the API that a test may turn. What concerns one workspace's billing is on its `Account`."""

    absent: set[str] = field(default_factory=set)
    """Ends of paths that answer 404, for example `/workspace/analytics/usage`."""
    end_inclusive: bool = False
    """Whether analytics include the bucket that begins exactly at `end_time`."""
    time_form: Literal["z", "offset", "space", "seconds", "milliseconds"] = "z"
    """How analytics write a bucket's beginning: ISO with `Z`, with `+00:00`, with a space, or since 1970."""
    column_names: dict[str, str] = field(default_factory=_names)
    """Names of the time column and of the measures, by what they mean."""
    label_columns: bool = False
    """Add a column with the display name for keys and users, behind what was asked for."""
    reverse_columns: bool = False
    """Serve the columns the other way round: position means nothing."""
    numbers_as_text: bool = False
    """Measures as text, as the documentation page shows them."""
    blank_units: bool = False
    """`""` in place of null for a column without unit, as the documentation page shows it."""
    moved_status: int = 400
    """Status of the refusal of days billed by cost, where only days billed in credits are served."""
    wrong_key_status: Literal[400, 401] = 401
    """Status for a key that does not exist; both were seen, each with its own body."""
    limited_sees_own: bool = False
    """A key without the analytics permission gets its own usage, silently, instead of a refusal."""
    no_key_label: str | None = "null"
    """Label of `character-stats` for what has no key (or no model); None leaves it out."""
