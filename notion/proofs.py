"""What the receipts of sources' own rows prove; one query of *Usages* is enough for all of them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from notion.rows.receipt import COUNTS, Receipt, read_receipt
from notion.rows.standing import Standing, holds
from notion.rows.values import Values
from usage.errors import SettingsError
from usage.money import exact_sum, whole_sum
from usage.month import Month
from usage.names import FINAL, Grain, ProviderName, Status
from usage.outcomes.proof import MonthState, Proof

_DAYS: Final = re.compile(r"(\d+)/\d+")


def is_closed(standing: Standing, grain: Grain, now: datetime) -> bool:
    """Whether all own rows of a provider's month prove it closed, beyond announced corrections, at the present grain.

    Args:
        standing: What stands in Notion.
        grain: What rows stand for by now.
        now: The present.
    """
    proofs = [proof_of(own.values, standing.provider) for own in standing.own]
    return all(own.receipt.grain == grain.value for own in standing.own) and all(
        proof is not None and proof.is_beyond_corrections and proof.state(now) is MonthState.CLOSED for proof in proofs
    )


def stands_whole(standing: Standing) -> bool:
    """Whether the rows of projects and keys hold what the receipts tell: nobody has changed or removed one since."""
    is_there = len(standing.rows) >= sum(own.receipt.rows or 0 for own in standing.own)
    is_paid = holds(standing.rows, exact_sum(own.receipt.cost_usd for own in standing.own))
    return is_there and is_paid and all(_stands(standing, name) for name in COUNTS)


def _stands(standing: Standing, name: str) -> bool:
    """Whether the rows hold as many tokens or requests as the receipts tell.

    Older receipts tell none, and a database may lack the column.
    """
    told = whole_sum(getattr(own.receipt, name) for own in standing.own)
    held = [int(figure) for values in standing.rows if (figure := getattr(values, name)) is not None]
    if told is None or not held:
        return True
    # Notion's numbers are doubles, which hold 53 bits.
    return abs(sum(held) - told) <= abs(told) >> 50


def proof_of(own: Values, provider: ProviderName) -> Proof | None:
    """What a source's own row proves; None where its month can't be read.

    Args:
        own: The row. Receipts of older versions tell less, and so prove less.
        provider: Whose row it is.
    """
    try:
        month = Month.parse(own.month)
    except SettingsError:
        # Somebody has written something else into `Mois`.
        return None
    receipt = read_receipt(own.breakdown) or Receipt()
    status = Status(own.status) if own.status in set(Status) else None
    days = _DAYS.fullmatch(receipt.days)
    agrees = receipt.control_agrees
    if agrees is None and receipt.control_usd is not None:
        # Older receipts do not say so, but where the two differed the reading was in part.
        agrees = status in FINAL
    return Proof(
        provider=provider,
        month=month,
        status=status,
        read_at=receipt.read_at,
        days_read=int(days[1]) if days else None,
        missing_days=receipt.missing_days,
        pages=receipt.answer_pages,
        cost_usd=receipt.cost_usd if receipt.control_sum_usd is None else receipt.control_sum_usd,
        allocated_usd=receipt.allocated_usd,
        control_usd=receipt.control_usd,
        control_agrees=agrees,
        fresh_until=receipt.fresh_until,
        lacking=receipt.lacks,
    )
