"""What one source comes to for one month: its rows and its own story. Everything that is published is in here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from usage.grain import Rule
from usage.month import Month
from usage.names import Kind, Source, Status
from usage.outcomes.report import Control, Count, Thing
from usage.records.breakdown import BreakdownEntry


class Totals(BaseModel):
    """Sums over a source's rows; `None` where no row has the figure."""

    model_config = ConfigDict(frozen=True)

    cost: Decimal | None = None
    """USD, exact."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None


class UsageRow(BaseModel):
    """One row of *Usages*: month x service x workspace x project or key."""

    model_config = ConfigDict(frozen=True)

    key: str
    """`Projet/API Key`: the provider's id, or one of our bracketed words."""
    workspace: str
    name: str
    """Last part of the title: the name people gave the project or key, else its id."""
    models: tuple[str, ...]
    """Dearest first."""
    totals: Totals
    breakdown: tuple[BreakdownEntry, ...]
    """Dearest first; its costs add up to the row's."""
    status: Status
    log: str
    """French sentences that depend on the data alone."""


class SourceOutcome(BaseModel):
    """One source, one month, ready to be published.

    An attempt that failed has no rows; its `log` says why, and `rerun` is true where a rerun or a better key mends it.
    """

    model_config = ConfigDict(frozen=True)

    source: Source
    month: Month
    label: str
    """The account as Notion shows it: empty for the only key of a provider when it has no name."""
    attempted_at: datetime
    """The moment the figures were read, or the attempt failed, UTC."""
    status: Status
    rerun: bool
    log: str
    """The whole story, in French."""
    rule: Rule
    """What the rows stand for."""
    rows: tuple[UsageRow, ...] = ()
    things: tuple[Thing, ...] = ()
    """The source's own registry: what it owns."""
    complete: bool = False
    """True when what is not in `rows` is known to be zero."""
    coarse: bool = False
    failed: bool = False
    """True when nothing could be read: then only the source's own row is written."""
    reason: str = ""
    """Why a rerun is needed, in one sentence; empty otherwise."""
    totals: Totals = Totals()
    organisation: str | None = None
    """Id of the organisation behind the key, where the provider tells it."""
    known: tuple[tuple[Kind, str], ...] = ()
    """Every id that the key reaches, by its registry or its usage; another account may count some of them."""
    key_mark: str = ""
    """By which the same key is known again; empty where it is not known."""
    control: Control | None = None
    provisional: bool = False
    """True when the provider may still change the closed month."""
    days_read: int | None = None
    dropped: tuple[Count, ...] = ()
    new_fields: tuple[Count, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether the month was over, and the provider done with it, when it was read."""
        return not self.provisional and not self.month.is_running(self.attempted_at)
