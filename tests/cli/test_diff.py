"""`llm-usage diff` and `history`: a month that its provider has corrected, for each of the five."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import open_store
from sandbox.faults import Fault, Kind
from tests.cli.corrections import MONTH, ONE_KEY, correct
from tests.cli.programs import Cli
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.progress import Event, PageRead, SourceBegun, SourceEnded, listening
from usage.outcomes.report import SourceReport
from usage.records.record import UsageRecord
from usage.settings import KEY_VARIABLES

FEW = ("DEEPGRAM_API_KEY_PROD", "DEEPGRAM_API_KEY_LABS", "ELEVENLABS_API_KEY")
LATER = "2026-02-15T08:00:00Z"


@pytest.fixture
def archived(ready: Cli, tmp_path: Path) -> Cli:
    """The command line with an archive."""
    ready.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    return ready


@pytest.fixture
def few(archived: Cli) -> Cli:
    """The two providers that need the fewest requests, one of them with two accounts; January is collected."""
    archived.only(*FEW)
    assert archived("collect", "--month", MONTH).status == 0
    return archived


def traces(cli: Cli) -> tuple[Any, ...]:
    """All that a command could have written."""
    folder = cli.folder / "archive"
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} if folder.exists() else {}
    return files, cli.figures(), sorted(path.name for path in cli.folder.iterdir())


def by_name(told: Any) -> dict[str, Any]:
    return {f"{one['provider']}/{one['account']}": one for one in told["sources"]}


def test_right_after_a_collection_nothing_differs(archived: Cli) -> None:
    assert archived("collect", "--month", MONTH).status == 0
    before = traces(archived)
    archived.sandbox.journal.clear()
    told = archived("diff", MONTH)
    assert (told.status, told.err) == (0, "")
    assert told.out == f"{MONTH}, 7 sources: nothing differs. Nothing was written.\n"
    assert traces(archived) == before
    assert {line.split()[0] for line in archived.asked()} == {"notion", *ProviderName}
    assert not [line for line in archived.asked() if line.startswith("notion") and " GET " not in line]
    history = archived("history")
    assert history.status == 0
    assert history.out.startswith("No figure has changed: 7 readings in ")


@pytest.mark.parametrize("provider", ProviderName)
def test_a_correction_is_found_to_the_day_and_kept(archived: Cli, provider: ProviderName) -> None:
    archived.only(ONE_KEY[provider])
    assert archived("collect", "--month", MONTH).status == 0
    day = correct(archived.sandbox, provider)
    before = traces(archived)
    told = archived("diff", "last", "--json")
    assert (told.status, told.err) == (1, "")
    assert traces(archived) == before
    (source,) = told.json["sources"]
    assert told.json["differs"]
    assert source["problems"] == []
    (row,) = source["notion"]
    assert row["columns"] == ["Cout USD"]
    assert float(row["now"]["cost_usd"]) - float(row["notion"]["cost_usd"]) == pytest.approx(1)
    (move,) = source["last_reading"]["moves"]
    assert (move["day"], move["difference_usd"]) == (day, "1")
    assert row["key"] in (move["project"], move["api_key"]) or row["key"].startswith("(")
    assert Decimal(move["new"]["cost_usd"]) - Decimal(move["old"]["cost_usd"]) == 1
    assert Decimal(source["cost_usd"]) - Decimal(source["last_reading"]["cost_usd"]) == 1

    shown = archived("diff", MONTH)
    assert shown.status == 1
    assert f"{MONTH}: differs from Notion" in shown.out
    assert f"{MONTH}: differs from the last reading" in shown.out
    assert day in shown.out
    apart = "1 row other than in Notion, 1 figure other than in the last reading"
    assert shown.out.endswith(f"{MONTH}, 1 source: {apart}. Nothing was written.\n")

    archived.set(LLM_USAGE_NOW=LATER)
    assert archived("collect", "--month", MONTH).status == 0
    assert archived("diff", MONTH).status == 0
    (change,) = archived("history", "--json").json["changes"]
    assert change["moved_most"] == move
    assert (change["moved"], change["was"], change["status"]) == (1, "settled", "Succes")
    assert Decimal(change["new"]["cost_usd"]) - Decimal(change["old"]["cost_usd"]) == 1
    table = archived("history", "--month", MONTH, "--provider", provider).out
    assert table.startswith("Changes")
    assert all(word in table for word in (day, "settled", "+1"))


def test_the_history_of_one_project(few: Cli) -> None:
    correct(few.sandbox, ProviderName.DEEPGRAM)
    few.set(LLM_USAGE_NOW=LATER)
    assert few("collect", "--month", MONTH).status == 0
    (change,) = few("history", "--json").json["changes"]
    project = change["moved_most"]["project"]
    (one,) = few("history", "--project", project, "--json").json["changes"]
    assert one["moved_most"] == change["moved_most"]
    assert Decimal(one["old"]["cost_usd"]) <= Decimal(change["old"]["cost_usd"])
    for arguments in (("--month", "2025-12"), ("--provider", "elevenlabs")):
        assert few("history", *arguments, "--json").json["changes"] == []


@pytest.mark.parametrize("arguments", [("--provider", "deepgram", MONTH), (MONTH, "--provider", "Deepgram")])
def test_one_provider_alone(few: Cli, arguments: tuple[str, ...]) -> None:
    correct(few.sandbox, ProviderName.DEEPGRAM)
    few.sandbox.journal.clear()
    told = few("diff", *arguments, "--json")
    assert told.status == 1
    assert by_name(told.json).keys() == {"deepgram/labs", "deepgram/prod"}
    assert not any(line.startswith("elevenlabs") for line in few.asked())


def test_one_account_alone(few: Cli) -> None:
    correct(few.sandbox, ProviderName.DEEPGRAM)
    told = few("diff", MONTH, "--account", "labs", "--json")
    assert told.status == 0
    assert by_name(told.json).keys() == {"deepgram/labs"}
    assert few("diff", MONTH, "--account", "PROD").status == 1


def test_without_an_archive_notion_alone_is_compared(few: Cli) -> None:
    few.set(LLM_USAGE_ARCHIVE="off")
    told = few("diff", MONTH)
    assert told.status == 0
    assert "note: LLM_USAGE_ARCHIVE is off: compared with Notion alone.\n" in told.out
    correct(few.sandbox, ProviderName.ELEVENLABS)
    told = few("diff", MONTH, "--json")
    assert (told.status, told.json["archive"]) == (1, None)
    found = by_name(told.json)["elevenlabs/default"]
    assert (len(found["notion"]), found["last_reading"]) == (1, None)
    history = few("history")
    assert history.status == 2
    assert "LLM_USAGE_ARCHIVE is off" in history.err


def test_a_month_that_nobody_has_read(few: Cli) -> None:
    told = few("diff", "2025-12", "--provider", "deepgram")
    assert told.status == 1
    assert "deepgram/prod: no reading of this month is kept: compared with Notion alone." in told.out
    rows = by_name(few("diff", "2025-12", "--provider", "deepgram", "--json").json)["deepgram/prod"]["notion"]
    assert rows
    assert all(row["notion"]["cost_usd"] is None for row in rows)


def test_somebody_has_changed_a_figure_in_notion(few: Cli) -> None:
    store = few.sandbox.notion.store
    row = next(one for name, one in few.rows().items() if "ElevenLabs" in name and one.value("Cout USD"))
    store.edit(row, {"Cout USD": 12345.5})
    told = few("diff", MONTH, "--json")
    assert told.status == 1
    source = by_name(told.json)["elevenlabs/default"]
    (found,) = source["notion"]
    assert (found["row"], found["notion"]["cost_usd"]) == (row.title, "12345.5")
    assert source["last_reading"]["moves"] == []


def test_other_people_s_names_are_shown_and_not_obeyed(few: Cli) -> None:
    store = few.sandbox.notion.store
    row = next(one for name, one in few.rows().items() if "ElevenLabs" in name and one.value("Cout USD"))
    store.edit(row, {"Cout USD": 12345.5, "Projet/API Key": "\x1b[2J[red]gone"})
    told = few("diff", MONTH)
    assert told.status == 1
    assert "\x1b" not in told.out


def test_ids_in_the_archive_are_shown_and_not_obeyed(cli: Cli, tmp_path: Path) -> None:
    cli.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    archive = Archive(open_store(str(tmp_path / "archive")))
    for day in (2, 3):
        at = datetime(2026, 2, day, tzinfo=UTC)
        record = UsageRecord(project="\x1b[2J[red]p", model="\u202em", cost=Decimal(day))
        source = Source(provider=ProviderName.OPENAI)
        archive.keep(SourceReport(source=source, month=Month(2026, 1), read_at=at, records=(record,)), AnswerLog())
    told = cli("history")
    assert told.status == 0
    assert "[red]p" in told.out
    assert not {"\x1b", "\u202e"} & set(told.out)
    told = cli("history", "--project", "\x1b[3J")
    assert (told.status, "\x1b" in told.err) == (2, False)


def test_a_source_that_can_t_be_read(few: Cli) -> None:
    few.sandbox.faults.add(Fault(api="elevenlabs", kind=Kind.STATUS, status=401, times=-1))
    before = traces(few)
    told = few("diff", MONTH)
    assert told.status == 1
    assert "Failure: elevenlabs: " in told.out
    assert told.out.endswith("nothing of what could be compared differs. Nothing was written.\n")
    assert traces(few) == before
    told = few("diff", MONTH, "--json")
    assert (told.status, told.json["differs"]) == (1, False)
    source = by_name(told.json)["elevenlabs/default"]
    assert (source["status"], source["cost_usd"], source["last_reading"]) == ("Echec", None, None)
    assert "The key comes from ELEVENLABS_API_KEY" in source["problems"][0]


def test_a_source_that_lacks_a_part_is_compared_as_far_as_it_goes(few: Cli) -> None:
    few.set(DEEPGRAM_API_KEY_PROD=few.sandbox.deepgram.accounts[0].member_key)
    told = few("diff", MONTH, "--account", "prod", "--json")
    assert told.status == 1
    (source,) = told.json["sources"]
    assert source["status"] == "Partiel"
    assert source["problems"]


def test_a_month_that_is_not_offered_says_nothing_about_its_figures(few: Cli) -> None:
    store = few.sandbox.notion.store
    row = next(one for name, one in few.rows().items() if "ElevenLabs" in name and one.value("Cout USD"))
    store.edit(row, {"Mois": "2015-01"})
    told = few("diff", "2015-01", "--provider", "elevenlabs", "--json")
    (source,) = told.json["sources"]
    assert (told.status, told.json["differs"], source["status"]) == (1, False, "Donnees indisponibles")
    assert source["problems"] == ["ElevenLabs gives nothing before 2020."]


def test_a_damaged_archive_is_no_proof(few: Cli) -> None:
    for path in (few.folder / "archive" / "records").rglob("*.parquet"):
        path.write_bytes(b"")
    told = few("diff", MONTH, "--json")
    assert (told.status, told.json["differs"]) == (1, False)
    assert all("is not what was written" in one["problems"][0] for one in told.json["sources"])
    (few.folder / "file").write_bytes(b"")
    few.set(LLM_USAGE_ARCHIVE=str(few.folder / "file"))
    told = few("diff", MONTH)
    assert told.status == 1
    assert "can't be opened" in told.out


def test_no_key_is_shown(archived: Cli) -> None:
    archived("collect", "--month", MONTH)
    for provider in ProviderName:
        correct(archived.sandbox, provider)
    secrets = [
        value
        for name, value in archived.sandbox.environment().items()
        if name.startswith((*KEY_VARIABLES.values(), "NOTION_TOKEN"))
    ]
    assert len(secrets) > 5
    said = [archived("diff", MONTH, *more) for more in ((), ("--json",))]
    archived.set(LLM_USAGE_NOW=LATER)
    archived("collect", "--month", MONTH)
    said += [archived("history", *more) for more in ((), ("--json",))]
    assert not [secret for secret in secrets for one in said if secret in one.out + one.err]


def test_a_provider_that_is_switched_off_is_left_out_unless_named(few: Cli) -> None:
    store = few.sandbox.notion.store
    for name in ("Deepgram", "ElevenLabs"):
        store.edit(store.database("Services LLM").row(name), {"Statut": "Inactif"})
    told = few("diff", MONTH)
    assert (told.status, told.out) == (2, "")
    assert "name one with --provider" in told.err
    assert few("diff", MONTH, "--provider", "elevenlabs").status == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("diff",), "month"),
        (("diff", "janvier"), "janvier"),
        (("diff", "2026-03"), "2026-03 has not begun"),
        (("diff", MONTH, "--account", "nobody"), "nobody"),
        (("diff", MONTH, "2025-12"), "2025-12"),
        (("history", "--month", "2026-03"), "2026-03 has not begun"),
        (("history", "--provider", "mistral"), "mistral"),
    ],
)
def test_wrong_arguments(cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    told = cli(*arguments)
    assert (told.status, told.out) == (2, "")
    assert word in told.err
    assert cli.asked() == []


def test_whoever_waits_sees_how_far_it_is(few: Cli) -> None:
    events: list[Event] = []
    with listening(events.append):
        assert few("diff", MONTH, "--account", "prod").status == 0
    kinds = [type(event) for event in events]
    assert (kinds[0], kinds[-1]) == (SourceBegun, SourceEnded)
    assert kinds.count(PageRead) >= 1
