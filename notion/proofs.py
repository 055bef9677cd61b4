"""What the receipts of sources' own rows prove; one query of *Usages* is enough for all of them."""

from __future__ import annotations

import re
from typing import Final

from notion.rows.receipt import Receipt, read_receipt
from notion.rows.values import Values
from usage.errors import SettingsError
from usage.month import Month
from usage.names import FINAL, ProviderName, Status
from usage.outcomes.proof import Proof

_DAYS: Final = re.compile(r"(\d+)/\d+")


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
        lacking=receipt.lacking,
    )
