"""The truth that the stand-ins' answers are cut from, in the shape that a test can hold a collection against."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BillRow:
    """What one project or key used and cost in a month, summed straight from the facts.

    `None` means that the provider does not say. Amounts are USD, exact.
    """

    workspace: str
    """The provider's workspace id; empty where it has none."""
    key: str
    """Project or key id; empty for usage that the provider attributes to none."""
    name: str | None
    """Name that the provider's registry gives it; None where the registry does not know it."""
    cost: Decimal | None
    tokens_input: int | None
    tokens_output: int | None
    requests: int | None
    models: dict[str, Decimal | None] = field(default_factory=dict)
    """Cost of each model or item."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One account's month."""

    rows: tuple[BillRow, ...]

    @property
    def total(self) -> Decimal:
        """USD over all rows."""
        return sum((row.cost for row in self.rows if row.cost is not None), Decimal(0))
