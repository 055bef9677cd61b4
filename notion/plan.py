"""What has to be written for a month, decided before anything is: create, update, trash, keep.

Pure: outcomes and the rows that stand in Notion go in, a plan comes out. The rules are those of the design:

1. A row's identity is month, service and key; the workspace separates only keys that are ours. Never the title.
2. A source changes only rows that it owns: those with its ids, or whose workspace is its account or in its registry.
3. A failed attempt changes the source's own row alone.
4. A row read later than these figures is left alone, and so is a fuller row when the answer is poorer.
5. A row that has vanished from a complete answer is set to 0; from an empty one only where emptiness is proven.
6. Several rows of one identity: the oldest stays, with the figures read last; the others go to the trash.
7. Rows of another grain go to the trash where the new ones say as much. Coarse rows never stand beside finer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notion.matching import is_of_service
from notion.ownership import identity
from notion.planner import SourcePlanner
from notion.rows import Existing
from notion.steps import Action, Claims, Context, Step
from usage.outcome import SourceOutcome

__all__ = ["Action", "Context", "Plan", "Step", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a month, and the outcomes with what only the comparison with Notion could tell."""

    steps: tuple[Step, ...]
    outcomes: tuple[SourceOutcome, ...]

    def of(self, action: Action) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.action is action)


def make_plan(outcomes: Sequence[SourceOutcome], existing: Sequence[Existing], context: Context) -> Plan:
    """Decide every write of one month. The order of the outcomes makes no difference."""
    steps: list[Step] = []
    final: list[SourceOutcome] = []
    for outcome in sorted(outcomes, key=lambda one: (one.source.provider, one.source.account)):
        provider = outcome.source.provider
        before = [step for step in steps if step.source.provider is provider]
        claims = Claims(
            frozenset(step.page_id for step in before),
            frozenset(identity(step.values) for step in before if step.action is not Action.TRASH),
        )
        rows = [row for row in existing if is_of_service(row, context.services[provider], provider)]
        planner = SourcePlanner(outcome, rows, context, claims)
        planner.plan()
        steps += planner.steps
        final.append(planner.outcome)
    return Plan(tuple(steps), tuple(final))
