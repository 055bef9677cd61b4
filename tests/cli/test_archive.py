"""What is kept, as a person sees it, and taking old months away after a yes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import open_store
from sandbox.everything import Sandbox
from tests.cli.programs import Cli
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.peers.exchange import Exchange, Question
from usage.records.record import UsageRecord

OPENAI, LABO = Source(provider=ProviderName.OPENAI), Source(provider=ProviderName.OPENAI, account="labo")
DEEPGRAM = Source(provider=ProviderName.DEEPGRAM)
RECORD = UsageRecord(project="p1", model="gpt-5", cost=Decimal("1234.560000000000000001"))
JANUARY = Month(2026, 1)
COLUMNS = ("Month", "Source", "Read (UTC)", "Last read (UTC)", "Unchanged", "Cost USD", "Status", "Size")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all: nothing is asked of it."""
    with Sandbox() as sandbox:
        yield sandbox


class Terminal(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        return True


class Kept:
    """An archive beside the command line's current folder."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.archive = Archive(open_store(address))

    def read(self, source: Source, month: Month, day: int, *records: UsageRecord, gap: str = "") -> None:
        """Keep a reading of that day of February."""
        at = datetime(2026, 2, day, 8, tzinfo=UTC)
        answers = AnswerLog()
        answers.add(Exchange(Question("GET", "/costs"), 200, at, f"[{len(records)}]".encode()))
        gaps = (Gap(kind=GapKind.MISSING, sentence=gap),) if gap else ()
        self.archive.keep(SourceReport(source=source, month=month, read_at=at, records=records, gaps=gaps), answers)

    def months(self) -> list[str]:
        return [str(entry.month) for entry in self.archive.entries()]


@pytest.fixture
def kept(cli: Cli, tmp_path: Path) -> Kept:
    folder = tmp_path / "archive"
    cli.set(LLM_USAGE_ARCHIVE=str(folder))
    return Kept(str(folder))


@pytest.fixture
def full(kept: Kept) -> Kept:
    """Three sources; OpenAI's January was read three times, and had a figure corrected at the last one."""
    kept.read(OPENAI, JANUARY, 2, RECORD)
    kept.read(OPENAI, JANUARY, 3, RECORD)
    kept.read(OPENAI, JANUARY, 5, replace(RECORD, cost=Decimal("0.5")))
    kept.read(LABO, JANUARY, 2, RECORD, gap="Il manque deux jours.")
    kept.read(DEEPGRAM, Month(2025, 12), 2, replace(RECORD, cost=None))
    kept.read(OPENAI, Month(2025, 10), 2, RECORD)
    return kept


def test_nothing_is_kept_yet(cli: Cli, kept: Kept) -> None:
    told = cli("archive")
    assert (told.status, told.out) == (0, f"No reading is kept in {kept.address}.\n")
    assert cli("archive", "--json").json == {"archive": kept.address, "readings": []}


@pytest.mark.parametrize("command", ["archive", "history"])
def test_what_is_not_kept_of_what_was_asked_says_nothing_of_the_rest(cli: Cli, full: Kept, command: str) -> None:
    told = cli(command, "--month", "2024-01..2024-02")
    sentence = f"No such reading is kept in {full.address}; `llm-usage archive` shows all."
    assert (told.status, told.out) == (0, f"{sentence}\n")


def test_readings_that_bring_the_same_are_one_line(cli: Cli, full: Kept) -> None:
    told = cli("archive", "--json")
    assert told.status == 0
    found = [
        (one["month"], one["provider"], one["account"], one["cost_usd"], one["status"], one["unchanged"])
        for one in told.json["readings"]
    ]
    assert found == [
        ("2025-10", "openai", "default", "1234.560000000000000001", "Succes", 0),
        ("2025-12", "deepgram", "default", None, "Succes", 0),
        ("2026-01", "openai", "default", "1234.560000000000000001", "Succes", 1),
        ("2026-01", "openai", "default", "0.5", "Succes", 0),
        ("2026-01", "openai", "labo", "1234.560000000000000001", "Partiel", 0),
    ]
    twice = told.json["readings"][2]
    assert (twice["read_at"], twice["last_read_at"]) == ("2026-02-02T08:00:00Z", "2026-02-03T08:00:00Z")
    folder = Path(full.address)
    assert (folder / twice["records"]).is_file()
    # The two share their files.
    files = [folder / twice["records"], *(folder / "answers" / "2026-01" / "openai" / "default").iterdir()]
    assert twice["size"] == sum(file.stat().st_size for file in files)


def test_the_table(cli: Cli, full: Kept) -> None:
    told = cli("archive", "--month", "last", "--provider", "openai")
    assert told.status == 0
    heading, names, *lines, place = [line.rstrip() for line in told.out.splitlines()]
    assert heading == "Readings"
    assert re.split(r"  +", names) == list(COLUMNS)
    words = [line.split() for line in lines]
    assert words[0][:6] == ["2026-01", "openai", "2026-02-02", "08:00", "2026-02-03", "08:00"]
    assert words[0][6:9] == ["1", "1,234.56", "Success"]
    assert words[1][:6] == ["2026-01", "openai", "2026-02-05", "08:00", "0.50", "Success"]
    assert words[2][:6] == ["2026-01", "openai/labo", "2026-02-02", "08:00", "1,234.56", "Partial"]
    assert place == f"They are in {full.address}."


def test_one_month_or_one_provider(cli: Cli, full: Kept) -> None:
    def found(*arguments: str) -> set[tuple[str, str]]:
        return {(one["month"], one["provider"]) for one in cli("archive", *arguments, "--json").json["readings"]}

    assert found("--month", "2025-12") == {("2025-12", "deepgram")}
    assert found("--provider", "deepgram", "anthropic") == {("2025-12", "deepgram")}
    assert found("--provider", "anthropic") == set()


@pytest.mark.parametrize(
    ("asked", "told"), [("P1", "did you mean p1?"), ("proj_elsewhere", "give the id of a project, workspace or key")]
)
def test_the_history_of_a_project_that_no_reading_knows(cli: Cli, full: Kept, asked: str, told: str) -> None:
    refused = cli("history", "--project", asked)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith(
        f"llm-usage: --project {asked}: none of the readings asked for in {full.address} knows it"
    )
    assert told in refused.err
    # What is known and has not moved is no mistake.
    known = cli("history", "--project", "p1", "--month", "2025-10")
    assert (known.status, known.out.partition(":")[0]) == (0, "No figure of p1 has changed")


def test_a_damaged_reading_might_know_a_project(cli: Cli, full: Kept) -> None:
    path = next(Path(full.address).rglob("*.parquet"))
    path.write_bytes(b"")
    told = cli("history", "--project", "proj_elsewhere")
    assert told.status == 1
    assert path.name in told.err


def test_a_damaged_entry_is_named(cli: Cli, full: Kept) -> None:
    entry = next(iter(full.archive.entries()))
    (Path(full.address) / entry.path).write_bytes(b"{")
    told = cli("archive")
    assert (told.status, told.out) == (1, "")
    assert entry.path in told.err


# -- pruning

NO = ("n\n", "\n", "yesterday\n", "")
OLD = {"months": ["2025-10"], "files": 3}


def test_a_yes_takes_old_months_away(cli: Cli, full: Kept) -> None:
    """The running month is 2026-02: with three before it, 2025-11 is the first that stays."""
    told = cli("archive", "prune", "--keep", "3m", "--yes")
    assert told.status == 0
    assert told.out.startswith("Older than 2025-11 ")
    assert told.out.index("2025-10") < told.out.index("They are gone.")
    assert set(full.months()) == {"2025-12", "2026-01"}
    told = cli("archive", "prune", "--keep", "3m")
    assert (told.status, told.out) == (0, f"Nothing is older than 2025-11 in {full.address}.\n")


def test_a_yes_in_json(cli: Cli, full: Kept) -> None:
    shown = cli("archive", "prune", "--keep", "3m", "--json")
    assert (shown.status, shown.json["pruned"]) == (1, False)
    assert "2025-10" in full.months()
    told = cli("archive", "prune", "--keep", "3m", "--json", "--yes")
    assert told.status == 0
    assert told.json == shown.json | {"pruned": True}
    assert told.json.items() >= OLD.items()
    assert told.json["size"] > 0
    assert "2025-10" not in full.months()
    again = cli("archive", "prune", "--keep", "3m", "--json", "--yes")
    assert (again.status, again.json["files"], again.json["pruned"]) == (0, 0, False)


@pytest.mark.parametrize("answer", ["y", "YES", " oui "])
def test_it_shows_what_would_go_and_asks(cli: Cli, full: Kept, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    told = cli("archive", "prune", "--keep", "1m")
    assert told.status == 0
    shown, _, rest = told.out.partition("Take 6 files away for good? [y/N] ")
    assert all(month in shown for month in ("2025-10", "2025-12"))
    assert rest == "They are gone.\n"
    assert set(full.months()) == {"2026-01"}


@pytest.mark.parametrize(("kind", "answer"), [*((Terminal, one) for one in NO), (io.StringIO, "y\n")])
def test_without_a_yes_nothing_goes(
    cli: Cli, full: Kept, monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", kind(answer))
    before = full.months()
    told = cli("archive", "prune", "--keep", "1m")
    assert told.status == 1
    assert told.out.endswith("Nothing was taken away: --yes does it.\n")
    assert full.months() == before


def test_more_months_than_there_were_keeps_all(cli: Cli, full: Kept) -> None:
    assert cli("archive", "prune", "--keep", "9999m", "--yes").status == 0
    assert len(full.months()) == 6


# -- what can't be


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--keep", "24m"), "prune --keep 24m"),
        (("--yes",), "prune --keep 24m"),
        (("prune",), "prune --keep 24m"),
        (("prune", "--keep", "24"), "'24' is not a number of months"),
        (("prune", "--keep", "0m"), "'0m' is not a number of months"),
        (("prune", "--keep", "2y", "--yes"), "'2y' is not a number of months"),
        (("prune", "--keep", "24m", "--month", "2025-10"), "--month and --provider are for the listing"),
        (("prune", "--keep", "24m", "--provider", "openai"), "--month and --provider are for the listing"),
        (("--month", "2026-03"), "2026-03 has not begun"),
        (("list",), "list"),
    ],
)
def test_wrong_arguments(cli: Cli, full: Kept, arguments: tuple[str, ...], word: str) -> None:
    told = cli("archive", *arguments)
    assert (told.status, told.out) == (2, "")
    assert word in told.err
    assert len(full.months()) == 6


def test_an_archive_that_is_off(cli: Cli) -> None:
    cli.set(LLM_USAGE_ARCHIVE="off")
    told = cli("archive", "--json")
    assert told.status == 2
    assert told.json["error"].startswith("LLM_USAGE_ARCHIVE is off")


def test_an_archive_that_can_t_be_opened(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cli.set(LLM_USAGE_ARCHIVE=str(tmp_path / "file"))
    told = cli("archive")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith(f"llm-usage: the archive {tmp_path / 'file'} can't be opened")


def test_each_collection_keeps_its_readings(cli: Cli, kept: Kept, prefect_api: str) -> None:
    cli("setup")
    first = cli("collect", "--json").json
    collected = {(one["provider"], one["account"]): one["cost_usd"] for one in first["sources"]}
    listed = cli("archive", "--json").json["readings"]
    assert {(one["provider"], one["account"]) for one in listed} == collected.keys()
    for one in listed:
        cost = collected[one["provider"], one["account"]]
        assert (cost is None) == (one["cost_usd"] is None)
        assert cost is None or Decimal(one["cost_usd"]) == Decimal(cost)
    cli.set(LLM_USAGE_NOW="2026-02-14T16:30:00Z")
    cli("collect", "--json")
    again = cli("archive", "--json").json["readings"]
    assert [(one["provider"], one["account"], one["unchanged"]) for one in again] == [
        (one["provider"], one["account"], 1) for one in listed
    ]


def test_an_archive_that_refuses_costs_no_figure(cli: Cli, tmp_path: Path, prefect_api: str) -> None:
    cli("setup")
    (tmp_path / "file").write_text("mine")
    cli.set(LLM_USAGE_ARCHIVE=str(tmp_path / "file"))
    refused = cli("collect", "--json")
    assert refused.json["status"] in ("Succes", "Partiel")
    assert all(one["status"] != "Echec" for one in refused.json["sources"])
    # One sentence for all of them, at the end.
    (told,) = [line for line in refused.err.splitlines() if "not kept" in line]
    assert told.startswith("note: The readings of ")
    assert all(Source.model_validate(one).name in told for one in refused.json["sources"])
    assert f"the archive {tmp_path / 'file'} can't be opened" in told
    assert "name another place in LLM_USAGE_ARCHIVE, or off" in told
    assert (tmp_path / "file").read_text() == "mine"
