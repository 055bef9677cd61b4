"""`llm-usage digest`, and what a collection tells by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.faults import Fault, Kind
from tests.cli.programs import Cli, Program
from tests.receiver import SECRET, Receiver, receiving
from usage.settings import KEY_VARIABLES

FEW = ("DEEPGRAM_API_KEY_PROD", "ANTHROPIC_ADMIN_KEY")
MONTHS = ("2025-12", "2026-01", "2026-02")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def few(ready: Cli) -> Cli:
    """Two providers, and an archive and a state of this test's own."""
    ready.only(*FEW)
    ready.set(LLM_USAGE_ARCHIVE=str(ready.folder / "archive"), LLM_USAGE_LANG="en")
    return ready


def collect(cli: Cli, *months: str) -> None:
    for month in months:
        assert cli("collect", "--month", month, "--json").status == 0


def test_ten_lines_at_most_in_two_languages(few: Cli) -> None:
    collect(few, *MONTHS)
    (few.folder / "budgets.toml").write_text("total = 100\n[provider]\nanthropic = 1000000\n[project]\nnobody = 1\n")
    lines = few("digest").out.splitlines()
    assert len(lines) <= 10
    total = few("collect", "--month", "2026-01", "--json").json
    cost = sum(Decimal(one["cost_usd"]) for one in total["sources"])
    assert lines[0] == f"AI usage in January 2026: ${cost:,.2f}, closed."
    assert lines[1].endswith("against December 2025.")
    assert all("now $" in line for line in lines[2:5])
    (budget,) = (line for line in lines if "Budget" in line)
    assert budget.startswith("Budget for everything: passed on Jan ")
    assert "A budget names what no row has: nobody." in budget
    assert "Nothing is missing." in lines
    assert lines[-1].startswith("Notion: https://")

    french = few("digest", "--lang", "fr", "--month", "current").out.splitlines()
    assert french[0].startswith("Usages IA, février 2026 : ")
    assert french[0].endswith("jour 14 sur 28.")
    assert any(line.startswith("Prévision de fin de mois : ") for line in french)
    assert len(french) <= 10


def test_json_has_every_digit_and_markdown_no_markup_of_others(few: Cli) -> None:
    collect(few, *MONTHS[:2])
    answer = few("digest", "--json").json
    collected = few("collect", "--month", "2026-01", "--json").json
    assert Decimal(answer["total_usd"]) == sum(Decimal(one["cost_usd"]) for one in collected["sources"])
    change = answer["change"]
    assert Decimal(change["now_usd"]) - Decimal(change["before_usd"]) == Decimal(change["change_usd"])
    assert answer["text"] == few("digest").out.rstrip("\n")
    assert answer["markdown"] == few("digest", "--markdown").out.rstrip("\n")
    assert answer["markdown"].startswith("**AI usage in January 2026: ")
    assert "<b>" not in answer["markdown"]


def test_people_s_own_columns_and_euros(few: Cli) -> None:
    collect(few, *MONTHS[:2])
    store = few.sandbox.notion.store
    usages = store.database("Usages LLM")
    clients = store.make_database("Clients", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": clients.source_id, "type": "single_property", "single_property": {}}}
    store.change_schema(usages, {"Client": relation, "Équipe": {"rich_text": {}}})
    acme = store.add_row(clients, {"Nom": "ACME"})
    rows = [row for row in usages.rows() if row.value("Mois") == "2026-01" and row.value("Cout USD")]
    for row in rows[1:]:
        store.edit(row, {"Client": (acme.id,), "Équipe": "Web"})
    share = Decimal(str(rows[0].value("Cout USD"))) / sum(Decimal(str(row.value("Cout USD"))) for row in rows)
    (few.folder / "budgets.toml").write_text("[column.client]\nacme = 1\n")
    few.sandbox.ecb.rates = {"2026-01": "1.25"}
    few.set(NOTION_CARRY_COLUMNS="Équipe, Client", REPORT_CURRENCY="EUR")

    told = few("digest")
    lines = told.out.splitlines()
    assert (told.err, len(lines) <= 10) == ("", True)
    assert any(line.startswith("Équipe: Web $") for line in lines)
    assert any(line.startswith("Budget for client: acme: passed on Jan ") for line in lines)
    assert any("1 EUR = 1.25 USD" in line for line in lines)
    answer = few("digest", "--by", "client", "--json").json
    assert Decimal(answer["second_currency"]["total"]) * Decimal("1.25") == Decimal(answer["total_usd"])
    (by,) = answer["by"]
    assert (by["column"], [group["values"] for group in by["groups"]]) == ("Client", [["ACME"]])
    assert Decimal(by["without"]["cost_usd"]) / Decimal(answer["total_usd"]) == pytest.approx(share)
    assert "\nClient: ACME $" in answer["text"]
    told = few("digest", "--by", "Clint")
    assert told.status == 2
    assert "--by Clint: no row has anything in a column of that name; filled: Client, Équipe" in told.err


def test_nothing_collected_and_nothing_to_compare(few: Cli) -> None:
    told = few("digest")
    assert told.out.splitlines()[0] == "AI usage in January 2026: not collected."
    assert "llm-usage collect --month 2026-01 does it" in told.err
    collect(few, "2026-01")
    assert few("digest").out.splitlines()[1] == "Nothing to compare with in December 2025."


def test_a_month_that_was_never_collected_is_not_sent(few: Cli, receiver: Receiver) -> None:
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    told = few("digest", "--send", "--month", "2025-11")
    assert (told.status, told.out) == (2, "")
    assert told.err == "llm-usage: 2025-11 was never collected: llm-usage collect --month 2025-11 does it\n"
    assert receiver.messages == []


def test_what_is_missing_is_named(few: Cli) -> None:
    collect(few, "2026-01")
    few.sandbox.faults.add(Fault(api="deepgram", kind=Kind.STATUS, status=401, times=-1))
    assert few("collect", "--month", "2026-01").status == 1
    assert "Missing: Deepgram prod (could not be read)." in few("digest").out


def test_what_can_not_be_used_is_refused(few: Cli, receiver: Receiver) -> None:
    told = few("digest", "--send")
    assert (told.status, told.out) == (2, "")
    assert "LLM_USAGE_NOTIFY_FILE is not set" in told.err
    path = receiver.file(few.folder)
    few.set(LLM_USAGE_NOTIFY_FILE=path)
    Path(path).chmod(0o644)
    told = few("digest", "--send")
    assert (told.status, told.out) == (2, "")
    assert f"chmod 600 {path}" in told.err
    for options in (
        ("--again",),
        ("--markdown", "--json"),
        ("--markdown", "--send"),
        ("--by=x", "--by=y", "--by=z", "--by=w"),
    ):
        told = few("digest", *options)
        assert told.status == 2, options
    (few.folder / "budgets.toml").write_text("total = 1\ntotl = 2\n")
    told = few("digest")
    assert told.status == 2
    assert f"{few.folder}/budgets.toml, line 2: 'totl' means nothing here" in told.err
    assert receiver.messages == []


def test_send_once_for_each_state(few: Cli, receiver: Receiver) -> None:
    collect(few, "2026-01")
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    told = few("digest", "--send")
    assert (told.status, told.out) == (0, "2026-01: sent to 1 address.\n")
    assert few("digest", "--send", "--json").json["delivery"] == {"sent": 0, "known": 1, "failed": 0}
    assert few("digest", "--send", "--again").status == 0
    assert len(receiver.messages) == 2
    assert receiver.bodies[0].startswith("AI usage in January 2026: ")
    receiver.status = 500
    told = few("digest", "--send", "--again")
    assert told.status == 1
    assert "not sent to the address in line 1 of LLM_USAGE_NOTIFY_FILE: it was refused (HTTP 500)" in told.err
    assert SECRET not in told.out + told.err


# What a collection tells by itself


def test_the_digest_of_a_closed_month_is_sent_once(few: Cli, receiver: Receiver) -> None:
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    collect(few, "2025-12")
    assert receiver.messages == []
    collect(few, "2026-01", "2026-01")
    assert [body.splitlines()[0].partition(":")[0] for body in receiver.bodies] == ["AI usage in January 2026"]
    collect(few, "2026-02")
    assert len(receiver.messages) == 1


def test_the_running_month_each_week_where_it_is_wished_for(few: Cli, receiver: Receiver) -> None:
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder, "weekly = friday"))
    collect(few, "2026-02", "2026-02")
    assert len(receiver.messages) == 1
    few.set(LLM_USAGE_NOW="2026-02-20T08:00:00Z")
    collect(few, "2026-02", "2026-02")
    heads = [body.splitlines()[0].rpartition(", ")[2] for body in receiver.bodies]
    assert heads == ["day 14 of 28.", "day 20 of 28."]


def test_what_could_not_be_sent_is_a_warning_without_the_address_and_comes_with_the_next_run(
    few: Cli, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    receiver.status = 500
    told = few("collect", "--month", "2026-01")
    assert told.status == 0
    assert "The digest was not sent to the address in line 1 of LLM_USAGE_NOTIFY_FILE" in told.err
    assert "HTTP 500" in told.err
    assert SECRET not in told.out + told.err + caplog.text
    receiver.status = 200
    collect(few, "2026-01")
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("archive", ["off", "here"])
def test_a_budget_that_is_passed_is_a_warning_each_time_and_an_alert_once(
    few: Cli, receiver: Receiver, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(few.folder / "state"))
    few.set(LLM_USAGE_BUDGET="1", LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    if archive == "off":
        few.set(LLM_USAGE_ARCHIVE="off")
    for _ in range(2):
        told = few("collect", "--month", "current")
        assert told.status == 0
        assert "2026-02: Budget for everything: passed" in told.err
    assert len(receiver.messages) == 1
    assert receiver.messages[0]["title"] == "AI usage: budget"
    few.set(LLM_USAGE_BUDGET="2")
    collect(few, "current")
    assert len(receiver.messages) == 2
    few.set(LLM_USAGE_BUDGET="1000000")
    assert few("collect", "--month", "current").err == ""


def test_a_dry_run_tells_nobody(few: Cli, receiver: Receiver) -> None:
    few.set(LLM_USAGE_BUDGET="1", LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder))
    assert few("collect", "--month", "2026-01", "--dry-run").err == ""
    assert receiver.messages == []


def test_files_that_can_not_be_used_do_not_turn_a_collection_red(few: Cli, receiver: Receiver) -> None:
    path = receiver.file(few.folder)
    Path(path).chmod(0o644)
    few.set(LLM_USAGE_NOTIFY_FILE=path)
    (few.folder / "budgets.toml").write_text("total = cheap")
    told = few("collect", "--month", "2026-01")
    assert told.status == 0
    assert "Budgets are not looked at: " in told.err
    assert f"chmod 600 {path}" in told.err
    told = few("check")
    assert (told.status, told.out.count(f"chmod 600 {path}")) == (0, 1)


def test_a_file_of_rates_that_can_not_be_used_costs_the_euros_alone(few: Cli, receiver: Receiver) -> None:
    rates = few.folder / "rates.csv"
    rates.write_text("month,rate\n2026-01,cheap\n")
    few.set(LLM_USAGE_NOTIFY_FILE=receiver.file(few.folder), REPORT_CURRENCY="EUR", EUR_RATES_FILE=str(rates))
    told = few("collect", "--month", "2026-01")
    assert told.status == 0
    assert "the digest is told in US dollars only: EUR_RATES_FILE: line 2 is not" in told.err
    assert len(receiver.messages) == 1
    assert "EUR_RATES_FILE: line 2 is not" in few("check").out
    assert few("digest").status == 2
    rates.write_text("month,rate\n2026-01,1.25\n")
    assert " (€" in few("collect", "--month", "2026-01").out
    assert few.sandbox.journal.requests("ecb") == []


def test_without_budgets_and_addresses_nothing_is_read_for_it(few: Cli) -> None:
    first = few("collect", "--month", "2026-01", "--json").json["notion"]["requests"]
    assert len(few.sandbox.journal.requests("notion")) == first


def test_two_collections_that_race_send_one_digest(program: Program, prefect_api: str, receiver: Receiver) -> None:
    program.use(prefect_api)
    program.variables |= {"LLM_USAGE_NOTIFY_FILE": receiver.file(program.folder), "LLM_USAGE_LANG": "en"}
    others = [name for name in program.variables if name.startswith(tuple(KEY_VARIABLES.values())) and name not in FEW]
    program.missing = tuple(others)
    assert program.run("setup", "--json").status == 0
    two = [program.start("collect", "--month", "2026-01", "--json") for _ in range(2)]
    ended = [one.communicate(timeout=300) for one in two]
    assert [one.returncode for one in two] == [0, 0], ended
    assert len(receiver.messages) == 1
    assert SECRET not in str(ended)
