"""What `status --proof` shows of each source's month."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from cli.display import literal, new_table
from notion.summary import SourceProof
from usage.language.marks import headings
from usage.language.reader import phrase
from usage.language.saying import listed, together
from usage.language.sentence import Sentence
from usage.language.words import Words
from usage.money import difference, dollars
from usage.outcomes.naming import state_name
from usage.outcomes.proof import MonthState, Proof
from usage.outcomes.story import missing_days

_STYLES = {MonthState.OPEN: "yellow", MonthState.SETTLED: "", MonthState.CLOSED: "green"}


def proofs_json(proofs: Sequence[SourceProof], now: datetime) -> str:
    """A list of objects: amounts as text with every digit (USD), instants UTC."""
    return json.dumps([_object(one.label, one.proof, now) for one in proofs], ensure_ascii=False)


def proofs_table(proofs: Sequence[SourceProof], now: datetime, words: Words) -> Table:
    """A line for each source and month."""
    table = new_table(
        phrase("What is proven of each month"),
        ("Fresh until (UTC)", "Pages", "State", "Not proven, and why", "Days", "Provider's total USD"),
    )
    for name in headings(
        "Month", "Source", "State", "Days", "Pages", "Sum USD", "Provider's total USD", "Fresh until (UTC)"
    ):
        # Amounts are there to be compared digit by digit: nothing of them may be cut.
        table.add(name, justify="right" if "USD" in name or name == "Pages" else "left", overflow="fold")
    table.add(*headings("Not proven, and why"), overflow="fold", min_width=24)
    for one in proofs:
        proof, state = one.proof, one.proof.state(now)
        table.add_row(
            str(proof.month),
            literal(f"{proof.provider.label} ({one.label})" if one.label else proof.provider.label),
            Text(str(state_name(state)), style=_STYLES[state]),
            _days(proof),
            "–" if proof.pages is None else str(proof.pages),
            words.exact(proof.cost_usd),
            words.exact(proof.control_usd),
            _freshness(proof),
            literal(listed(_unproven(proof)) or "–"),
        )
    return table


def _object(label: str, proof: Proof, now: datetime) -> dict[str, object]:
    differ = None
    if proof.cost_usd is not None and proof.control_usd is not None:
        differ = dollars(difference(proof.control_usd, proof.cost_usd))
    return {
        "month": str(proof.month),
        "provider": proof.provider.value,
        "account": label,
        "state": proof.state(now).value,
        "status": proof.status,
        "days": None if proof.days_read is None else f"{proof.days_read}/{proof.month.days}",
        "missing_days": [day.isoformat() for day in proof.missing_days],
        "pages": proof.pages,
        "sum_usd": _amount(proof.cost_usd),
        "allocated_usd": _amount(proof.allocated_usd),
        "control_usd": _amount(proof.control_usd),
        "difference_usd": differ,
        "control_agrees": proof.control_agrees,
        "read_at": _instant(proof.read_at),
        "fresh_until": _instant(proof.fresh_until),
        "delay_hours": _delay_hours(proof),
        "unproven": [str(one) for one in _unproven(proof)],
    }


def _unproven(proof: Proof) -> tuple[Sentence, ...]:
    return (*proof.doubts, *proof.limits, *proof.lacking)


def _days(proof: Proof) -> str:
    if proof.days_read is None:
        return "–"
    covered = f"{proof.days_read}/{proof.month.days}"
    if not proof.missing_days:
        return covered
    return str(together((Sentence.of(covered), missing_days(proof.missing_days, proof.month)), between=", "))


def _freshness(proof: Proof) -> str:
    """The provider's own mark, or the delay that is documented for it."""
    if proof.fresh_until is not None:
        return phrase("{instant}, its own mark", instant=f"{proof.fresh_until:%Y-%m-%d %H:%M}")
    return phrase("{hours} h after the month’s end", hours=_delay_hours(proof))


def _delay_hours(proof: Proof) -> int:
    return int(proof.provider.spec.reach.settling.total_seconds()) // 3600


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars(amount)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
