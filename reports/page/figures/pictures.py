"""Which charts a page has."""

from __future__ import annotations

from enum import StrEnum


class Picture(StrEnum):
    """A chart of the page."""

    PROVIDERS = "providers"
    MONTHS = "months"
    DAYS = "days"
    OUTLOOK = "outlook"
