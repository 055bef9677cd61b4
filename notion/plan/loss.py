"""Whether a month that is over may lose what stands in Notion.

A complete answer that halves a month, or empties it, may be a restatement; a changed permission looks the same. So
lower figures are followed only with proof, or when a person has accepted them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from notion.rows.values import FIGURES, Values
from usage.money import euros_style
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.story import rerun_command

LEFT: Final = "Reste comme elle est : la baisse du mois n’est pas prouvée."


@dataclass(slots=True)
class Change:
    """What a plan does to the figures of one source: those that stood there, and those it would leave."""

    before: list[Values] = field(default_factory=list)
    after: list[Values] = field(default_factory=list)
    is_lower: bool = False
    """Whether a figure of some row goes down, or is gone."""
    unproven: int = 0
    """Rows that a complete answer does not have, and that nothing proves to be 0."""

    def row(self, before: Values | None, after: Values | None) -> None:
        """A row that becomes another one, comes or goes. That rows go for others is no loss in itself."""
        if before is not None:
            self.before.append(before)
        if after is not None:
            self.after.append(after)
        if before is not None and after is not None:
            self.is_lower |= any(_is_lower(after, before, name) for name in FIGURES)

    def objection(self, outcome: SourceOutcome) -> str:
        """Why lower figures must not be followed, in French; empty where nothing speaks against them."""
        sums = {name: (_total(self.before, name), _total(self.after, name)) for name in FIGURES if self._is_told(name)}
        # A millionth: sums of doubles are not exact.
        goes_down = any(after < before - 1e-6 for before, after in sums.values())
        if outcome.month.is_running(outcome.attempted_at) or not (self.is_lower or goes_down):
            return ""
        if any(before > 0 and after <= before / 2 for before, after in sums.values()):
            return f"il perdrait la moitié ou plus ({_shown(sums)})"
        if outcome.is_settled and (outcome.control is None or not outcome.control.agrees):
            return f"aucun total de contrôle ne le confirme ({_shown(sums)})"
        return ""

    def _is_told(self, name: str) -> bool:
        """Whether the answer has a figure. Tokens and requests may not be offered; money that is gone is lost."""
        return name == "cost" or any(getattr(values, name) is not None for values in self.after)


def doubtful(outcome: SourceOutcome, objection: str) -> str:
    """The sentence of a month that keeps its figures, with the command that accepts the lower ones."""
    return f"Le mois baisse sans preuve : {objection}. Les chiffres restent. {accepting_command(outcome)}"


def accepting_command(outcome: SourceOutcome) -> str:
    """The sentence with the command that accepts lower figures."""
    return f"Pour accepter la baisse : {rerun_command(outcome.source, outcome.month)} --accept-lower."


def _is_lower(after: Values, before: Values, name: str) -> bool:
    is_told = name == "cost" or getattr(after, name) is not None
    return is_told and _figure(after, name) < _figure(before, name)


def _figure(values: Values, name: str) -> float:
    value = getattr(values, name)
    return 0.0 if value is None else float(value)


def _total(rows: Sequence[Values], name: str) -> float:
    return sum(_figure(values, name) for values in rows)


def _shown(sums: Mapping[str, tuple[float, float]]) -> str:
    before, after = (euros_style(Decimal(str(round(amount, 6)))) for amount in sums["cost"])
    return f"{before} → {after} USD"
