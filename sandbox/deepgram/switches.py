"""What is not certain about the Deepgram API, each with the likelier reading as default."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal


@dataclass(kw_only=True)
class Switches:
    """Readings of the API that a test may turn."""

    absent: set[str] = field(default_factory=set)
    """Ends of paths that answer 404, for example `/billing/breakdown`."""
    end_inclusive: bool = True
    """Whether the day named by `end` is part of the answer."""
    coarse_beyond: int | None = None
    """Ranges of more days than this come in `coarse_resolution`; None: days, however long."""
    coarse_resolution: tuple[Literal["day", "week"], int] = ("week", 1)
    """Unit and amount of the coarse buckets, which start at the range's first day."""
    billing_since: date | None = None
    """First day that billing has data for. Earlier ones are empty, with status 200."""
    sparse: bool = False
    """Leave out numbers that are zero, and null in place of an empty list of models."""
    models_as_text: bool = False
    """One text in place of the list of models, as the description of 2025 has it."""
    counts_as_floats: bool = False
    """Counts written with a decimal point, `12.0`."""
    repeated_grouping: Literal["refused", "last"] = "refused"
    """What several `grouping` do to a usage breakdown."""
    unfiltered_keys: Literal["active", "all"] = "active"
    """Which keys are listed without `status`."""
    scope_refusal: Literal["text", "code", "category"] | None = None
    """Shape of the answer to a missing scope: plain text or `err_code` (401), or `category` (403).

    None: text from usage and billing, `err_code` elsewhere.
    """
    stranger_status: Literal[403, 404] = 404
    """Status for a project that the key does not see."""
