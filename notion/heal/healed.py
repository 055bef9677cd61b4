"""What a healing does, and what it leaves to a person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from notion.plan.steps import Step
from notion.rows.values import Existing

COMPLETED: Final = "Complétée : d’autres lignes disent son identifiant ou son espace de travail."
LINKED: Final = "Reliée à son service, que dit son titre."
ADOPTED: Final = "Reprise d’une autre main, sans changement : la collecte la tiendra à jour."


@dataclass(frozen=True, slots=True)
class Left:
    """A row that only a person can make one with another.

    `kept` is that other one, where there is one in this month; `why` is a French sentence; `columns` are those that
    can't be united: none where nobody knows whether the rows are one thing at all.
    """

    month: str
    kept: Existing | None
    other: Existing
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Healing:
    """What has to be done.

    `completions` are written before `others`: a double that goes may be the one that tells the id of another row.
    `rows` are those that it was decided from.
    """

    completions: tuple[Step, ...]
    others: tuple[Step, ...]
    left: tuple[Left, ...]
    rows: tuple[Existing, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, by month and title."""
        steps = (*self.completions, *self.others)
        return tuple(sorted(steps, key=lambda step: (step.values.month, step.values.title)))

    @property
    def merged(self) -> int:
        """How many rows stand for their doubles."""
        return len({step.into for step in self.steps if step.into})

    @property
    def completed(self) -> int:
        """How many rows have got their id or workspace, and had no doubles."""
        return sum(step.why == COMPLETED for step in self.steps)

    @property
    def linked(self) -> int:
        """How many rows have got their service alone."""
        return sum(step.why == LINKED for step in self.steps)

    @property
    def adopted(self) -> int:
        """How many rows of others were taken over as they are."""
        return sum(step.why == ADOPTED for step in self.steps)

    def without(self, pages: Collection[str | None]) -> Healing:
        """The same without the steps of some rows: what was done where these had to wait."""
        completions, others = (
            tuple(step for step in part if step.page_id not in pages) for part in (self.completions, self.others)
        )
        return replace(self, completions=completions, others=others)
