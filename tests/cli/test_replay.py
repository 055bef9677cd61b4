"""`llm-usage replay`: a month again from what is kept of it, with the original time, and nobody else is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from archive.archive import Archive
from archive.journal import Entry
from archive.store import open_store
from sandbox.faults import Fault, Kind
from tests.cli.programs import NOW, Cli
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport

JANUARY = Month(2026, 1)
FEW = ("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")
DEEPGRAM = Source(provider=ProviderName.DEEPGRAM, account="prod")
Mend = Callable[[Callable[[SourceReport], SourceReport]], None]


@pytest.fixture
def kept(ready: Cli, tmp_path: Path) -> Cli:
    """The command line with an archive of its own."""
    ready.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    return ready


@pytest.fixture
def few(kept: Cli) -> Cli:
    """Two providers with a key each, whose January is collected."""
    kept.only(*FEW)
    assert kept("collect", "--month", "2026-01").status == 0
    kept.sandbox.journal.clear()
    return kept


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Mend:
    """Put another reader in the place of Deepgram's, one that makes something else of the same answers."""
    from providers.deepgram import Deepgram

    collect = Deepgram.collect

    def put(change: Callable[[SourceReport], SourceReport]) -> None:
        async def mended(self: Deepgram, job: Any) -> SourceReport:
            return change(await collect(self, job))

        monkeypatch.setattr(Deepgram, "collect", mended)

    return put


def archive(cli: Cli) -> Archive:
    return Archive(open_store(str(cli.folder / "archive")))


def entries(cli: Cli, month: Month = JANUARY) -> list[Entry]:
    return list(archive(cli).entries(month))


def lose(cli: Cli) -> None:
    """Nothing stands in Notion, and every provider is out of order."""
    for row in cli.sandbox.notion.store.database("Usages LLM").rows():
        cli.sandbox.notion.store.trash(row)
    for api in cli.sandbox.providers:
        cli.sandbox.faults.add(Fault(api=api.name, kind=Kind.STATUS, status=500, times=-1))
    cli.sandbox.journal.clear()


def without_keys(cli: Cli) -> None:
    cli.only()


def told_by_rows(cli: Cli) -> dict[str, dict[str, Any]]:
    """All values of the rows; without the pages that receipts name, which are others once rows are made anew."""
    found = cli.figures()
    for name, row in found.items():
        if name.endswith("(collecte)"):
            row["Breakdown JSON"] = json.loads(row["Breakdown JSON"]) | {"pages": None}
    return found


def asked(cli: Cli) -> set[str]:
    return {request.api for request in cli.sandbox.journal.requests()}


def doubled(report: SourceReport) -> SourceReport:
    records = tuple(replace(one, cost=None if one.cost is None else 2 * one.cost) for one in report.records)
    return report.model_copy(update={"records": records, "control": None})


def test_every_provider_comes_back_from_the_archive(kept: Cli) -> None:
    first = kept("collect", "--month", "2026-01", "--json").json
    before, readings = told_by_rows(kept), entries(kept)
    lose(kept)
    kept.set(LLM_USAGE_NOW=(NOW + timedelta(days=40)).isoformat())
    told = kept("replay", "2026-01", "--json")
    assert told.status == 0, told.out
    assert told.json["sources"] == first["sources"]
    assert told_by_rows(kept) == before
    assert asked(kept) == {"notion"}
    assert entries(kept) == readings
    again = kept("replay", "2026-01", "--json").json["notion"]
    assert (again["created"], again["trashed"]) == (0, 0)
    assert told_by_rows(kept) == before


def test_no_key_is_needed(kept: Cli) -> None:
    kept.only(*FEW, "OPENAI_ADMIN_KEY_MEMOWAYS", "OPENAI_ADMIN_KEY_LABO", "OPENROUTER_MANAGEMENT_KEY")
    first = kept("collect", "--month", "2026-01", "--json").json
    before = told_by_rows(kept)
    lose(kept)
    without_keys(kept)
    told = kept("replay", "2026-01", "--json")
    assert told.status == 0, told.out
    assert told.json["sources"] == first["sources"]
    assert told_by_rows(kept) == before


def test_a_mended_reader_is_followed_and_kept_once(few: Cli, mend: Mend) -> None:
    (reading,) = [one for one in entries(few) if one.source == DEEPGRAM]
    before = few.figures()
    mend(doubled)
    dry = few("replay", "2026-01", "--provider", "deepgram", "--dry-run", "--json").json
    assert dry["plan"]
    assert few.figures() == before
    assert len(entries(few)) == 2
    told = few("replay", "--provider", "deepgram", "2026-01", "--json")
    assert told.status == 0, told.out
    (source,) = told.json["sources"]
    assert reading.cost_usd is not None
    assert Decimal(source["cost_usd"]) == 2 * reading.cost_usd
    after = few.figures()
    changed = [name for name in after if after[name] != before[name]]
    assert changed
    assert all("Deepgram" in name for name in changed)
    assert {after[name]["Collecte Le"] for name in changed} <= {before[name]["Collecte Le"] for name in changed}
    # The same answers, other records, the original time: the last reading from now on.
    latest = archive(few).latest(JANUARY, DEEPGRAM)
    assert latest is not None
    assert (latest.read_at, latest.answers, latest.cost_usd) == (reading.read_at, reading.answers, 2 * reading.cost_usd)
    assert latest.replayed_at == NOW
    few("replay", "2026-01")
    assert len(entries(few)) == 3


def test_what_was_read_later_stays(few: Cli, mend: Mend, tmp_path: Path) -> None:
    few.set(LLM_USAGE_NOW=(NOW + timedelta(days=1)).isoformat(), LLM_USAGE_ARCHIVE=str(tmp_path / "another"))
    mend(doubled)
    assert few("collect", "--month", "2026-01", "--accept-lower").status == 0
    later = few.figures()
    few.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    mend(lambda report: report)
    few("replay", "2026-01", "--provider", "deepgram", "--json")
    after = few.figures()
    figures = ("Cout USD", "Tokens Input", "Nb Requetes", "Collecte Le")
    mine = [name for name in later if "Deepgram" in name]
    assert [[after[name].get(one) for one in figures] for name in mine if "(collecte)" not in name] == [
        [later[name].get(one) for one in figures] for name in mine if "(collecte)" not in name
    ]


def test_what_is_damaged_is_named_and_changes_nothing(few: Cli) -> None:
    (reading,) = [one for one in entries(few) if one.source == DEEPGRAM]
    (few.folder / "archive" / reading.answers.path).unlink()
    before = few.figures()
    told = few("replay", "2026-01", "--json")
    assert told.status == 1
    deepgram, elevenlabs = told.json["sources"]
    assert (deepgram["status"], elevenlabs["status"]) == ("Echec", "Succes")
    assert reading.answers.path in deepgram["log"]
    assert "llm-usage collect --month 2026-01 --provider deepgram --account prod" in deepgram["log"]
    assert few.figures() == before
    (few.folder / "archive" / reading.path).write_bytes(b"{")
    assert few("replay", "2026-01").status == 1
    (few.folder / "archive" / reading.path).unlink()
    told = few("replay", "2026-01", "--json")
    assert told.status == 1
    assert "aucune lecture de ce mois n’y est gardée" in told.json["sources"][0]["log"]


def test_an_empty_reading_of_a_month_out_of_reach_is_passed_over(few: Cli) -> None:
    first = archive(few).latest(JANUARY, DEEPGRAM)
    assert first is not None
    gone = {
        "status": "Donnees indisponibles",
        "cost_usd": None,
        "days_read": None,
        "lines": 0,
        "read_at": NOW + timedelta(days=400),
    }
    empty = Entry.model_validate(first.model_dump() | gone)
    (few.folder / "archive" / empty.path).write_text(empty.model_dump_json())
    told = few("replay", "2026-01", "--provider", "deepgram", "--json").json["sources"]
    assert told[0]["cost_usd"] is not None


def test_a_former_name_is_left_out_unless_named(few: Cli) -> None:
    key = few.sandbox.environment()["DEEPGRAM_API_KEY_PROD"]
    few.unset("DEEPGRAM_API_KEY_PROD")
    few.set(DEEPGRAM_API_KEY=key)
    told = few("replay", "2026-01", "--json")
    assert told.status == 1
    assert [one["account"] for one in told.json["sources"] if one["provider"] == "deepgram"] == ["default"]
    assert "llm-usage replay 2026-01 --provider deepgram --account prod" in told.err
    named = few("replay", "2026-01", "--provider", "deepgram", "--account", "prod", "--json")
    assert named.status == 0, named.out
    assert [one["account"] for one in named.json["sources"]] == ["prod"]


@pytest.mark.parametrize(
    ("where", "arguments", "words"),
    [
        ("off", ("2026-01",), "LLM_USAGE_ARCHIVE is off"),
        ("./nowhere", ("2026-01",), "no reading is kept in"),
        ("./archive", ("2026-01", "--provider", "openai"), "no reading of openai is kept for 2026-01"),
        ("./archive", ("2026-01", "--account", "nobody"), "no account is called 'nobody'"),
        ("./archive", ("2027-01",), "2027-01"),
    ],
)
def test_what_cannot_be_replayed_at_all(few: Cli, where: str, arguments: tuple[str, ...], words: str) -> None:
    few.set(LLM_USAGE_ARCHIVE=where)
    told = few("replay", *arguments)
    assert (told.status, told.out) == (2, "")
    assert words in told.err
    assert asked(few) == set()


def test_months_of_a_backfill_are_kept_whole(kept: Cli) -> None:
    kept.only("OPENAI_ADMIN_KEY_MEMOWAYS")
    assert kept("backfill", "2025-10", "2025-12").status == 0
    months = [Month(2025, number) for number in (10, 11, 12)]
    readings = [one for month in months for one in entries(kept, month)]
    assert [one.together.months for one in readings if one.together is not None] == [tuple(months)] * 3
    # By key and in all; they lie once, with the month that is pruned last.
    shared = {file.path for one in readings if one.together is not None for file in one.together.answers}
    assert len(shared) == 2
    assert all(path.startswith("answers/2025-12/") for path in shared)
    before = kept.figures()
    lose(kept)
    without_keys(kept)
    for month in months:
        told = kept("replay", str(month), "--json")
        assert told.status == 0, told.out
    costs = ("Cout USD", "Tokens Input", "Nb Requetes", "Collecte Le")
    after = kept.figures()
    assert after.keys() == before.keys()
    assert all([after[name].get(one) for one in costs] == [before[name].get(one) for one in costs] for name in before)
