"""Months as *Usages* holds them: each row with the records that it is made of, and what its source proves.

Every report, digest and export is made from these, so they all tell the same figures, which are Notion's to the last
digit. Records come from the archive, day by day, where a kept reading is the one that Notion shows; otherwise from the
row's `Breakdown JSON`, without days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from usage.errors import SettingsError
from usage.grain import canonical_workspace, is_ours
from usage.language.choice import Language
from usage.language.saying import say
from usage.money import exact_sum, whole_sum
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import MonthState, Proof, state_of
from usage.records.record import UsageRecord


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """What people wrote in a column of their own, in one row: one text, or several."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One row of *Usages*: month x service x project, key or workspace."""

    month: Month
    provider: ProviderName
    account: str
    """As Notion shows it; empty for a provider's only key without a name."""
    key: str
    """`Projet/API Key`: the provider's id, or a word in brackets."""
    workspace: str
    name: str
    """What people call the project or key, without the account's label."""
    records: tuple[UsageRecord, ...]
    """What it is made of. Their sums are the row's figures."""
    by_day: bool
    """Whether the records have days, or are those of the whole month."""
    status: Status | None = None
    log: str = ""
    own: tuple[OwnColumn, ...] = ()
    url: str = ""
    """The row's page."""

    @property
    def thing(self) -> tuple[ProviderName, str, str]:
        """What the row is about, the same in every month: provider and key; the workspace for keys that are ours."""
        return self.provider, self.key, canonical_workspace(self.workspace) if is_ours(self.key) else ""

    @property
    def title(self) -> str:
        """As people tell it from others of the provider: `Production (labo)`."""
        return f"{self.name} ({self.account})" if self.account else self.name

    @property
    def cost(self) -> Decimal | None:
        """USD, exact; None where nobody tells it."""
        return exact_sum(record.cost for record in self.records)

    @property
    def tokens_input(self) -> int | None:
        """Tokens read by models; None where nobody tells them."""
        return whole_sum(record.tokens_input for record in self.records)

    @property
    def tokens_output(self) -> int | None:
        """Tokens written by models; None where nobody tells them."""
        return whole_sum(record.tokens_output for record in self.records)

    @property
    def requests(self) -> int | None:
        """None where nobody tells them."""
        return whole_sum(record.requests for record in self.records)

    def values_of(self, column: str) -> tuple[str, ...]:
        """What people wrote in a column of their own; nothing where the cell is empty."""
        return next((one.values for one in self.own if one.name == column), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMonth:
    """What a source's own row says of a month."""

    provider: ProviderName
    account: str
    status: Status | None
    log: str
    proof: Proof | None
    organisation: str | None = None
    """The provider's id of what stands behind the key; None where it tells none."""


@dataclass(frozen=True, slots=True)
class MonthLedger:
    """One month."""

    month: Month
    rows: tuple[LedgerRow, ...] = ()
    sources: tuple[SourceMonth, ...] = ()

    @property
    def cost(self) -> Decimal | None:
        """USD, exact; None where no row has a cost."""
        return exact_sum(row.cost for row in self.rows)

    @property
    def is_collected(self) -> bool:
        """Whether any source was ever read or asked for."""
        return bool(self.rows or self.sources)

    def of(self, provider: ProviderName) -> tuple[LedgerRow, ...]:
        """The rows of one provider."""
        return tuple(row for row in self.rows if row.provider is provider)

    def state(self, now: datetime) -> MonthState | None:
        """How far the month has come: as far as the source that is furthest behind; None where there is none."""
        providers = {one.provider for one in self.sources}
        states = [
            state_of(one, self.month, [s.proof for s in self.sources if s.provider is one and s.proof is not None], now)
            for one in providers
        ]
        return min(states, key=list(MonthState).index, default=None)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Months in order."""

    months: tuple[MonthLedger, ...]
    now: datetime
    """By which months are open or closed, UTC."""
    url: str = ""
    """Of *Usages*."""
    language: Language = Language.FR
    """Of the logs in Notion’s cells."""

    def month(self, month: Month) -> MonthLedger:
        """One of its months; an empty one for a month that is not in it."""
        return next((one for one in self.months if one.month == month), MonthLedger(month))

    def require_collected(self) -> None:
        """Make sure that every month of it was asked for once.

        Raises:
            SettingsError: One never was; the message has the command that does it.
        """
        missing = [str(one.month) for one in self.months if not one.is_collected]
        if missing:
            raise SettingsError(
                say("{month} was never collected: llm-usage collect --month {month} does it", month=missing[0])
                if len(missing) == 1
                else say(
                    "{months} were never collected: llm-usage backfill {first} {last} does it",
                    months=", ".join(missing),
                    first=missing[0],
                    last=missing[-1],
                )
            )

    def own_columns(self) -> tuple[str, ...]:
        """Names of people's own columns in which anything stands, in order."""
        return own_columns(row for one in self.months for row in one.rows)


def own_columns(rows: Iterable[LedgerRow]) -> tuple[str, ...]:
    """Names of people's own columns in which anything stands in some rows, in order."""
    return tuple(sorted({one.name for row in rows for one in row.own}))
