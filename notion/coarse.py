"""What an answer by workspace or account alone does to a row of the same identity that a finer answer has written.

Such an answer may lack a figure for good: Anthropic's older reports count no requests. What it lacks stays as it was
read before, and the log says so; where it brings nothing else, the row stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

from notion.desired import compared
from notion.rows import COLUMNS, FIGURES, Values

LESS_FINE = "La réponse est moins fine."


def lost_figures(new: Values, old: Values) -> tuple[str, ...]:
    """Figures of a row that a new answer does not have."""
    return tuple(name for name in FIGURES if getattr(new, name) is None and getattr(old, name) is not None)


def says_no_more(new: Values, old: Values) -> bool:
    """Whether a coarse answer lacks figures of the row, and has none that is new."""
    news = [name for name in FIGURES if getattr(new, name) is not None and getattr(old, name) is None]
    same = all(compared(new, old, name) == 0 for name in FIGURES)
    return bool(lost_figures(new, old)) and same and not news


def with_lost_figures(new: Values, old: Values) -> Values:
    """The values of a coarse answer, with those figures of the row that it lacks."""
    lost = lost_figures(new, old)
    if not lost:
        return new
    columns = ", ".join(COLUMNS[name] for name in lost)
    log = f"{new.log} Repris d’une lecture plus ancienne et plus fine : {columns}.".strip()
    return replace(new, log=log, **{name: getattr(old, name) for name in lost})
