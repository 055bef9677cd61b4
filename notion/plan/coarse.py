"""Rows of another grain than the answer's.

An answer by workspace or account alone may lack a figure for good that a finer one has written into a row of the same
identity: Anthropic's older reports count no requests. What it lacks stays as it was read before, and the log says so;
where it brings nothing else, the row stays as it is.

Where the rows of the new grain take the place of all others, one that people wrote on stays without its figures.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from notion.plan.desired import compared
from notion.rows.values import COLUMNS, FIGURES, Values, to_minute

LESS_FINE = "La réponse est moins fine."
REPLACED = "Remplacée par des lignes d’un autre grain."
EMPTIED = f"{REPLACED} Reste sans chiffres pour ce que vous y avez écrit."


def lost_figures(new: Values, old: Values) -> tuple[str, ...]:
    """Figures of a row that a new answer does not have."""
    return tuple(name for name in FIGURES if getattr(new, name) is None and getattr(old, name) is not None)


def says_no_more(new: Values, old: Values) -> bool:
    """Whether a coarse answer lacks figures of the row, and has none that is new."""
    news = [name for name in FIGURES if getattr(new, name) is not None and getattr(old, name) is None]
    same = all(compared(new, old, name) == 0 for name in FIGURES)
    return bool(lost_figures(new, old)) and same and not news


def emptied(old: Values, at: datetime) -> Values:
    """A row whose figures are told by rows of another grain now: nothing in it counts a second time.

    Empty rather than 0, and without a status: whatever is read by this grain again says more.
    """
    return replace(
        old,
        tokens_input=None,
        tokens_output=None,
        cost=None,
        requests=None,
        models="",
        breakdown="",
        status=None,
        log=EMPTIED,
        collected_at=to_minute(at),
    )


def with_lost_figures(new: Values, old: Values) -> Values:
    """The values of a coarse answer, with those figures of the row that it lacks."""
    lost = lost_figures(new, old)
    if not lost:
        return new
    columns = ", ".join(COLUMNS[name] for name in lost)
    log = f"{new.log} Repris d’une lecture plus ancienne et plus fine : {columns}.".strip()
    return replace(new, log=log, **{name: getattr(old, name) for name in lost})
