"""Corrections of a month, as a run's page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tasks.pages.markdown import NOTHING, escape, table
from usage.money import tell_apart
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome

_MOST_SHOWN: Final = 50


def correction_table(outcomes: Sequence[SourceOutcome]) -> list[str]:
    """A heading and a table of what was corrected, latest first; nothing where nothing was."""
    found = sorted(
        ((one, outcome) for outcome in outcomes for one in outcome.corrections),
        key=lambda pair: pair[0].read_at,
        reverse=True,
    )
    if not found:
        return []
    head = ("Read (UTC)", "Source", "Project or key", "Most on", "Model", "Old", "New")
    parts = ["## Corrections", table(head, [_line(*pair) for pair in found[:_MOST_SHOWN]], left=5)]
    if len(found) > _MOST_SHOWN:
        month = found[0][1].month
        parts.append(f"{len(found) - _MOST_SHOWN} earlier ones are told by `llm-usage history --month {month}`.")
    return parts


def _line(one: Correction, outcome: SourceOutcome) -> tuple[str, ...]:
    name = next((row.name for row in outcome.rows if row.key == one.key), one.key)
    return (
        f"{one.read_at:%Y-%m-%d %H:%M}",
        escape(outcome.source.name),
        escape(name),
        NOTHING if one.day is None else str(one.day),
        escape(one.what) or NOTHING,
        *_figures(one),
    )


def _figures(one: Correction) -> tuple[str, str]:
    """The old and the new cost, or what else changed where that did not."""
    if one.old.cost is not None and one.new.cost is not None and one.old.cost != one.new.cost:
        was, now = (amount.replace(",", ".") for amount in tell_apart(one.old.cost, one.new.cost))
        return f"{was} USD", f"{now} USD"
    pairs = {
        "USD": (one.old.cost, one.new.cost),
        "tokens in": (one.old.tokens_input, one.new.tokens_input),
        "tokens out": (one.old.tokens_output, one.new.tokens_output),
        "requests": (one.old.requests, one.new.requests),
    }
    for unit, (old, new) in pairs.items():
        if old != new:
            return (
                NOTHING if old is None else f"{old:,} {unit}",
                NOTHING if new is None else f"{new:,} {unit}",
            )
    return "other units", "other units"
