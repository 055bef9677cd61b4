"""A plan that is not what the source told is found before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from notion.plan.desired import wanted_rows
from notion.plan.plan import discrepancy
from notion.plan.reasons import read_later
from notion.plan.steps import Action, Step
from tests.notion.tables import Made, Table
from usage.grain import COLLECTION
from usage.language.sentence import SILENCE
from usage.names import ProviderName, Status

Steps = list[Step]


def cheaper(steps: Steps) -> Steps:
    return [replace(steps[0], values=replace(steps[0].values, cost=1)), *steps[1:]]


def twice(steps: Steps) -> Steps:
    return [*steps, steps[0]]


def without_one(steps: Steps) -> Steps:
    return steps[1:]


def one_more(steps: Steps) -> Steps:
    return [*steps, replace(steps[0], values=replace(steps[0].values, key="p9"))]


def to_the_trash(steps: Steps) -> Steps:
    return [replace(steps[0], action=Action.TRASH), *steps[1:]]


@pytest.mark.parametrize("spoil", [cheaper, twice, without_one, one_more, to_the_trash])
def test_a_plan_that_is_not_what_was_read(made: Made, table: Table, spoil: Callable[[Steps], Steps]) -> None:
    outcome = made.outcome(made.row("p1", 5), made.row("p2", 7))
    steps = [step for step in table.plan(outcome).steps if step.values.key != COLLECTION]
    assert discrepancy(outcome, steps, []) == SILENCE
    assert "Erreur du programme" in discrepancy(outcome, spoil(steps), []).fr


def test_what_is_left_alone_for_a_reason_is_not_held_against_it(made: Made, table: Table) -> None:
    outcome = made.outcome(made.row("p1", 5), made.row("p2", 7))
    steps = [step for step in table.plan(outcome).steps if step.values.key != COLLECTION]
    kept = replace(steps[0], action=Action.KEEP, values=replace(steps[0].values, cost=3), why=read_later())
    assert discrepancy(outcome, [kept, steps[1]], [steps[0].values]) == SILENCE


def test_of_a_source_whose_plan_is_wrong_nothing_is_written(
    made: Made, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other sources are."""
    right = wanted_rows

    def loses_one(outcome: Any, *arguments: Any, **more: Any) -> Any:
        rows = list(right(outcome, *arguments, **more))
        return rows[1:] if outcome.source.provider is ProviderName.OPENAI else rows

    monkeypatch.setattr("notion.plan.plan.wanted_rows", loses_one)
    wrong, well = (
        made.outcome(made.row("p1", 5), made.row("p2", 7)),
        made.outcome(made.row("k1"), provider=ProviderName.ANTHROPIC),
    )
    plan = table.collect(wrong, well)
    assert table.keys() == [COLLECTION, "k1"]
    told = {outcome.source.provider: outcome for outcome in plan.outcomes}
    assert (told[ProviderName.OPENAI].status, told[ProviderName.OPENAI].rerun) == (Status.ECHEC, True)
    assert "Rien n’est écrit pour cette source" in told[ProviderName.OPENAI].reason.fr
    assert told[ProviderName.ANTHROPIC].status is Status.SUCCES
