"""What a month comes to beside the one before, as commands print it. Amounts are USD, text with every digit."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from usage.language.choice import Language
from usage.month import Month
from usage.names import ProviderName


class ToldMover(BaseModel):
    """A row that moved, and the model or item in it that moved most. An amount is null where there is no such thing."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    key: str
    name: str
    before_usd: str | None
    now_usd: str | None
    change_usd: str | None
    model: str
    model_change_usd: str | None


class Told(BaseModel):
    """A month and the one before. Figures of what is compared are null where nothing can be."""

    model_config = ConfigDict(frozen=True)

    month: Month
    total_usd: str | None
    previous: Month
    until: date | None
    """Last day that is compared, in both months; null: whole months."""
    before_usd: str | None
    now_usd: str | None
    change_usd: str | None
    movers: tuple[ToldMover, ...]
    """Those that moved most."""
    not_compared: tuple[ProviderName, ...]
    lines: tuple[str, ...] = Field(default=(), exclude=True)
    """All of it in sentences."""
    language: Language = Field(default=Language.EN, exclude=True)
    """Of these sentences: figures beside them are written as it writes them."""

    @property
    def compares(self) -> bool:
        """Whether there was anything in the month before to compare with; else it has only the total."""
        return self.change_usd is not None
