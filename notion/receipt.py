"""The receipt in a source's own row: what the reading covered that the rows of its month stand for."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator


class Receipt(BaseModel):
    """What is known of the reading. Rows of older versions have none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    read_at: datetime | None = None
    """The moment the figures were read, UTC."""

    @field_validator("read_at")
    @classmethod
    def _utc(cls, instant: datetime | None) -> datetime | None:
        if instant is None:
            return None
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def read_receipt(text: str) -> Receipt | None:
    """The receipt that a cell holds; None where it holds something else: nothing, a list, a person's words."""
    try:
        return Receipt.model_validate_json(text)
    except ValidationError:
        return None
