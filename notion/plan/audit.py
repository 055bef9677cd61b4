"""The plan held against what was read: what stands in Notion after it must be what the source told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from notion.plan.ownership import identity
from notion.plan.steps import Action, Step
from notion.rows.values import Values
from usage.grain import COLLECTION
from usage.money import difference, exact_sum, french_amount
from usage.outcomes.outcome import SourceOutcome

_TOLERANCE: Final = Decimal("0.000001")
"""USD by which a row may differ: Notion's numbers are doubles."""


def discrepancy(outcome: SourceOutcome, steps: Sequence[Step], set_aside: Sequence[Values]) -> str:
    """What is wrong with a source's plan, in French; empty where all is well.

    Args:
        outcome: What the source brought.
        steps: What is planned. Rows that are left alone, or changed by something else than what was read, have a `why`.
        set_aside: Rows of the answer that are not written, for a reason that the plan tells.
    """
    if outcome.failed:
        return ""
    standing = [step for step in steps if step.action is not Action.TRASH and step.values.key != COLLECTION]
    planned = [step.values for step in standing if not step.why]
    if any(count > 1 for count in Counter(map(identity, planned)).values()):
        return _sentence("le plan a deux fois la même ligne")
    if len(planned) < len(outcome.rows) - len(set_aside):
        return _sentence(f"{len(outcome.rows) - len(set_aside) - len(planned)} lignes lues manquent dans le plan")
    read = difference(_cost(row.totals.cost for row in outcome.rows), _cost(values.cout for values in set_aside))
    after = _cost(values.cout for values in planned)
    if abs(difference(after, read)) > _TOLERANCE * (len(planned) + 1):
        return _sentence(f"{french_amount(read)} USD lus, {french_amount(after)} USD dans le plan")
    return ""


def _cost(amounts: Iterable[Decimal | float | None]) -> Decimal:
    return exact_sum(None if amount is None else Decimal(str(amount)) for amount in amounts) or Decimal(0)


def _sentence(what: str) -> str:
    return f"Erreur du programme : {what}. Rien n’est écrit pour cette source ; signalez-le."
