"""Which kept readings correct a row's settled figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from archive.archive import Archive
from archive.corrections import corrections, with_corrections
from archive.files.answers import AnswerLog
from archive.history import total
from archive.store import FolderStore
from usage.month import Month
from usage.names import Grain, ProviderName, Source, Status
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.outcomes.rows import Totals
from usage.records.record import UsageRecord

JANUARY = Month(2026, 1)
OPENAI = Source(provider=ProviderName.OPENAI)
ONE = UsageRecord(day=date(2026, 1, 3), project="p1", model="m", cost=Decimal("1.25"), tokens_input=5)
TWO = UsageRecord(day=date(2026, 1, 4), project="p1", model="n", cost=Decimal("0.5"), tokens_input=1)
NOBODYS = UsageRecord(day=date(2026, 1, 4), model="n", cost=Decimal("0.25"))
MISSING = Gap(kind=GapKind.MISSING, sentence="Il manque un jour.")
UNAVAILABLE = Gap(kind=GapKind.UNAVAILABLE, sentence="Le fournisseur ne l’a plus.")


def february(day: int) -> datetime:
    return datetime(2026, 2, day, 8, tzinfo=UTC)


class Kept:
    """An archive in a folder."""

    def __init__(self, folder: Path) -> None:
        self.archive = Archive(FolderStore(folder))

    def read(
        self, *records: UsageRecord, day: int, key_mark: str = "mark", grain: Grain | None = None, **more: Any
    ) -> None:
        fields: dict[str, Any] = {"source": OPENAI, "month": JANUARY, "read_at": february(day)} | more
        self.archive.keep(SourceReport(records=records, **fields), AnswerLog(), key_mark=key_mark, grain=grain)

    def corrections(self, grain: Grain = Grain.PROJECT, **more: Any) -> Sequence[Correction]:
        return corrections(self.archive, self.outcome(grain, **more))

    def moved(self, day: int, grain: Grain = Grain.PROJECT) -> tuple[tuple[str, str], ...] | None:
        return with_corrections(self.archive, self.outcome(grain, attempted_at=february(day))).moved

    def outcome(self, grain: Grain, **more: Any) -> SourceOutcome:
        fields: dict[str, Any] = {
            "source": OPENAI,
            "month": JANUARY,
            "label": "labo",
            "attempted_at": february(20),
            "status": Status.SUCCES,
            "rerun": False,
            "log": "",
            "rule": ProviderName.OPENAI.spec.grains.rule(grain),
            "key_mark": "mark",
        }
        return SourceOutcome(**(fields | more))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_old_new_when_and_what_moved_most(kept: Kept) -> None:
    dearer, more = replace(ONE, cost=Decimal(2)), replace(TWO, tokens_input=2)
    kept.read(ONE, TWO, NOBODYS, day=3)
    kept.read(ONE, TWO, NOBODYS, day=4)
    kept.read(dearer, more, NOBODYS, day=5)
    kept.read(dearer, more, day=6)
    latest, first = kept.corrections()
    assert first == Correction(
        key="p1",
        workspace="",
        read_at=february(5),
        old=Totals(cost=Decimal("1.75"), tokens_input=6),
        new=Totals(cost=Decimal("2.5"), tokens_input=7),
        day=date(2026, 1, 3),
        what="m",
        alone=False,
    )
    # Of usage that is nobody's, the account tells whose it is; what a reading does not have at all was nothing.
    assert (latest.key, latest.workspace, latest.alone) == ("(sans projet)", "labo", True)
    assert (latest.old, latest.new) == (Totals(cost=Decimal("0.25")), Totals(cost=Decimal(0)))


@pytest.mark.parametrize(
    "before",
    [
        {"provisional": True},
        {"gaps": (MISSING,)},
        {"gaps": (UNAVAILABLE,)},
        {"key_mark": "another organisation's"},
        {"organisation": "org-other"},
        {"read_at": datetime(2026, 1, 31, 23, tzinfo=UTC)},
    ],
    ids=str,
)
def test_what_was_not_settled_is_not_corrected(kept: Kept, before: dict[str, Any]) -> None:
    records = () if UNAVAILABLE in before.get("gaps", ()) else (ONE,)
    kept.read(*records, **({"day": 3} | before))
    kept.read(TWO, day=4, organisation="org-mine")
    assert kept.corrections(organisation="org-mine") == ()


def test_a_reading_in_part_between_two_whole_ones_corrects_nothing(kept: Kept) -> None:
    kept.read(ONE, TWO, day=3)
    kept.read(TWO, day=4, gaps=(MISSING,))
    kept.read(day=5, gaps=(UNAVAILABLE,))
    kept.read(ONE, TWO, day=6)
    assert kept.corrections() == ()
    kept.read(ONE, day=7)
    (only,) = kept.corrections()
    assert (only.read_at, only.old.cost, only.new.cost) == (february(7), Decimal("1.75"), Decimal("1.25"))


def test_a_key_that_was_replaced_is_the_same_organisation_s(kept: Kept) -> None:
    kept.read(ONE, day=3, organisation="org-1", key_mark="old")
    kept.read(TWO, day=4, organisation="org-1", key_mark="mark")
    assert len(kept.corrections(organisation="org-1")) == 1


def test_rows_of_keys(kept: Kept) -> None:
    kept.read(replace(ONE, api_key="k1"), replace(TWO, api_key="k2"), day=3)
    kept.read(replace(ONE, api_key="k1"), replace(TWO, api_key="k2", cost=Decimal(3)), day=4)
    (only,) = kept.corrections(Grain.API_KEY)
    assert (only.key, only.old.cost, only.new.cost) == ("k2", Decimal("0.5"), Decimal(3))


def test_asking_at_another_grain_corrects_nothing(kept: Kept) -> None:
    keyed = (replace(ONE, api_key="k1", cost=Decimal("0.5")), replace(ONE, api_key="k2", cost=Decimal("0.5")))
    bare = replace(keyed[0], api_key=None, cost=Decimal(1), tokens_input=total(keyed).tokens_input)
    kept.read(bare, day=3, grain=Grain.PROJECT)
    kept.read(*keyed, day=4, grain=Grain.API_KEY)
    assert kept.corrections() == kept.corrections(Grain.API_KEY) == ()
    kept.read(replace(keyed[0], cost=Decimal(2)), keyed[1], day=5, grain=Grain.API_KEY)
    (of_project,), (of_key,) = kept.corrections(), kept.corrections(Grain.API_KEY)
    assert (of_project.old.cost, of_project.new.cost) == (Decimal(1), Decimal("2.5"))
    assert (of_key.key, of_key.old.cost, of_key.new.cost) == ("k1", Decimal("0.5"), Decimal(2))
    # Back again: what moved meanwhile is told of the project.
    kept.read(bare, day=6, grain=Grain.PROJECT)
    assert [one.read_at for one in kept.corrections(Grain.API_KEY)] == [of_key.read_at]
    assert [one.new.cost for one in kept.corrections()] == [Decimal(1), Decimal("2.5")]


def test_which_rows_moved_since_the_reading_before(kept: Kept) -> None:
    kept.read(ONE, NOBODYS, day=3, provisional=True)
    assert kept.moved(3) is None
    kept.read(ONE, NOBODYS, day=4)
    assert kept.moved(4) == ()
    kept.read(ONE, day=5, gaps=(MISSING,))
    kept.read(ONE, replace(NOBODYS, cost=Decimal(2)), day=6)
    assert kept.moved(6) == (("(sans projet)", "labo"),)
    # A reading that could not be kept is not compared.
    assert kept.moved(7) is None
    kept.read(ONE, replace(NOBODYS, cost=Decimal(2)), day=8, key_mark="another organisation's")
    assert kept.moved(8) is None
