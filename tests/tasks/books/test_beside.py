"""A month beside the one before: from the plan, within what Notion may be asked, and never at the cost of a result."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from pathlib import Path

import pytest

from notion.plan.steps import Plan
from notion.rows.values import Existing
from notion.workspace import Workspace
from reports.comparison import compare
from sandbox.faults import Fault, Kind
from tasks.books.beside import planned_ledger, tell_beside, tell_ledger
from tasks.books.gather import gather_kept
from tests.tasks.books.office import FEBRUARY, JANUARY, Books, told
from usage.grain import COLLECTION
from usage.money import dollars
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.told import Told
from usage.settings import Settings


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with Books.open(tmp_path) as books:
        yield books


def tell_planned(settings: Settings, workspace: Workspace, month: Month, plan: Plan, writes: int) -> Told | None:
    ledger = planned_ledger(settings, workspace, month, plan, writes=writes)
    return None if ledger is None else tell_ledger(settings, ledger, month)


def publish(books: Books, month: Month, *, write: bool = True) -> tuple[Told | None, int, Plan]:
    """Collect a month and tell it: what is told, requests to Notion, the plan."""
    settings = books.settings()
    outcomes = books.outcomes(month)
    with books.workspace(settings) as workspace:
        plan = workspace.plan(month, outcomes)
        done = workspace.publish(plan, unfiltered=True) if write else workspace.preview(plan)
        writes = done.counts.created + done.counts.updated + done.counts.trashed if write else 0
        beside = tell_planned(settings, workspace, month, plan, writes)
        return beside, workspace.requests, plan


def test_a_plan_tells_what_notion_then_tells(books: Books) -> None:
    books.collect(JANUARY)
    planned, requests, plan = publish(books, FEBRUARY)
    settings = books.settings()
    with books.workspace(settings) as workspace:
        assert planned == tell_beside(settings, workspace, FEBRUARY, {})
    assert planned is not None
    assert planned.compares
    cost = books.ledger(FEBRUARY).months[0].cost
    assert cost is not None
    assert planned.total_usd == dollars(cost)
    assert requests <= len(plan.steps) + ceil(len(books.rows(FEBRUARY)) / 100) + 8


def test_a_dry_run_tells_the_same(books: Books) -> None:
    books.collect(JANUARY)
    before = books.rows(FEBRUARY)
    rehearsed, _, _ = publish(books, FEBRUARY, write=False)
    assert books.rows(FEBRUARY) == before == []
    assert rehearsed == publish(books, FEBRUARY)[0]
    again, requests, _ = publish(books, FEBRUARY)
    assert again == rehearsed
    assert requests <= 7 + ceil(len(books.rows(FEBRUARY)) / 100) + 8


def own_rows(workspace: Workspace) -> list[Existing]:
    return [row for row in workspace.rows(JANUARY) if row.values.key == COLLECTION]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_large_month_takes_no_more_requests_than_there_are(books: Books, left: int) -> None:
    """So many requests are left, and the month has more rows than they bring."""
    books.collect(JANUARY)
    whole = publish(books, FEBRUARY)[0]
    settings = books.settings()
    with books.workspace(settings) as workspace:
        plan = workspace.plan(FEBRUARY, books.outcomes(FEBRUARY))
        many = replace(plan, rows=_with_more(plan, 250))
        used = workspace.requests
        # 7 writes of the sources' own rows, 8 and 3 for 250 rows are what such a month may take.
        for _ in range(7 + 8 + 3 - left - used):
            workspace.rows_at_most(FEBRUARY, 1)
        assert workspace.requests == 7 + 8 + 3 - left
        beside = tell_planned(settings, workspace, FEBRUARY, many, 7)
        assert workspace.requests == 7 + 8 + 3 - left
    # The archive and the sources' own rows say the same, but for the names of what is gone.
    assert beside is not None
    assert whole is not None
    assert (beside.total_usd, beside.before_usd, beside.now_usd) == (whole.total_usd, whole.before_usd, whole.now_usd)
    assert [m.change_usd for m in beside.movers] == [m.change_usd for m in whole.movers]


def test_a_month_before_that_is_larger_than_thought_is_told_from_the_archive(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.collect(JANUARY)
    whole = publish(books, FEBRUARY)[0]
    monkeypatch.setattr(Workspace, "rows_at_most", lambda *_: None)
    again = publish(books, FEBRUARY)[0]
    assert whole is not None
    assert again is not None
    assert (again.before_usd, again.change_usd) == (whole.before_usd, whole.change_usd)


def _with_more(plan: Plan, number: int) -> tuple[Existing, ...]:
    """The plan's rows, and others without a figure: so many in all, the sources' own ones aside."""
    row = plan.rows[0]
    empty = replace(row.values, key="x", title="?", service=None, cost=None, breakdown="")
    more = [replace(row, page_id=f"more-{index}", values=empty) for index in range(number - len(plan.rows) + 7)]
    return (*plan.rows, *more)


@pytest.mark.parametrize("provider", ProviderName)
def test_the_archive_and_own_rows_make_the_month_that_notion_shows(books: Books, provider: ProviderName) -> None:
    books.collect(JANUARY, provider)
    settings = books.settings()
    with books.workspace(settings) as workspace:
        kept = gather_kept(settings, workspace, JANUARY, own_rows(workspace))
    (month,) = books.ledger(JANUARY).months
    assert told(kept) == told(month)
    assert {row.thing for row in kept.rows} == {row.thing for row in month.rows}
    assert {(one.account, one.proof) for one in kept.sources} == {(one.account, one.proof) for one in month.sources}


def test_what_the_archive_lacks_counts_as_not_read(books: Books) -> None:
    books.more = {"LLM_USAGE_ARCHIVE": "off"}
    books.collect(JANUARY, ProviderName.ELEVENLABS)
    books.more = {}
    books.collect(JANUARY, ProviderName.OPENROUTER)
    settings = books.settings()
    with books.workspace(settings) as workspace:
        kept = gather_kept(settings, workspace, JANUARY, own_rows(workspace))
    assert {row.provider for row in kept.rows} == {ProviderName.OPENROUTER}
    books.collect(FEBRUARY)
    ledger = books.ledger(FEBRUARY)
    comparison = compare(replace(ledger, months=(kept, *ledger.months)), FEBRUARY)
    assert ProviderName.ELEVENLABS in comparison.unread
    assert ProviderName.OPENROUTER not in comparison.unread


def test_notion_out_of_reach_costs_the_comparison_alone(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    books.collect(JANUARY)
    settings = books.settings()
    with books.workspace(settings) as workspace:
        plan = workspace.plan(FEBRUARY, books.outcomes(FEBRUARY))
        books.sandbox.faults.add(Fault(api="notion", kind=Kind.STATUS, status=401, times=-1))
        with caplog.at_level(logging.WARNING):
            assert tell_planned(settings, workspace, FEBRUARY, plan, 0) is None
    assert "not compared with the one before" in caplog.text


def test_a_mistake_of_ours_costs_the_comparison_alone(
    books: Books, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.collect(JANUARY, ProviderName.DEEPGRAM)

    def mistaken(self: Workspace, month: Month) -> Sequence[object]:
        raise ZeroDivisionError("sk-secret")

    monkeypatch.setattr(Workspace, "rows", mistaken)
    settings = books.settings()
    with books.workspace(settings) as workspace, caplog.at_level(logging.WARNING):
        assert tell_beside(settings, workspace, JANUARY, {}) is None
    assert "(ZeroDivisionError)" in caplog.messages[0]
    assert "secret" not in caplog.messages[0]


def test_a_month_later_the_same_figures_are_compared_whole(books: Books) -> None:
    books.collect(JANUARY)
    books.clock.now += timedelta(days=40)
    books.collect(JANUARY)
    beside, _, _ = publish(books, FEBRUARY)
    assert beside is not None
    assert beside.until is None
