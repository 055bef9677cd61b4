"""Answers by workspace or account only, over rows of the same identity that a finer answer has written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from notion.plan.steps import Action
from tests.notion.tables import Made, Table
from usage.names import Grain, ProviderName, Status
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.rows import Totals, UsageRow

ANTHROPIC = ProviderName.ANTHROPIC
WHILE_RUNNING = datetime(2026, 1, 15, 8, tzinfo=UTC)
LATER = datetime(2026, 2, 6, 8, tzinfo=UTC)
LATEST = datetime(2026, 2, 7, 8, tzinfo=UTC)
KEPT = "Repris d’une lecture plus ancienne et plus fine : Requetes."


@pytest.fixture
def by_workspace(made: Made) -> Any:
    """The one workspace of the account under `ANTHROPIC_GRAIN=project`; the older reports count no requests."""

    def outcome(cost: str, requests: int | None = None, **more: Any) -> SourceOutcome:
        coarse = requests is None
        figures = Totals(cost=Decimal(cost), tokens_input=10, tokens_output=5, requests=requests)
        row: UsageRow = made.row("wrkspc_1", cost, workspace="wrkspc_1", totals=figures)
        row = row.model_copy(
            update={"breakdown": tuple(one.model_copy(update={"requests": requests}) for one in row.breakdown)}
        )
        rule = made.in_grain(ANTHROPIC, Grain.PROJECT, coarse=coarse)
        made_of: SourceOutcome = made.outcome(row, provider=ANTHROPIC, coarse=coarse, rule=rule, **more)
        return made_of

    return outcome


def test_the_same_figures_change_nothing(table: Table, by_workspace: Any) -> None:
    table.collect(by_workspace("1.5", 7))
    before = table.values("wrkspc_1")
    plan = table.collect(by_workspace("1.5", attempted_at=LATER))
    assert table.values("wrkspc_1") == before
    assert (before.requests, [step.why.fr for step in plan.of(Action.KEEP)]) == (7, ["La réponse est moins fine."])


@pytest.mark.parametrize("read_at", [WHILE_RUNNING, datetime(2026, 2, 5, 8, tzinfo=UTC)], ids=["running", "closed"])
def test_new_money_is_taken_and_what_is_not_offered_stays(table: Table, by_workspace: Any, read_at: datetime) -> None:
    """A figure of half a month is not frozen because its source counts no requests any more."""
    table.collect(by_workspace("1.5", 7, attempted_at=read_at))
    table.collect(by_workspace("2.5", attempted_at=LATER))
    row = table.values("wrkspc_1")
    assert (row.cost, row.requests) == (2.5, 7)
    assert KEPT in row.log
    assert ("Corrigé : 1,50 → 2,50 USD" in row.log) is (read_at > WHILE_RUNNING)
    # The same once more writes nothing, and a finer answer makes it whole again.
    table.collect(by_workspace("2.5", attempted_at=LATEST))
    assert table.values("wrkspc_1") == row
    table.collect(by_workspace("2.5", 9, attempted_at=LATEST))
    assert (table.values("wrkspc_1").requests, KEPT in table.values("wrkspc_1").log) == (9, False)


def test_it_is_told_once(table: Table, by_workspace: Any) -> None:
    table.collect(by_workspace("1.5", 7, attempted_at=WHILE_RUNNING))
    for cost, at in (("2.5", LATER), ("3.5", LATEST)):
        table.collect(by_workspace(cost, attempted_at=at))
    assert table.values("wrkspc_1").log.count(KEPT) == 1
    assert table.values("wrkspc_1").requests == 7


def test_nothing_is_made_up_where_nobody_has_counted(table: Table, by_workspace: Any) -> None:
    for cost, at in (("1.5", LATER), ("2.5", LATEST)):
        table.collect(by_workspace(cost, attempted_at=at))
    row = table.values("wrkspc_1")
    assert (row.cost, row.requests, KEPT in row.log) == (2.5, None, False)


def test_a_finer_answer_still_takes_figures_back(made: Made, table: Table, by_workspace: Any) -> None:
    """Of a provider that does not offer a figure, the 0 of an older collector goes."""
    table.collect(by_workspace("1.5", 7))
    row = made.row("wrkspc_1", "1.5", workspace="wrkspc_1", totals=Totals(cost=Decimal("1.5")))
    rule = made.in_grain(ANTHROPIC, Grain.PROJECT)
    table.collect(made.outcome(row, provider=ANTHROPIC, rule=rule, attempted_at=LATER, status=Status.SUCCES))
    assert table.values("wrkspc_1").requests is None
