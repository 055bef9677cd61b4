"""The ledger tells what Notion shows, to the last digit, and by day where the archive has the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reports.comparison import compare
from reports.ledger import LedgerRow, OwnColumn
from sandbox.everything import Sandbox
from tests.tasks.books.office import DECEMBER, FEBRUARY, JANUARY, NOW, Books, shown, told
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.proof import MonthState


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Three months of all providers; tests only read."""
    with Sandbox(lambda: NOW) as sandbox:
        books = Books(sandbox, tmp_path_factory.mktemp("books"), {})
        books.set_up()
        for month in (DECEMBER, JANUARY, FEBRUARY):
            books.collect(month)
        yield books


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Both databases, and nothing in them yet."""
    with Sandbox(lambda: NOW) as sandbox:
        books = Books(sandbox, tmp_path, {})
        books.set_up()
        yield books


def only(rows: tuple[LedgerRow, ...], name: str) -> LedgerRow:
    (row,) = [row for row in rows if row.title.startswith(name)]
    return row


@pytest.mark.parametrize("month", [DECEMBER, JANUARY, FEBRUARY], ids=str)
def test_every_row_tells_what_notion_shows(collected: Books, month: Month) -> None:
    (one,) = collected.ledger(month).months
    assert told(one) == shown(collected.rows(one.month))
    assert {row.provider for row in one.rows} == set(ProviderName)


@pytest.mark.parametrize("provider", ProviderName)
def test_with_the_archive_rows_come_by_day(collected: Books, provider: ProviderName) -> None:
    for month in collected.ledger(DECEMBER, JANUARY, FEBRUARY).months:
        assert month.of(provider)
        assert [row.title for row in month.of(provider) if not row.by_day] == []
        assert all(r.day is not None and month.month.contains(r.day) for row in month.of(provider) for r in row.records)


@pytest.mark.parametrize("provider", ProviderName)
def test_without_an_archive_rows_come_from_their_breakdown(collected: Books, provider: ProviderName) -> None:
    by_day, bare = collected.ledger(JANUARY), collected.ledger(JANUARY, LLM_USAGE_ARCHIVE="off")
    assert told(bare.months[0]) == told(by_day.months[0])
    whole = {row.thing: row for row in by_day.months[0].of(provider)}
    for row in bare.months[0].of(provider):
        assert not row.by_day
        assert (row.name, row.account) == (whole[row.thing].name, whole[row.thing].account)
        # The breakdown has each model's cost with every digit.
        assert row.cost == whole[row.thing].cost
        assert {r.model for r in row.records} == {r.model for r in whole[row.thing].records}


@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_whatever_a_row_stands_for_it_comes_by_day(books: Books, grain: str) -> None:
    books.more = {f"{name.upper()}_GRAIN": grain for name in ProviderName}
    books.collect(JANUARY)
    (month,) = books.ledger(JANUARY).months
    assert told(month) == shown(books.rows(JANUARY))
    assert [row.title for row in month.rows if not row.by_day] == []


def test_accounts_are_told_apart(collected: Books) -> None:
    (month,) = collected.ledger(JANUARY).months
    assert {row.account for row in month.of(ProviderName.OPENAI)} == {"memoways", "labo"}
    assert {row.account for row in month.of(ProviderName.DEEPGRAM)} == {"prod", "labs"}
    assert {row.account for row in month.of(ProviderName.ANTHROPIC)} == {""}
    assert {(one.provider, one.account) for one in month.sources} == {(row.provider, row.account) for row in month.rows}
    assert len({row.thing for row in month.rows}) == len(month.rows)


def test_months_know_how_far_they_have_come(collected: Books) -> None:
    ledger = collected.ledger(JANUARY, FEBRUARY)
    assert [month.state(ledger.now) for month in ledger.months] == [MonthState.CLOSED, MonthState.OPEN]
    assert all(one.proof is not None and one.proof.read_at is not None for one in ledger.months[0].sources)
    assert ledger.month(DECEMBER).is_collected is False


def test_a_running_month_is_compared_with_the_same_days(collected: Books) -> None:
    ledger = collected.ledger(JANUARY, FEBRUARY)
    comparison = compare(ledger, FEBRUARY)
    assert comparison.until is not None
    assert comparison.until < NOW.date()
    assert (comparison.left_out, comparison.unread, comparison.unknown) == ((), (), ())
    january = [r for row in ledger.months[0].rows for r in row.records]
    same_days = exact_sum(r.cost for r in january if r.day is not None and r.day.day <= comparison.until.day)
    assert comparison.cost is not None
    assert comparison.cost.before == same_days


def test_a_workspace_that_can_only_be_read_whole_moves_as_one(collected: Books) -> None:
    # Anthropic tells keys from 2026 on.
    comparison = compare(collected.ledger(DECEMBER, JANUARY), JANUARY)
    moved = {mover.row.name: mover.cost for mover in comparison.movers if mover.row.provider is ProviderName.ANTHROPIC}
    assert "Production" in moved
    assert all(cost.before is not None and cost.now is not None for cost in moved.values())


def test_a_row_that_a_person_has_edited_is_told_as_it_stands(books: Books) -> None:
    books.collect(JANUARY, ProviderName.DEEPGRAM)
    row = books.rows(JANUARY)[0]
    books.sandbox.notion.store.edit(row, {"Cout USD": 12.5, "Tokens Input": None})
    (month,) = books.ledger(JANUARY).months
    assert told(month) == shown(books.rows(JANUARY))
    (edited,) = [one for one in month.rows if not one.by_day]
    assert edited.cost == Decimal("12.5")
    assert [(r.model, r.item) for r in edited.records] == [(None, None)]


def test_an_empty_cost_is_no_zero(books: Books) -> None:
    books.collect(JANUARY, ProviderName.DEEPGRAM)
    for row in books.rows(JANUARY):
        books.sandbox.notion.store.edit(row, {"Cout USD": None, "Breakdown JSON": None})
    (month,) = books.ledger(JANUARY).months
    assert {row.cost for row in month.rows} == {None}
    assert month.cost is None


@pytest.mark.parametrize(
    "breakdown", ["[]", "{", '[{"model":"x","cost":"?"}]', "[1]", '{"model":"x"}', "[[1]]", "null"]
)
def test_a_breakdown_that_says_something_else_is_left_aside(books: Books, breakdown: str) -> None:
    books.collect(JANUARY, ProviderName.ELEVENLABS)
    for row in books.rows(JANUARY):
        books.sandbox.notion.store.edit(row, {"Breakdown JSON": breakdown})
    (month,) = books.ledger(JANUARY, LLM_USAGE_ARCHIVE="off").months
    assert told(month) == shown(books.rows(JANUARY))


def test_a_folded_breakdown_keeps_the_sums(books: Books) -> None:
    books.collect(JANUARY, ProviderName.ELEVENLABS)
    row = books.rows(JANUARY)[0]
    folded = (
        '[{"model":"eleven_v3","cost":10.00},{"item":"(autres)","count":7,"cost":0.123456789012345678,"requests":4}]'
    )
    edits = {"Cout USD": float("10.123456789012345678"), "Requetes": 4, "Tokens Input": None, "Tokens Output": None}
    books.sandbox.notion.store.edit(row, {**edits, "Breakdown JSON": folded})
    (month,) = books.ledger(JANUARY).months
    (read,) = [one for one in month.rows if not one.by_day]
    assert read.cost == Decimal("10.123456789012345678")
    assert [(r.model, r.item) for r in read.records] == [("eleven_v3", None), (None, "(autres)")]


def test_what_was_read_later_without_being_written_is_not_told(books: Books) -> None:
    books.collect(FEBRUARY, ProviderName.OPENROUTER)
    before = told(books.ledger(FEBRUARY).months[0])
    books.now += timedelta(days=3)
    books.sandbox.openrouter.now = lambda: books.now
    for account in books.sandbox.openrouter.accounts:
        del account.facts("2026-02")[::2]
    books.collect(FEBRUARY, ProviderName.OPENROUTER, dry_run=True)
    (month,) = books.ledger(FEBRUARY).months
    assert told(month) == before == shown(books.rows(FEBRUARY))
    # The reading that Notion shows lies in the archive behind a later one.
    assert [row.title for row in month.rows if not row.by_day] == []


def test_an_archive_that_lacks_the_reading_costs_only_the_days(books: Books) -> None:
    books.more = {"LLM_USAGE_ARCHIVE": "off"}
    books.collect(JANUARY, ProviderName.OPENROUTER)
    books.more = {}
    (month,) = books.ledger(JANUARY).months
    assert told(month) == shown(books.rows(JANUARY))
    assert not any(row.by_day for row in month.rows)


def test_a_damaged_archive_is_said_and_costs_only_the_days_of_its_source(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    books.collect(JANUARY, ProviderName.DEEPGRAM)
    for path in (books.folder / "archive" / "records" / "2026-01" / "deepgram" / "labs").rglob("*.parquet"):
        path.write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING):
        (month,) = books.ledger(JANUARY).months
    assert told(month) == shown(books.rows(JANUARY))
    assert {row.account for row in month.rows if row.by_day} == {"prod"}
    assert "labs comes without days in 2026-01" in caplog.text


def test_an_archive_that_is_no_folder_is_said(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    books.more = {"LLM_USAGE_ARCHIVE": "off"}
    books.collect(JANUARY, ProviderName.ELEVENLABS)
    (books.folder / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        (month,) = books.ledger(JANUARY, LLM_USAGE_ARCHIVE=str(books.folder / "file")).months
    assert told(month) == shown(books.rows(JANUARY))
    assert "without days" in caplog.text


def test_peoples_own_columns_come_along(books: Books) -> None:
    books.collect(JANUARY, ProviderName.ELEVENLABS)
    store = books.sandbox.notion.store
    base = store.database("Usages LLM")
    store.change_schema(
        base,
        {
            "Client": {"select": {"options": [{"name": "Ville de Nyon"}]}},
            "Équipe": {"multi_select": {"options": [{"name": "Web"}, {"name": "Son"}]}},
            "Remarque": {"rich_text": {}},
        },
    )
    row = next(row for row in books.rows(JANUARY) if row.title.endswith("Narration"))
    store.edit(row, {"Client": "Ville de Nyon", "Équipe": ("Web", "Son"), "Remarque": "à refacturer"})
    ledger = books.ledger(JANUARY)
    assert ledger.own_columns() == ("Client", "Remarque", "Équipe")
    read = only(ledger.months[0].rows, "Narration")
    assert OwnColumn("Client", ("Ville de Nyon",)) in read.own
    assert read.values_of("Équipe") == ("Web", "Son")
    assert only(ledger.months[0].rows, "3d9a48be").values_of("Client") == ()
    # What people write leaves the figures what they are.
    assert read.by_day


def test_a_month_that_was_never_collected_is_empty(books: Books) -> None:
    (month,) = books.ledger(JANUARY).months
    assert (month.rows, month.sources, month.cost, month.is_collected) == ((), (), None, False)
