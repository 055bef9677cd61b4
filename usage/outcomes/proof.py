"""What is proven of a month that was read, and whether it is closed: the one definition of it.

A month is *open* while it runs and while its provider may still bring late figures (`Reach.settling`). Then it is
*settled*, and *closed* once a reading of the settled figures is proven whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from usage.language.saying import decimal, say, say_count
from usage.language.sentence import Sentence
from usage.money import dollars
from usage.month import Month
from usage.names import FINAL, ProviderName, Status


class MonthState(StrEnum):
    """How far a month has come, from first to last."""

    OPEN = "open"
    """It runs, or its provider may still bring late figures."""
    SETTLED = "settled"
    """Its figures no longer come late, but no reading since then is proven whole."""
    CLOSED = "closed"
    """It is over, settled and proven."""


class Proof(BaseModel):
    """What one source's last reading of a month proves. Amounts are USD, exact; instants UTC."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    month: Month
    status: Status | None
    """Of the last attempt; None where it is not known."""
    read_at: datetime | None
    """When the figures were read; None where they never were."""
    days_read: int | None = None
    """Days of the month that the answers hold; None where the provider gives no days."""
    missing_days: tuple[date, ...] = ()
    """Those that they do not hold, in order."""
    pages: int | None = None
    """Pages of answers."""
    cost_usd: Decimal | None = None
    """Sum of the lines that the control total is held against; None where the provider tells no money."""
    allocated_usd: Decimal | None = None
    """The part of it that the provider does not give by key, and that was divided among keys by usage."""
    control_usd: Decimal | None = None
    """The provider's own total; None where none was read."""
    control_agrees: bool | None = None
    """Whether the two agree; None where there is no total."""
    fresh_until: datetime | None = None
    """How far the figures go by the provider's own mark; None where it gives none."""
    lacking: tuple[Sentence, ...] = ()
    """What the reading lacked, in the sentences of its log."""

    @property
    def figures_of(self) -> datetime | None:
        """How far the figures go: by the provider's mark, else the moment of reading."""
        known = [at for at in (self.read_at, self.fresh_until) if at is not None]
        return None if self.read_at is None else min(known)

    @property
    def has_settled(self) -> bool:
        """Whether the figures are of a moment at which none came late any more."""
        return self.figures_of is not None and self.figures_of >= _settled_at(self.provider, self.month)

    @property
    def is_beyond_corrections(self) -> bool:
        """Whether the figures are of a moment at which the provider announced no corrections any more."""
        return self.figures_of is not None and self.figures_of >= corrected_until(self.provider, self.month)

    @property
    def doubts(self) -> tuple[Sentence, ...]:
        """Why the reading does not prove the month whole; none where it does."""
        if self.read_at is None:
            return (say("it was never read"),)
        return tuple(self._doubts())

    def _doubts(self) -> Iterable[Sentence]:
        if self.status not in FINAL:
            yield say("the last attempt failed") if self.status is Status.ECHEC else say("something is missing")
        short = 0 if self.days_read is None else self.month.days - self.days_read
        if self.missing_days or short > 0:
            count = max(len(self.missing_days), short)
            yield say_count("{number} day is missing", "{number} days are missing", count)
        if self.control_agrees is False:
            yield say("the control total differs")
        elif self.control_usd is None and self.cost_usd is not None and self.has_settled:
            yield say("no control total could be read")

    @property
    def limits(self) -> tuple[Sentence, ...]:
        """What a reading of this provider and moment can't prove, whatever it brings."""
        if self.read_at is None:
            return ()
        found = [] if self.days_read is not None else [say("the provider does not tell its days")]
        if not self.has_settled:
            found.append(say("the control total is read once the month has settled"))
        elif self.cost_usd is None:
            found.append(say("there is no sum in USD to hold against a total"))
        if self.allocated_usd is not None:
            found.append(
                say(
                    "{part} USD are divided among keys by usage: the provider does not give them by key",
                    part=decimal(dollars(self.allocated_usd)),
                )
            )
        return tuple(found)

    def state(self, now: datetime) -> MonthState:
        """How far the month has come at `now`."""
        if now < _settled_at(self.provider, self.month):
            return MonthState.OPEN
        return MonthState.CLOSED if self.has_settled and not self.doubts else MonthState.SETTLED


def state_of(provider: ProviderName, month: Month, proofs: Iterable[Proof], now: datetime) -> MonthState:
    """How far a provider's month has come at `now`: as far as the account that is furthest behind."""
    known = list(proofs) or [Proof(provider=provider, month=month, status=None, read_at=None)]
    return min((proof.state(now) for proof in known), key=list(MonthState).index)


def corrected_until(provider: ProviderName, month: Month) -> datetime:
    """Until when a provider announces corrections of a month; when it settles, where it announces none."""
    return _settled_at(provider, month) + provider.spec.reach.revised


def _settled_at(provider: ProviderName, month: Month) -> datetime:
    return month.end + provider.spec.reach.settling
