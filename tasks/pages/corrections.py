"""Corrections of a month, as a run's page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tasks.pages.markdown import NOTHING, escape, table
from usage.language.marks import headings
from usage.language.words import Words
from usage.money import tell_apart
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome

_MOST_SHOWN: Final = 50


def correction_table(outcomes: Sequence[SourceOutcome], words: Words) -> list[str]:
    """A heading and a table of what was corrected, latest first; nothing where nothing was."""
    found = sorted(
        ((one, outcome) for outcome in outcomes for one in outcome.corrections),
        key=lambda pair: pair[0].read_at,
        reverse=True,
    )
    if not found:
        return []
    names = headings("Read (UTC)", "Source", "Project or key", "Most on", "Model", "Old", "New")
    lines = [_line(*pair, words) for pair in found[:_MOST_SHOWN]]
    parts = [f"## {words('Corrections')}", table([words(name) for name in names], lines, left=5)]
    if len(found) > _MOST_SHOWN:
        month = found[0][1].month
        command = f"`llm-usage history --month {month}`"
        parts.append(
            words("{number} earlier ones are told by {command}.", number=len(found) - _MOST_SHOWN, command=command)
        )
    return parts


def _line(one: Correction, outcome: SourceOutcome, words: Words) -> tuple[str, ...]:
    name = next((row.name for row in outcome.rows if row.key == one.key), one.key)
    return (
        f"{one.read_at:%Y-%m-%d %H:%M}",
        escape(outcome.source.name),
        escape(name),
        NOTHING if one.day is None else str(one.day),
        escape(one.what) or NOTHING,
        *_figures(one, words),
    )


def _figures(one: Correction, words: Words) -> tuple[str, str]:
    """The old and the new cost, or what else changed where that did not."""
    if one.old.cost is not None and one.new.cost is not None and one.old.cost != one.new.cost:
        was, now = map(words.decimal, tell_apart(one.old.cost, one.new.cost))
        return f"{was} USD", f"{now} USD"
    if one.old.cost != one.new.cost:
        return words.dollars(one.old.cost), words.dollars(one.new.cost)
    pairs = {
        words("tokens in"): (one.old.tokens_input, one.new.tokens_input),
        words("tokens out"): (one.old.tokens_output, one.new.tokens_output),
        words("requests"): (one.old.requests, one.new.requests),
    }
    for unit, (old, new) in pairs.items():
        if old != new:
            return (
                NOTHING if old is None else f"{words.whole(old)} {unit}",
                NOTHING if new is None else f"{words.whole(new)} {unit}",
            )
    return words("other units"), words("other units")
