"""What the figures of a month rest on, what is missing in them, and what was corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from reports.ledger import MonthLedger, SourceMonth
from usage.language.choice import Language
from usage.month import Month
from usage.names import FINAL, ProviderName, Status
from usage.outcomes.proof import MonthState


@dataclass(frozen=True, slots=True)
class Evidence:
    """The proof of a month in a few counts of its sources."""

    sources: int
    read: int
    """Of which figures were ever read."""
    whole: int
    """Of which nothing is missing."""
    agree: int
    """Whose own total agrees with the sum of their lines."""
    differ: int
    """Whose own total does not."""
    state: MonthState | None
    figures_of: datetime | None
    """Up to when all sources that were read go, UTC; None where none was read."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A source of whose month something is missing."""

    provider: ProviderName
    account: str
    status: Status | None
    log: str
    """What the source's own row says of it."""
    language: Language
    """Of that: Notion’s cells have one of their own."""
    days: tuple[date, ...]
    """Days that its answers do not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Figures of a month that was over, and which a later reading changed. Costs are USD, exact."""

    month: Month
    provider: ProviderName
    account: str
    """As Notion shows it; empty for a provider's only key without a name."""
    read_at: datetime
    """When the new figures were read, UTC."""
    old: Decimal | None
    new: Decimal | None
    day: date | None
    """Of what moved most; None where it has no day."""
    owners: tuple[str, ...]
    """Its project, key and workspace, as far as it has them, by their ids at the provider."""
    what: str
    """Its model or item."""


def evidence_of(month: MonthLedger, now: datetime) -> Evidence:
    """What a month rests on at a moment."""
    proofs = [one.proof for one in month.sources if one.proof is not None]
    moments = [one.figures_of for one in proofs if one.figures_of is not None]
    return Evidence(
        sources=len(month.sources),
        read=len(moments),
        whole=sum(not _lacks(one) for one in month.sources),
        agree=sum(one.control_agrees is True for one in proofs),
        differ=sum(one.control_agrees is False for one in proofs),
        state=month.state(now),
        figures_of=min(moments, default=None),
    )


def missing_of(sources: Iterable[SourceMonth], language: Language) -> tuple[Missing, ...]:
    """What is missing in a month: first what could not be read, then what is not whole, then what nobody offers.

    Args:
        sources: All sources of the month.
        language: Of their logs.
    """
    found = [
        Missing(one.provider, one.account, one.status, one.log, language, one.proof.missing_days if one.proof else ())
        for one in sources
        if _lacks(one) or one.status is Status.DONNEES_INDISPONIBLES
    ]
    return tuple(sorted(found, key=lambda one: -(one.status or Status.ECHEC).rank))


def _lacks(source: SourceMonth) -> bool:
    """Whether a rerun or a better key would bring more."""
    return source.status not in FINAL or (source.proof is not None and bool(source.proof.missing_days))
