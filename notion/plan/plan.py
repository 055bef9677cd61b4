"""What has to be written for a month, decided before anything is: create, update, trash, keep.

Pure: outcomes and the rows that stand in Notion go in, a plan comes out. The rules are those of the design:

1. A row's identity is month, service and key; the workspace separates only keys that are ours. Never the title.
2. A source changes only rows that it owns (see `notion.plan.ownership`), and of those only what this program wrote
   (`notion.plan.authorship`).
3. A failed attempt changes the source's own row alone.
4. A row read later than these figures is left alone, and so is a fuller row when the answer is poorer.
5. A row that has vanished from a complete answer is set to 0; from an empty one only where emptiness is proven.
6. Several rows of one identity: the oldest stays, with the figures read last; the others go to the trash.
7. Rows of another grain go to the trash where the new ones say as much. Coarse rows never stand beside finer ones.
8. A month that is over loses figures only with proof (`notion.plan.loss`).
9. What the plan leaves for a source is what the source told, or nothing of it is written (`notion.plan.audit`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from notion.plan.audit import discrepancy
from notion.plan.authorship import SOMEBODYS, Authors, LeftAlone, authors_of, sort_by_author
from notion.plan.matching import is_of_service
from notion.plan.ownership import Identity, Peers, identity
from notion.plan.planner import SourcePlanner
from notion.plan.steps import Action, Claims, Context, Step
from notion.rows.values import Existing, has_figures
from usage.grain import COLLECTION, canonical_workspace
from usage.names import ProviderName, Status
from usage.outcomes.outcome import SourceOutcome

__all__ = ["Action", "Context", "Plan", "Step", "make_plan"]

OUT_OF_REACH: Final = "D’une organisation qu’aucune clé ne voit : reste comme elle est."


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a month, and the outcomes with what only the comparison with Notion could tell."""

    steps: tuple[Step, ...]
    outcomes: tuple[SourceOutcome, ...]
    seen: frozenset[str] = frozenset()
    """Page ids of all rows that it was made against."""

    def of(self, action: Action) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.action is action)


def make_plan(outcomes: Sequence[SourceOutcome], existing: Sequence[Existing], context: Context) -> Plan:
    """Decide every write of one month. The order of the outcomes makes no difference."""
    authors = authors_of(existing, context.me)
    changeable, left = sort_by_author(existing, authors)
    steps: list[Step] = []
    final: list[SourceOutcome] = []
    for provider in sorted({outcome.source.provider for outcome in outcomes}):
        service = context.services[provider]
        part = _ProviderPlan(
            provider,
            [outcome for outcome in outcomes if outcome.source.provider is provider],
            [row for row in changeable if is_of_service(row, service, provider)],
            [one for one in left if is_of_service(one.row, service, provider)],
            context,
            authors=authors,
        )
        part.make()
        steps += part.steps
        final += part.outcomes
    seen = frozenset(row.page_id for row in existing)
    return Plan(tuple(steps), tuple(sorted(final, key=_order)), seen)


class _ProviderPlan:
    """The part of a plan that concerns one provider."""

    def __init__(
        self,
        provider: ProviderName,
        outcomes: Sequence[SourceOutcome],
        rows: Sequence[Existing],
        left: Sequence[LeftAlone],
        context: Context,
        *,
        authors: Authors,
    ) -> None:
        # What was read comes first: a failed attempt must not take the own row of an organisation under its old label.
        self._outcomes = sorted(outcomes, key=lambda one: (one.failed, _order(one)))
        self._rows, self._left, self._context, self._authors = rows, left, context, authors
        self._labels = context.labels[provider]
        self.steps: list[Step] = []
        self.outcomes: list[SourceOutcome] = []

    def make(self) -> None:
        planners = list(self._planners())
        if not planners:
            return
        for row in self._unreached(planners):
            self._teller(planners, row).keep(row, OUT_OF_REACH)
        for planner in planners:
            count = sum(step.why == OUT_OF_REACH for step in planner.steps)
            if count:
                planner.note(f"{count} lignes d’une organisation que cette clé ne voit pas restent comme elles sont.")
            planner.plan_own_row()
        for one in self._left:
            planners[0].keep(one.row, one.why)
        for planner in planners:
            self.steps += planner.steps
            self.outcomes.append(planner.outcome)

    def _planners(self) -> Iterator[SourcePlanner]:
        """Each source's planner, its rows planned."""
        strangers = [one.row for one in self._left if one.why == SOMEBODYS]
        pages: set[str | None] = set()
        identities: set[Identity] = set()
        for outcome in self._outcomes:
            claims = Claims(frozenset(pages), frozenset(identities))
            peers = self._peers(outcome)
            planner = SourcePlanner(
                outcome, self._rows, strangers, self._context, authors=self._authors, peers=peers, claims=claims
            )
            planner.plan_rows()
            wrong = discrepancy(planner.outcome, planner.steps, planner.set_aside)
            if wrong:
                self.outcomes.append(_broken(outcome, wrong))
                continue
            pages |= {step.page_id for step in planner.steps} | {row.page_id for row in planner.owns.own_rows}
            identities |= {identity(step.values) for step in planner.steps if step.action is not Action.TRASH}
            yield planner

    def _peers(self, outcome: SourceOutcome) -> Peers:
        read = [one for one in self._outcomes if not one.failed and one is not outcome]
        same = [one for one in read if _are_one(one, outcome)]
        ids = frozenset(an_id for one in read for _, an_id in one.known)
        return Peers(self._labels, _labels(read), _labels(same), ids)

    def _unreached(self, planners: Sequence[SourcePlanner]) -> list[Existing]:
        """Rows with figures that belong to no source, where all accounts were read."""
        read = _labels([planner.outcome for planner in planners if not planner.outcome.failed])
        if not {canonical_workspace(label) for label in self._labels} <= read:
            return []
        told = {step.page_id for planner in planners for step in planner.steps}
        return [
            row
            for row in self._rows
            if row.page_id not in told and row.values.key not in ("", COLLECTION) and has_figures(row)
        ]

    def _teller(self, planners: Sequence[SourcePlanner], row: Existing) -> SourcePlanner:
        """The source whose label a row bears, else the first."""
        label = canonical_workspace(row.values.workspace)
        found = (one for one in planners if canonical_workspace(one.outcome.label) == label)
        return next(found, planners[0])


def _broken(outcome: SourceOutcome, wrong: str) -> SourceOutcome:
    """A source whose plan is not what it told: nothing of it is written, and the run is red."""
    changes = {"failed": True, "status": Status.ECHEC, "rerun": True, "reason": wrong, "log": f"Échec : {wrong}"}
    return outcome.model_copy(update=changes)


def _are_one(one: SourceOutcome, other: SourceOutcome) -> bool:
    """Whether two sources are keys of one organisation."""
    if one.organisation is not None and other.organisation is not None:
        return one.organisation == other.organisation
    return bool(set(one.known) & set(other.known))


def _labels(outcomes: Sequence[SourceOutcome]) -> frozenset[str]:
    return frozenset(canonical_workspace(outcome.label) for outcome in outcomes)


def _order(outcome: SourceOutcome) -> tuple[ProviderName, str]:
    return outcome.source.provider, outcome.source.account
