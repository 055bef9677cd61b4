"""Months add up to their rows, rows to their records."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given

from reports.ledger import Ledger, OwnColumn, own_columns
from tests.reports.ledgers import DECEMBER, FEBRUARY, JANUARY, NOW, ledger, ledgers, record, row, source
from usage.money import exact_sum
from usage.names import ProviderName
from usage.outcomes.proof import MonthState


@given(ledgers())
def test_months_add_up_to_their_records(one: Ledger) -> None:
    for month in one.months:
        assert month.cost == exact_sum(r.cost for row in month.rows for r in row.records)
        assert month.cost == exact_sum(exact_sum(r.cost for r in month.of(name)) for name in ProviderName)


def test_what_nobody_tells_is_no_zero() -> None:
    (month,) = ledger(row(JANUARY, "p", record(None))).months
    (read,) = month.rows
    assert (month.cost, read.cost, read.tokens_input, read.tokens_output, read.requests) == (None,) * 5


def test_figures_add_up() -> None:
    one = row(
        JANUARY, "p", record("1.10", tokens_input=3, requests=1), record("0.0000000000000000000001", tokens_input=4)
    )
    assert str(one.cost) == "1.1000000000000000000001"
    assert (one.tokens_input, one.tokens_output, one.requests) == (7, None, 1)


def test_a_month_that_it_does_not_have_is_empty() -> None:
    one = ledger(row(JANUARY, "p", record("1")))
    assert (one.month(DECEMBER).rows, one.month(DECEMBER).is_collected) == ((), False)
    assert one.month(JANUARY).is_collected


def test_a_thing_is_the_same_in_every_month() -> None:
    assert row(JANUARY, "p", workspace="a").thing == row(FEBRUARY, "p", workspace="b", name="other").thing
    assert row(JANUARY, "p").thing != row(JANUARY, "p", provider=ProviderName.DEEPGRAM).thing


def test_keys_that_repeat_are_told_apart_by_their_workspace() -> None:
    for key in ("(sans projet)", "label:prod"):
        assert row(JANUARY, key, workspace="a").thing != row(JANUARY, key, workspace="b").thing
        # An account without a name is the default one.
        assert row(JANUARY, key, workspace="").thing == row(JANUARY, key, workspace="default").thing
    # An id may begin as it likes.
    assert row(JANUARY, "(mine)", workspace="a").thing == row(JANUARY, "(mine)", workspace="b").thing


def test_a_month_is_as_far_as_the_source_that_is_furthest_behind() -> None:
    deepgram = ProviderName.DEEPGRAM
    late = NOW - timedelta(days=20)
    both = [source(JANUARY), source(JANUARY, deepgram, read_at=late)]
    assert ledger(sources=both).month(JANUARY).state(NOW) is MonthState.SETTLED
    assert ledger(sources=[source(FEBRUARY)]).month(FEBRUARY).state(NOW) is MonthState.OPEN
    assert ledger().month(JANUARY).state(NOW) is None


def test_own_columns_are_those_in_which_anything_stands() -> None:
    client, team = OwnColumn("Client", ("Nyon",)), OwnColumn("Équipe", ("Web", "Son"))
    one = ledger(row(JANUARY, "p", own=(team,)), row(FEBRUARY, "q", own=(client, team)))
    assert one.own_columns() == ("Client", "Équipe") == own_columns(one.month(FEBRUARY).rows)
    assert one.month(FEBRUARY).rows[0].values_of("Équipe") == ("Web", "Son")
    assert one.month(JANUARY).rows[0].values_of("Client") == ()
    assert row(JANUARY, "p", account="labo", name="Production").title == "Production (labo)"
