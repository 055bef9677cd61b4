"""Whether a month that is over may lose what stands in Notion.

A complete answer that halves a month, or empties it, may be a restatement; a changed permission looks the same. So
lower figures are followed only with proof, or when a person has accepted them.

Here the month is looked at as a whole. What proves of a single row that it may go to 0 is `Ownership.can_be_gone`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from notion.rows.values import COLUMNS, FIGURES, Values
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.story import rerun_command


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does to the figures of a row: `before` is None for one that comes, `after` for one that goes."""

    before: Values | None
    after: Values | None


def objection_to(changes: Sequence[Change], outcome: SourceOutcome) -> Sentence:
    """Why lower figures of a source must not be followed; silence where nothing speaks against them.

    That rows go for others is no loss in itself.
    """
    if outcome.month.is_running(outcome.attempted_at):
        return SILENCE
    before = [one.before for one in changes if one.before is not None]
    after = [one.after for one in changes if one.after is not None]
    # Tokens and requests may not be offered any more; money that is gone is lost.
    names = [name for name in FIGURES if name == "cost" or any(getattr(values, name) is not None for values in after)]
    sums = {name: (_total(before, name), _total(after, name)) for name in names}
    # A millionth: sums of doubles are not exact.
    lower = [name for name, (old, now) in sums.items() if now < old - 1e-6]
    if not (lower or any(_is_lower(one) for one in changes)):
        return SILENCE
    halved = [name for name, (old, now) in sums.items() if old > 0 and now <= old / 2]
    if halved:
        return say("it would lose half or more ({change})", change=_show(sums, halved))
    if outcome.is_settled and (outcome.control is None or not outcome.control.agrees):
        return say("no control total confirms it ({change})", change=_show(sums, lower))
    return SILENCE


def keeping_sentence(outcome: SourceOutcome, objection: Sentence) -> Sentence:
    """The sentence of a month that keeps its figures, with the command that accepts the lower ones."""
    return say(
        "The month goes down without proof: {objection}. The figures stay. {accept}",
        objection=objection,
        accept=accepting_sentence(outcome),
    )


def accepting_sentence(outcome: SourceOutcome) -> Sentence:
    """The sentence with the command that accepts lower figures."""
    command = f"{rerun_command(outcome.source, outcome.month)} --accept-lower"
    return say("To accept the lower figures: {command}.", command=command)


def _is_lower(change: Change) -> bool:
    """Whether a figure of a row goes down, or its cost is gone."""
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    names = [name for name in FIGURES if name == "cost" or getattr(after, name) is not None]
    return any(_figure(after, name) < _figure(before, name) for name in names)


def _figure(values: Values, name: str) -> float:
    value = getattr(values, name)
    return 0.0 if value is None else float(value)


def _total(rows: Sequence[Values], name: str) -> float:
    return sum(_figure(values, name) for values in rows)


def _show(sums: Mapping[str, tuple[float, float]], lower: Collection[str]) -> Sentence:
    """The sums of a figure that goes down: the cost where that is one, or where only single rows do."""
    name = "cost" if "cost" in lower or not lower else next(iter(lower))
    before, after = sums[name]
    if name != "cost":
        return say("{before} → {after} {unit}", before=int(before), after=int(after), unit=COLUMNS[name])
    was, now = (Decimal(str(round(amount, 6))) for amount in (before, after))
    return say("{before} → {after} {unit}", before=was, after=now, unit="USD")
