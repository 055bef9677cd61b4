"""What a later reading changed of figures that nobody expected to change any more."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from usage.outcomes.rows import Totals


class Correction(BaseModel):
    """One row's settled figures, which a later reading changed."""

    model_config = ConfigDict(frozen=True)

    key: str
    """`Projet/API Key` of the row."""
    workspace: str
    """Its workspace; it separates only rows whose key is a word of ours."""
    read_at: datetime
    """Of the reading that brought the new figures, UTC."""
    old: Totals
    new: Totals
    day: date | None
    """Of what moved most within the row; None where the provider tells no days."""
    what: str
    """The model of what moved most, or what else it is for; empty where nothing tells."""
    alone: bool
    """Whether nothing else of the row has moved."""
