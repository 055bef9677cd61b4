"""Rows by people's own columns: the parts add up, and each row counts once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.grouping import choose_columns, find_column, group_by
from reports.ledger import LedgerRow, OwnColumn
from usage.errors import SettingsError
from usage.language.folding import folded
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import UsageRecord

VALUES = ("ACME", "acme ", "Béta", "BETA", "Gamma", "  ")


def row(key: str, cost: Decimal | None, *values: str, tokens: int | None = None) -> LedgerRow:
    return LedgerRow(
        month=Month(2026, 1),
        provider=ProviderName.OPENAI,
        account="",
        key=key,
        workspace="",
        name=key,
        records=(UsageRecord(cost=cost, tokens_input=tokens),),
        by_day=False,
        own=(OwnColumn("Client", values),) if values else (),
    )


costs = st.none() | st.decimals(-10_000, 1_000_000, places=9, allow_nan=False)
rows = st.lists(
    st.builds(
        lambda key, cost, values, tokens: row(str(key), cost, *values, tokens=tokens),
        st.integers(),
        costs,
        st.lists(st.sampled_from(VALUES), max_size=3),
        st.none() | st.integers(0, 10**9),
    ),
    max_size=12,
)


@given(rows)
def test_the_parts_add_up_to_the_whole(found: list[LedgerRow]) -> None:
    grouping = group_by(found, "Client")
    parts = (*grouping.groups, grouping.without)
    assert sorted(id(one) for part in parts for one in part.rows) == sorted(map(id, found))
    assert exact_sum(part.cost for part in parts) == exact_sum(one.cost for one in found) == grouping.cost
    assert all(part.values for part in grouping.groups)
    assert grouping.without.values == ()
    shares = [grouping.share(part) for part in parts]
    known = [share for share in shares if share is not None]
    assert not known or abs(sum(known, Decimal(0)) - 1) < Decimal("1e-20")
    assert all(0 <= share <= 1 for share in known)


@given(rows, st.randoms())
def test_the_order_of_rows_and_of_values_makes_no_difference(found: list[LedgerRow], chance: Any) -> None:
    other = list(found)
    chance.shuffle(other)
    one, two = group_by(found, "Client"), group_by(other, "Client")
    assert [(group.values, group.cost, len(group.rows)) for group in one.groups] == [
        (group.values, group.cost, len(group.rows)) for group in two.groups
    ]


@given(rows)
def test_no_two_groups_say_the_same(found: list[LedgerRow]) -> None:
    keys = [tuple(sorted(map(folded, group.values))) for group in group_by(found, "Client").groups]
    assert len(set(keys)) == len(keys)


def test_a_row_with_two_values_counts_under_the_pair() -> None:
    found = group_by(
        [
            row("a", Decimal(3), "ACME", "Béta"),
            row("b", Decimal(4), "beta", "ACME"),
            row("c", Decimal(1), "ACME", tokens=7),
            row("d", Decimal(2)),
        ],
        "Client",
    )
    # Of two spellings that are as frequent, the first in order is shown.
    assert [(group.name, str(group.cost)) for group in found.groups] == [("ACME + Béta", "7"), ("ACME", "1")]
    assert (found.without.cost, found.share(found.without)) == (Decimal(2), Decimal("0.2"))
    assert found.groups[1].tokens == 7


def test_a_credit_has_no_share_and_makes_no_other_larger() -> None:
    found = group_by([row("a", Decimal(3), "ACME"), row("b", Decimal(1), "Beta"), row("c", Decimal(-2))], "Client")
    assert [found.share(one) for one in found.groups] == [Decimal("0.75"), Decimal("0.25")]
    assert found.share(found.without) is None


def test_a_share_of_nothing_is_none() -> None:
    found = group_by([row("a", None, "ACME"), row("b", Decimal(0))], "Client")
    assert found.share(found.without) is None


def test_a_column_is_found_whatever_its_case() -> None:
    found = [row("a", None, "ACME")]
    assert find_column(found, "client") == find_column(found, "Client") == "Client"
    assert find_column(found, "Équipe") is None


def test_columns_are_chosen_by_name_or_from_those_that_are_usual() -> None:
    found = [row("a", Decimal(1), "ACME"), row("b", Decimal(1))]
    assert choose_columns(found, ["CLIENT", "client"], ["Équipe"]) == ("Client",)
    assert choose_columns(found, [], ["Équipe", "client"]) == ("Client",)
    assert choose_columns(found, [], ["Équipe"]) == ()
    with pytest.raises(
        SettingsError, match="--by Équipe: no row has anything in a column of that name; filled: Client"
    ):
        choose_columns(found, ["Client", "Équipe"], [])


def test_a_column_that_nobody_fills_is_refused_in_both_languages() -> None:
    with pytest.raises(SettingsError) as refused:
        choose_columns([], ["Client"], [])
    assert refused.value.sentence.en.startswith("--by Client: no row has anything in a column of that name")
    assert refused.value.sentence.fr.startswith("--by Client")
    assert "aucune ligne n’a rien" in refused.value.sentence.fr
