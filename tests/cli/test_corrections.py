"""A settled figure that its provider corrects: told in `Log Status`, by `history` and on the run's page, for each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.corrections import MONTH, ONE_KEY, correct
from tests.cli.programs import Cli
from tests.flows.world import Prefect
from tests.tasks.pages.results import read_page
from usage.names import ProviderName

DAYS = ("2026-02-15", "2026-02-16", "2026-02-17", "2026-02-18")
TOLD = re.compile(
    r"Corrigé : (?P<old>\S+) → (?P<new>\S+) USD le (?P<at>\S+) \((?:« (?P<what>[^»]+) » )?le (?P<day>[\d-]+)\)\."
)


@pytest.fixture
def archived(ready: Cli, tmp_path: Path) -> Cli:
    """The command line with an archive."""
    ready.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    return ready


def collect(cli: Cli, day: str) -> Any:
    """What a collection of that day came to."""
    cli.set(LLM_USAGE_NOW=f"{day}T08:00:00Z")
    told = cli("collect", "--month", MONTH, "--json")
    assert told.status == 0
    return told.json["notion"]


def logs(cli: Cli) -> dict[str, str]:
    """Logs of the rows of projects and keys that tell of a correction."""
    found = {name: str(row.value("Log Status")) for name, row in cli.rows().items() if "(collecte)" not in name}
    return {name: log for name, log in found.items() if "Corrigé" in log}


def amount(text: str) -> float:
    return float(text.replace(",", "."))


@pytest.mark.parametrize("provider", ProviderName)
def test_a_correction_is_told_wherever_a_person_looks(archived: Cli, provider: ProviderName) -> None:
    archived.only(ONE_KEY[provider])
    collect(archived, "2026-02-14")
    assert logs(archived) == {}
    day = correct(archived.sandbox, provider)
    collect(archived, DAYS[0])
    ((row, log),) = logs(archived).items()
    (told,) = TOLD.finditer(log)
    assert log.endswith(told[0])
    assert (told["at"], told["day"]) == (DAYS[0], day)
    assert amount(told["new"]) - amount(told["old"]) == pytest.approx(1, abs=0.011)
    cost = archived.rows()[row].value("Cout USD")
    assert amount(told["new"]) == pytest.approx(cost, abs=0.006)

    (change,) = archived("history", "--json").json["changes"]
    moved = change["moved_most"]
    assert (change["was"], change["moved"], moved["day"]) == ("settled", 1, day)
    assert (moved["model"] or moved["item"]) == told["what"]

    page = page_of_the_last_run()
    assert "Corrections" in page.headings
    (table,) = [table for table in page.tables if table[0][3:5] == ["Most on", "Model"]]
    (line,) = table[1:]
    assert (line[0], line[3]) == (f"{DAYS[0]} 08:00", day)
    assert line[4] in (told["what"], "–")
    assert float(line[6].split()[0]) - float(line[5].split()[0]) == pytest.approx(1, abs=0.011)

    # A second run has nothing to write but its own row.
    again = collect(archived, DAYS[1])
    assert (again["created"], again["updated"], again["trashed"]) == (0, 1, 0)
    assert logs(archived) == {row: log}


def page_of_the_last_run() -> Any:
    prefect = Prefect()
    run = max((run for run in prefect.runs() if run.name == f"{MONTH} collect"), key=lambda run: run.start_time)
    return read_page(prefect.artifacts(run.id)[f"report-{MONTH}"])


def test_all_corrections_stay_told_the_latest_first_whatever_becomes_of_the_archive(archived: Cli) -> None:
    archived.only(ONE_KEY[ProviderName.DEEPGRAM])
    collect(archived, "2026-02-14")
    for day in DAYS[:2]:
        correct(archived.sandbox, ProviderName.DEEPGRAM)
        collect(archived, day)
    ((row, log),) = logs(archived).items()
    first, second = TOLD.finditer(log)
    assert (first["at"], second["at"]) == (DAYS[1], DAYS[0])
    assert first["old"] == second["new"]

    archived.set(LLM_USAGE_ARCHIVE="off")
    assert collect(archived, DAYS[2])["updated"] == 1
    assert logs(archived) == {row: log}
    # What nobody keeps is told as before, without what moved.
    correct(archived.sandbox, ProviderName.DEEPGRAM)
    collect(archived, DAYS[2])
    plain = rf"Corrigé : {re.escape(first['new'])} → \S+ USD le {DAYS[2]}\. "
    longer = logs(archived)[row]
    assert re.search(plain + re.escape(first[0]), longer)

    shutil.rmtree(archived.folder / "archive")
    archived.set(LLM_USAGE_ARCHIVE=str(archived.folder / "archive"))
    assert collect(archived, DAYS[3])["updated"] == 1
    assert logs(archived) == {row: longer}


def test_a_row_that_is_made_anew_has_its_history_from_the_archive(archived: Cli) -> None:
    archived.only(ONE_KEY[ProviderName.DEEPGRAM])
    collect(archived, "2026-02-14")
    correct(archived.sandbox, ProviderName.DEEPGRAM)
    collect(archived, DAYS[0])
    ((row, log),) = logs(archived).items()
    archived.sandbox.notion.store.trash(archived.rows()[row])
    assert collect(archived, DAYS[1])["created"] == 1
    assert logs(archived) == {row: log}


def test_an_archive_that_can_t_be_read_costs_nothing_but_what_moved(archived: Cli) -> None:
    archived.only(ONE_KEY[ProviderName.DEEPGRAM])
    collect(archived, "2026-02-14")
    correct(archived.sandbox, ProviderName.DEEPGRAM)
    for path in (archived.folder / "archive" / "journal").rglob("*.json"):
        path.write_bytes(b"{")
    collect(archived, DAYS[0])
    (log,) = logs(archived).values()
    assert re.search(rf"Corrigé : \S+ → \S+ USD le {DAYS[0]}\.$", log)


def test_what_a_person_changed_in_notion_is_brought_back_and_no_correction(archived: Cli) -> None:
    archived.only(ONE_KEY[ProviderName.DEEPGRAM])
    collect(archived, "2026-02-14")
    before = archived.figures()
    name = next(name for name in before if "(collecte)" not in name)
    archived.sandbox.notion.store.edit(archived.rows()[name], {"Cout USD": 1.0})
    assert collect(archived, DAYS[0])["updated"] == 2
    assert logs(archived) == {}
    assert archived.figures()[name]["Cout USD"] == before[name]["Cout USD"]
