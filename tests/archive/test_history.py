"""What moved between readings adds up, and each change of a month is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from archive.archive import Archive, DamagedError
from archive.files.answers import AnswerLog
from archive.history import Change, Standing, changes, compare, total
from archive.store import FolderStore
from tests.archive.files.test_days import AMOUNTS, COUNTS
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.records.record import UsageRecord

OPENAI, LABO = Source(provider=ProviderName.OPENAI), Source(provider=ProviderName.OPENAI, account="labo")
DEEPGRAM = Source(provider=ProviderName.DEEPGRAM)
DECEMBER, JANUARY = Month(2025, 12), Month(2026, 1)
ONE = UsageRecord(day=date(2026, 1, 3), project="p1", api_key="k1", model="m", cost=Decimal("1.25"), tokens_input=5)
TWO = UsageRecord(day=date(2026, 1, 4), project="p2", workspace="w2", model="m", cost=Decimal("0.5"))

READINGS = st.lists(
    st.builds(
        UsageRecord,
        day=st.sampled_from([None, date(2026, 1, 1), date(2026, 1, 2)]),
        project=st.sampled_from([None, "p1", "p2"]),
        model=st.sampled_from([None, "m1"]),
        cost=st.none() | AMOUNTS,
        tokens_input=COUNTS,
        tokens_output=COUNTS,
        units=st.sampled_from([(), (("hours", Decimal("0.5")),)]),
    ),
    max_size=8,
)
"""With few enough ids that they meet."""


def known(amount: Decimal | None) -> Decimal:
    return amount or Decimal(0)


@given(READINGS, READINGS, READINGS)
def test_the_differences_add_up_to_the_difference_of_the_totals(
    kept: list[UsageRecord], gone: list[UsageRecord], come: list[UsageRecord]
) -> None:
    old, new = [*kept, *gone], [*come, *kept]
    moves = compare(old, new)
    cost = difference(known(total(new).cost), known(total(old).cost))
    assert known(exact_sum(move.cost for move in moves)) == cost
    tokens = [sum((one.tokens_input or 0) + (one.tokens_output or 0) for one in records) for records in (old, new)]
    assert sum(move.tokens for move in moves) == tokens[1] - tokens[0]
    assert all(move.old.ids == move.new.ids and move.old != move.new for move in moves)
    sizes = [abs(move.cost) for move in moves]
    assert sizes == sorted(sizes, reverse=True)
    assert len({move.old.ids for move in moves}) == len(moves)


@given(READINGS, st.data())
def test_the_same_records_in_another_order_have_not_moved(records: list[UsageRecord], data: st.DataObject) -> None:
    assert compare(records, data.draw(st.permutations(records))) == ()


@given(READINGS, READINGS)
def test_what_moves_one_way_moves_back(old: list[UsageRecord], new: list[UsageRecord]) -> None:
    there, back = compare(old, new), compare(new, old)
    assert {(move.old, move.new) for move in there} == {(move.new, move.old) for move in back}


@given(READINGS)
def test_the_sum_of_a_reading_has_no_ids(records: list[UsageRecord]) -> None:
    whole = total(records)
    assert whole.ids == (None,) * 6
    assert whole.cost == exact_sum(one.cost for one in records)


def test_a_figure_that_is_unknown_is_not_0() -> None:
    (move,) = compare([replace(ONE, cost=None)], [replace(ONE, cost=Decimal(0))])
    assert (move.old.cost, move.new.cost, move.cost) == (None, Decimal(0), Decimal(0))
    (gone,) = compare([ONE], [])
    assert (gone.new.cost, gone.new.tokens_input, gone.cost) == (None, None, Decimal("-1.25"))


# -- history


class Kept:
    """An archive in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.archive = folder, Archive(FolderStore(folder))
        self.damaged: list[DamagedError] = []

    def read(
        self,
        *records: UsageRecord,
        at: datetime,
        source: Source = OPENAI,
        month: Month = JANUARY,
        gaps: Sequence[Gap] = (),
        provisional: bool = False,
        organisation: str | None = None,
        key_mark: str = "",
        grain: Grain | None = None,
    ) -> None:
        report = SourceReport(
            source=source,
            month=month,
            read_at=at,
            records=records,
            gaps=tuple(gaps),
            provisional=provisional,
            organisation=organisation,
        )
        self.archive.keep(report, AnswerLog(), key_mark=key_mark, grain=grain)

    def changes(self, project: str | None = None) -> list[Change]:
        self.damaged.clear()
        return list(changes(self.archive, self.archive.entries(), project, on_damage=self.damaged.append))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def february(day: int) -> datetime:
    return datetime(2026, 2, day, 8, tzinfo=UTC)


def test_each_reading_that_differs_from_the_one_before(kept: Kept) -> None:
    dearer = replace(ONE, cost=Decimal("1.250000000000000000000001"))
    for day, records in enumerate([(ONE, TWO), (ONE, TWO), (dearer, TWO), (dearer, TWO), (ONE, TWO)], start=2):
        kept.read(*records, at=february(day))
    first, second = kept.changes()
    assert (first.before.read_at, first.after.read_at) == (february(3), february(4))
    assert (first.old.cost, first.new.cost) == (Decimal("1.75"), Decimal("1.750000000000000000000001"))
    assert [(move.old, move.new) for move in first.moves] == [(ONE, dearer)]
    assert second.after.read_at == february(6)
    assert second.new.cost == Decimal("1.75")


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_damaged_reading_is_left_out_and_named_once(kept: Kept, which: int) -> None:
    costs = [Decimal(1), Decimal(2), Decimal(3)]
    for day, cost in enumerate(costs, start=2):
        kept.read(replace(ONE, cost=cost), at=february(day))
    entries = list(kept.archive.entries())
    (kept.folder / entries[which].records.path).write_bytes(b"not what was written")
    del costs[which]
    (change,) = kept.changes()
    assert (change.old.cost, change.new.cost) == (costs[0], costs[1])
    assert [one.path for one in kept.damaged] == [entries[which].records.path]


def test_sources_and_months_are_kept_apart(kept: Kept) -> None:
    kept.read(ONE, at=february(2))
    kept.read(TWO, at=february(3), source=LABO)
    kept.read(TWO, at=february(4), source=DEEPGRAM)
    kept.read(at=february(5), month=DECEMBER)
    assert kept.changes() == []
    kept.read(at=february(6), source=DEEPGRAM)
    kept.read(ONE, at=february(6), month=DECEMBER)
    kept.read(at=february(6))
    assert [(one.after.month, one.after.source) for one in kept.changes()] == [
        (DECEMBER, OPENAI),
        (JANUARY, OPENAI),
        (JANUARY, DEEPGRAM),
    ]


@pytest.mark.parametrize("an_id", ["p2", "w2"])
def test_the_history_of_one_project(kept: Kept, an_id: str) -> None:
    kept.read(ONE, TWO, at=february(2))
    kept.read(TWO, at=february(3))
    kept.read(replace(TWO, cost=Decimal(2)), at=february(4))
    (change,) = kept.changes(an_id)
    assert (change.before.read_at, change.old.cost, change.new.cost) == (february(3), Decimal("0.5"), Decimal(2))
    (change,) = kept.changes("k1")
    assert (change.after.read_at, change.new.cost) == (february(3), None)
    assert kept.changes("p3") == []


def test_how_final_the_figures_were(kept: Kept) -> None:
    missing = Gap(kind=GapKind.MISSING, sentence="Il manque un jour.")
    kept.read(at=datetime(2026, 1, 20, tzinfo=UTC))
    kept.read(ONE, at=february(2), gaps=[missing], provisional=True)
    kept.read(ONE, TWO, at=february(3), provisional=True)
    kept.read(TWO, at=february(4))
    kept.read(at=february(5))
    assert [one.standing for one in kept.changes()] == [
        Standing.RUNNING,
        Standing.INCOMPLETE,
        Standing.PROVISIONAL,
        Standing.SETTLED,
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"organisation": "org-1"}, {"organisation": "org-2"}),
        ({"organisation": "org-1", "key_mark": "a"}, {"organisation": "org-2", "key_mark": "a"}),
        ({"key_mark": "a"}, {"key_mark": "b"}),
        ({"organisation": "org-1", "key_mark": "a"}, {"key_mark": "b"}),
    ],
)
def test_organisations_that_had_one_label_are_not_compared(
    kept: Kept, first: dict[str, Any], second: dict[str, Any]
) -> None:
    kept.read(ONE, at=february(2), **first)
    kept.read(TWO, at=february(3), **second)
    assert kept.changes() == []
    # Each goes on from its own.
    kept.read(replace(ONE, cost=Decimal(2)), at=february(4), **first)
    kept.read(TWO, at=february(5), **second)
    (change,) = kept.changes()
    assert (change.before.read_at, change.after.read_at) == (february(2), february(4))


def test_a_key_that_was_replaced_changes_nothing_where_the_organisation_is_known(kept: Kept) -> None:
    kept.read(ONE, at=february(2), organisation="org-1", key_mark="a")
    kept.read(TWO, at=february(3), organisation="org-1", key_mark="b")
    assert len(kept.changes()) == 1


KEYED = (replace(ONE, cost=Decimal(1), allocated=Decimal(1)), replace(ONE, api_key="k2", cost=Decimal("0.25")))
BARE = replace(ONE, api_key=None, tokens_input=10)
PROJECT, API_KEY = Grain.PROJECT, Grain.API_KEY


@pytest.mark.parametrize("partly", [False, True])
def test_asking_with_keys_and_without_moves_nothing(kept: Kept, *, partly: bool) -> None:
    # Some providers tell the usage of keys at either grain, and only money without them.
    both = (replace(TWO, api_key="k3"),) if partly else ()
    kept.read(BARE, *both, at=february(2), grain=PROJECT)
    kept.read(*KEYED, *both, at=february(3), grain=API_KEY)
    kept.read(BARE, *both, at=february(4), grain=PROJECT)
    assert kept.changes() == []
    assert kept.changes("k2") == []
    kept.read(KEYED[0], *both, at=february(5), grain=API_KEY)
    (change,) = kept.changes()
    assert (change.old.cost, change.new.cost) == (total((BARE, *both)).cost, total((KEYED[0], *both)).cost)
    assert [move.cost for move in change.moves] == [Decimal("-0.25")]


def test_what_moves_between_keys_is_told_where_both_readings_have_them(kept: Kept) -> None:
    kept.read(*KEYED, at=february(2), grain=API_KEY)
    kept.read(replace(KEYED[0], cost=Decimal("1.25"), allocated=Decimal("1.25")), at=february(3), grain=API_KEY)
    (change,) = kept.changes("k2")
    assert (change.old.cost, change.new.cost) == (Decimal("0.25"), None)
