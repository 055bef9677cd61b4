"""Where Notion's figures differ from an answer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.plan.differences import RowDifference, find_differences
from notion.plan.steps import Context
from notion.rows.values import COLUMNS
from tests.notion.tables import Made, Table
from usage.grain import NO_PROJECT
from usage.names import Grain, Kind, ProviderName
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.report import Thing
from usage.outcomes.rows import Totals, UsageRow

ANTHROPIC, OPENAI = ProviderName.ANTHROPIC, ProviderName.OPENAI
COSTS = st.none() | st.decimals(0, 10**9, allow_nan=False, places=18)
ANSWERS = st.dictionaries(st.sampled_from(["p1", "p2", "p3", NO_PROJECT]), COSTS, max_size=4)


def differences(table: Table, *outcomes: SourceOutcome, fields: Any = COLUMNS) -> list[RowDifference]:
    services = {provider: f"service-{provider.value}" for provider in ProviderName}
    context = Context(tuple(fields), services, table.labels)
    return list(find_differences(outcomes, list(table.rows.values()), context))


def told(found: list[RowDifference]) -> dict[str, tuple[Any, Any, tuple[str, ...]]]:
    """Costs in Notion and in the answer, and the figures that differ, by key."""
    return {one.row.key: (one.notion.cost, one.now.cost, one.figures) for one in found}


def of_cost(made: Made, key: str, cost: Any) -> UsageRow:
    """A row with a cost and nothing else."""
    return made.row(key, cost, totals=Totals(cost=cost))


@given(ANSWERS)
def test_what_was_just_written_does_not_differ(answer: dict[str, Decimal | None]) -> None:
    made, table = Made(), Table()
    outcome = made.outcome(*(of_cost(made, key, cost) for key, cost in answer.items()))
    table.collect(outcome)
    assert differences(table, outcome) == []


@given(ANSWERS, ANSWERS)
def test_each_row_whose_figure_is_another_one_and_no_other(
    old: dict[str, Decimal | None], new: dict[str, Decimal | None]
) -> None:
    made, table = Made(), Table()
    registry = tuple(Thing(kind=Kind.PROJECT, id=key) for key in ("p1", "p2", "p3"))
    first, second = (
        made.outcome(*(of_cost(made, key, cost) for key, cost in answer.items()), things=registry)
        for answer in (old, new)
    )
    table.collect(first)

    def shown(answer: dict[str, Decimal | None], key: str) -> float | None:
        return None if answer.get(key) is None else float(answer[key] or 0)

    expected = {
        key
        for key in old.keys() | new.keys()
        # A row of 0 that an answer does not have says nothing else than the answer.
        if shown(old, key) != shown(new, key) and not (key not in new and shown(old, key) == 0)
    }
    assert told(differences(table, second)).keys() == expected


def test_both_figures_are_told(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("p1"), made.row("p2"), made.row("p3")))
    now = made.outcome(
        made.row("p1", "1.6"), made.row("p2"), made.row("p4"), things=(Thing(kind=Kind.PROJECT, id="p3"),)
    )
    everything = ("tokens_input", "tokens_output", "cost", "requests")
    assert told(differences(table, now)) == {
        "p1": (1.5, Decimal("1.6"), ("cost",)),
        "p4": (None, Decimal("1.5"), everything),
        "p3": (1.5, None, everything),
    }
    assert told(differences(table, now, fields=("requests",))).keys() == {"p4", "p3"}


def test_a_project_under_another_name_or_label_is_the_same(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("p1", name="Production"), made.row(NO_PROJECT, "2")))
    table.labels[OPENAI] = ("labo",)
    rows = [made.row(key, cost, name="Prod", workspace="labo") for key, cost in (("p1", "1.5"), (NO_PROJECT, "2"))]
    assert differences(table, made.outcome(*rows, account="labo")) == []


def test_accounts_that_were_not_read_are_left_out(made: Made, table: Table) -> None:
    table.labels[OPENAI] = ("a", "b")
    both = [made.outcome(made.row(f"p-{name}", workspace=name), account=name) for name in ("a", "b")]
    table.collect(*both)
    lower = made.outcome(made.row("p-a", "1", workspace="a"), account="a")
    assert told(differences(table, lower)).keys() == {"p-a"}
    failed = replace_failed(both[1])
    assert told(differences(table, lower, failed)).keys() == {"p-a"}


def replace_failed(outcome: SourceOutcome) -> SourceOutcome:
    return outcome.model_copy(update={"rows": (), "failed": True})


def test_other_services_are_left_out(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("k1", workspace="w1"), provider=ANTHROPIC))
    assert differences(table, made.outcome()) == []


def test_doubles_count_together(made: Made, table: Table) -> None:
    outcome = made.outcome(made.row("p1"))
    table.collect(outcome)
    table.put(table.values("p1"))
    (found,) = differences(table, outcome)
    assert (found.notion.cost, found.now.cost) == (3, Decimal("1.5"))


@pytest.mark.parametrize(("cost", "expected"), [("3", set[str]()), ("4", {"cost"})])
def test_a_whole_workspace_is_held_against_its_finer_rows(
    made: Made, table: Table, cost: str, expected: set[str]
) -> None:
    things = (Thing(kind=Kind.WORKSPACE, id="w1"),)
    fine = [made.row(key, workspace="w1") for key in ("apikey_1", "apikey_2")]
    table.collect(made.outcome(*fine, provider=ANTHROPIC, things=things))
    row = made.row("w1", cost, workspace="w1", totals=Totals(cost=Decimal(cost), tokens_input=20, tokens_output=10))
    rule = made.in_grain(ANTHROPIC, Grain.API_KEY, coarse=True)
    coarse = made.outcome(row, provider=ANTHROPIC, things=things, coarse=True, rule=rule)
    assert {name for one in differences(table, coarse) for name in one.figures} == expected


def test_a_figure_that_is_no_longer_told(made: Made, table: Table) -> None:
    table.collect(made.outcome(made.row("p1")))
    row = made.row("p1")
    silent = row.model_copy(update={"totals": row.totals.model_copy(update={"requests": None})})
    (found,) = differences(table, made.outcome(silent))
    assert found.figures == ("requests",)


def test_it_does_not_matter_that_a_plan_would_keep_the_row(made: Made, table: Table) -> None:
    row = table.put(key="p1", cost=9.0)
    table.rows[row.page_id] = replace(row, author="somebody", editor="somebody")
    assert told(differences(table, made.outcome(made.row("p1"))))["p1"][:2] == (9, Decimal("1.5"))
