"""The agency: its projects recur at all providers, its figures are believable, and it can be read a year back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest

from reports.comparison import compare
from sandbox.agency.columns import CLIENT, TEAM, add_columns, fill_columns
from sandbox.agency.projects import PROJECTS
from sandbox.everything import Sandbox
from tests.standins import StandIn
from tests.tasks.books.office import DECEMBER, FEBRUARY, JANUARY, NOW, Books, shown, told
from usage.month import Month
from usage.names import ProviderName

YEAR = tuple(Month(2025, 2).until(JANUARY))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Two months of the agency, with what people noted; tests only read."""
    with Books.open(tmp_path_factory.mktemp("agency"), believable=True) as books:
        store = books.sandbox.notion.store
        add_columns(store, "Usages LLM")
        for month in (DECEMBER, JANUARY):
            books.collect(month)
        fill_columns(store, "Usages LLM")
        yield books


def total(sandbox: Sandbox, month: Month) -> Decimal:
    providers: tuple[StandIn, ...] = sandbox.providers
    return sum((api.bill(one, str(month)).total or Decimal(0) for api in providers for one in api.accounts), Decimal(0))


def test_projects_recur_and_nothing_is_nobody_s(books: Books) -> None:
    (month,) = books.ledger(JANUARY).months
    assert {row.provider for row in month.rows} == set(ProviderName)
    assert {row.name for row in month.rows} == {one.name for one in PROJECTS}
    for one in PROJECTS:
        assert len({row.provider for row in month.rows if row.name == one.name}) >= 3
    assert all(row.cost and row.by_day for row in month.rows)


def test_notion_shows_what_the_providers_bill(books: Books) -> None:
    (month,) = books.ledger(JANUARY).months
    assert told(month) == shown(books.rows(JANUARY))
    assert month.cost is not None
    assert abs(month.cost - total(books.sandbox, JANUARY)) < Decimal("1e-6")


def test_people_have_noted_the_client_and_the_teams(books: Books) -> None:
    ledger = books.ledger(DECEMBER, JANUARY)
    assert ledger.own_columns() == (CLIENT, TEAM)
    by_name = {one.name: one for one in PROJECTS}
    for row in ledger.month(JANUARY).rows:
        assert row.values_of(CLIENT) == (by_name[row.name].client,)
        assert row.values_of(TEAM) == by_name[row.name].teams


def test_the_surprise_is_what_moved_most(books: Books) -> None:
    mover = compare(books.ledger(DECEMBER, JANUARY), JANUARY).movers[0]
    assert (mover.row.provider, mover.row.name) == (ProviderName.OPENAI, "Chatbot Mairie")
    assert mover.model.startswith("gpt-4o-2024")
    days = {r.day.day for r in mover.row.records if r.day is not None and r.model == mover.model}
    assert days == {17, 18, 19}


def test_a_year_can_be_read_and_no_two_months_are_the_same() -> None:
    sandbox = Sandbox(lambda: NOW, believable=True)
    costs = [total(sandbox, month) for month in YEAR]
    assert len(set(costs)) == len(YEAR)
    assert all(Decimal(500) < cost < Decimal(5000) for cost in costs)
    # It grows, but for the summer.
    assert costs[-1] > costs[0]
    assert all(abs(now - before) < before for before, now in pairwise(costs))


def test_the_running_month_ends_at_the_clock(books: Books) -> None:
    for api in books.sandbox.providers:
        for account in api.accounts:
            assert all(fact.at < NOW for fact in account.facts(str(FEBRUARY)))


def test_the_same_seed_is_the_same_world() -> None:
    def of(seed: int) -> Decimal:
        return total(Sandbox(lambda: NOW, seed=seed, believable=True), JANUARY)

    assert of(1) == of(1) != of(2)
