"""Whose row it is, through the command: people change labels, keys, rows and clocks, and Notion goes on showing what
the sources told, once, with nothing of a person's changed.

Every sequence is played for all five providers at once, each with two organisations.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import pytest

from sandbox.anthropic import cast
from sandbox.elevenlabs import world as elevenlabs
from sandbox.everything import Sandbox
from sandbox.notion.screen.cells import Cell
from sandbox.notion.store import Row
from sandbox.openrouter import world as openrouter
from sandbox.shared.bill import Bill
from tests.cli.programs import Cli, Output
from tests.standins import Account, StandIn
from usage.names import ProviderName
from usage.settings import KEY_VARIABLES

MONTH = "2026-01"
COLLECTION = "(collecte)"
FIGURES = ("Cout USD", "Tokens Input", "Tokens Output", "Requetes")
TINY = Decimal("0.00001")
"""USD by which a sum of Notion's doubles may differ."""

PERSONS: tuple[tuple[str, dict[str, Cell]], ...] = (
    ("ChatGPT Team", {"Cout USD": 300}),
    ("Facture à vérifier - Erreur", {}),
    ("Licences", {"Cout USD": 12.5, "Projet/API Key": "licences", "Workspace": "a"}),
)


class Clock:
    """The stand-ins' clock, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """Two organisations at every provider."""
    with Sandbox(clock) as sandbox:
        sandbox.anthropic.accounts.append(cast.account("LABO", 1, clock))
        sandbox.elevenlabs.accounts += elevenlabs.accounts(clock, 2)
        sandbox.openrouter.accounts += openrouter.accounts(clock, 2)
        yield sandbox


class Office:
    """Two organisations at every provider, `acme` and `labo`, the keys that are set, and the month in Notion."""

    def __init__(self, cli: Cli, clock: Clock) -> None:
        self.cli, self.clock = cli, clock
        self.apis: dict[ProviderName, StandIn] = {ProviderName(api.name): api for api in cli.sandbox.providers}
        self.store = cli.sandbox.notion.store
        self.usages = self.store.database("Usages LLM")
        self.told: dict[tuple[str, str], Decimal] = {}
        """What each organisation of each provider told last, in USD; its sum, as `--json` has it."""
        self._labels: dict[str, str] = {}

    def organisation(self, provider: ProviderName, name: str) -> Account:
        found: Account = self.apis[provider].accounts[("acme", "labo").index(name)]
        return found

    def keys(self, **organisations: str) -> None:
        """Set each provider's keys: organisations by the labels of their accounts; `default` has none."""
        self.cli.only()
        self._labels = organisations
        for provider, variable in KEY_VARIABLES.items():
            for label, name in organisations.items():
                full = variable if label == "default" else f"{variable}_{label.upper()}"
                self.cli.set(**{full: self.organisation(provider, name).key})

    def collect(self, *arguments: str, minutes: int = 5, month: str = MONTH) -> Output:
        """Collect some minutes later. What sources told whole is remembered."""
        self.clock.now += timedelta(minutes=minutes)
        self.cli.set(LLM_USAGE_NOW=self.clock.now.isoformat())
        told = self.cli("collect", "--month", month, "--json", *arguments)
        for source in told.json["sources"] if month == MONTH else ():
            name = self._labels[source["account"]]
            # Of two keys of one organisation the second tells nothing of its own.
            if source["status"] == "Succes" and source["cost_usd"] is not None:
                self.told[source["provider"], name] = Decimal(source["cost_usd"])
        return told

    def backfill(self) -> list[dict[str, Any]]:
        """Sources of a backfill of the month, what stands in Notion for good included."""
        self.clock.now += timedelta(minutes=5)
        self.cli.set(LLM_USAGE_NOW=self.clock.now.isoformat())
        self.cli.sandbox.journal.clear()
        told = self.cli("backfill", MONTH, MONTH, "--json")
        assert told.status == 0, told.out
        (month,) = told.json["months"]
        sources: list[dict[str, Any]] = month["sources"]
        return sources

    def rows(self, provider: ProviderName) -> list[Row]:
        """The provider's rows of the month, whoever wrote them."""
        starts = f"{MONTH} - {provider.label} - "
        return [row for row in self.usages.rows() if row.title.startswith(starts) and row.value("Mois") == MONTH]

    def check(self) -> None:
        """Notion shows what was told, once, and each row has what its project or key cost."""
        for provider, api in self.apis.items():
            rows = [row for row in self.rows(provider) if row.value("Projet/API Key") != COLLECTION]
            shown = sum((usd(row) for row in rows), Decimal(0))
            told = sum(cost for (name, _), cost in self.told.items() if name == provider)
            assert abs(shown - told) < TINY, f"{provider}: {told} told, {shown} in Notion"
            ids = Counter(str(row.value("Projet/API Key")) for row in rows)
            # Usage of no id is there once for each organisation; two workspaces may have a key of one name.
            assert [key for key, count in ids.items() if count > 1 and not key.startswith(("(", "label:"))] == []
            for index, name in enumerate(("acme", "labo")):
                if (provider, name) in self.told:
                    self._check_bill(provider, api.bill(api.accounts[index], MONTH), rows)

    def check_sum(self, organisations: Collection[str] = ("acme", "labo")) -> None:
        """Notion shows as much as these organisations told."""
        for provider in self.apis:
            shown = sum((usd(row) for row in self.rows(provider)), Decimal(0))
            told = sum(self.told[provider, name] for name in organisations)
            assert abs(shown - told) < TINY, f"{provider}: {told} told, {shown} in Notion"

    def refuse(self, label: str) -> None:
        """Keys that the providers do not know, in place of those of this account."""
        for variable in KEY_VARIABLES.values():
            name = f"{variable}_{label.upper()}"
            self.cli.set(**{name: f"{os.environ[name][:-4]}0000"})

    def grain(self, **providers: Sequence[str]) -> None:
        """Set grains: names of providers by grain; none: each has its own again."""
        self.cli.unset(*(f"{name.upper()}_GRAIN" for name in ProviderName))
        for grain, names in providers.items():
            self.cli.set(**{f"{name}_GRAIN": grain for name in names})

    def costs_more(self, name: str) -> None:
        """An organisation's first facts come once more at every provider."""
        for provider in ProviderName:
            facts = self.organisation(provider, name).facts(MONTH)
            facts += [deepcopy(fact) for fact in facts[:40]]

    def person(self, service: str, title: str, cells: Mapping[str, Cell]) -> Row:
        """A row that somebody types into the same table."""
        link = self.store.database("Services LLM").row(service)
        fields: dict[str, Cell] = {"Identifiant": title, "Mois": MONTH, "Service": (link.id,)}
        return self.store.add_row(self.usages, {**fields, **cells})

    def dearest(self, provider: ProviderName) -> Row:
        return max((row for row in self.rows(provider) if row.value("Projet/API Key") != COLLECTION), key=usd)

    def _check_bill(self, provider: ProviderName, bill: Bill, rows: list[Row]) -> None:
        for line in bill.rows:
            # A name in an id's place, and usage of no id, are told apart by the sum alone.
            if not line.key or line.key.startswith("label:"):
                continue
            (row,) = (row for row in rows if row.value("Projet/API Key") == line.key)
            assert abs(usd(row) - (line.cost or 0)) < TINY, f"{provider}: {line.key}"

    def collect_well(self, *arguments: str) -> Any:
        """Collect, and all is well."""
        told = self.collect(*arguments)
        assert (told.status, told.json["status"]) == (0, "Succes"), problems(told)
        self.check()
        return told

    def settle(self) -> None:
        """Collect once more: nothing but the sources' own rows is written."""
        told = self.collect_well().json
        counts = {name: told["notion"][name] for name in ("created", "updated", "trashed")}
        assert counts == {"created": 0, "updated": len(told["sources"]), "trashed": 0}

    def data(self) -> dict[str, dict[str, Any]]:
        """All values of the rows of projects and keys, by page."""
        return {row.id: row.values() for row in self.usages.rows() if row.value("Projet/API Key") != COLLECTION}


def usd(row: Row) -> Decimal:
    value = row.value("Cout USD")
    return Decimal(0) if value is None else Decimal(str(value))


def figures(data: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {page: tuple(values[name] for name in FIGURES) for page, values in data.items()}


def problems(told: Output) -> list[str]:
    """What the sources that are not all well say."""
    return [
        f"{one['provider']}/{one['account']}: {one['log']}" for one in told.json["sources"] if one["status"] != "Succes"
    ]


@pytest.fixture
def office(ready: Cli, clock: Clock) -> Office:
    office = Office(ready, clock)
    ready.only()
    return office


# -- labels and keys


def test_two_accounts_exchange_their_labels(office: Office) -> None:
    office.keys(a="acme", b="labo")
    first = office.collect_well()
    assert len(first.json["sources"]) == 10
    office.settle()
    pages = set(office.data())
    office.keys(a="labo", b="acme")
    told = office.collect_well()
    assert set(office.data()) == pages
    costs = {(one["provider"], one["account"]): one["cost_usd"] for one in first.json["sources"]}
    swapped = {(name, {"a": "b", "b": "a"}[label]): cost for (name, label), cost in costs.items()}
    assert {(one["provider"], one["account"]): one["cost_usd"] for one in told.json["sources"]} == swapped
    office.settle()


def test_exchanged_labels_read_one_after_the_other(office: Office) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    pages = set(office.data())
    office.keys(a="labo", b="acme")
    for label in ("a", "b"):
        office.collect_well("--account", label)
    office.keys(a="acme", b="labo")
    for label in ("b", "a"):
        office.collect_well("--account", label)
    office.settle()
    assert set(office.data()) == pages


@pytest.mark.parametrize("filters", [((),), (("--account", "default"), ("--account", "acme"))])
def test_the_plain_variable_gets_a_second_organisation(office: Office, filters: tuple[tuple[str, ...], ...]) -> None:
    office.keys(default="acme")
    office.collect_well()
    office.keys(default="labo", acme="acme")
    for arguments in filters:
        office.collect_well(*arguments)
    office.settle()


def test_a_key_replaced_by_another_organisation_s(office: Office) -> None:
    office.keys(default="acme")
    office.collect_well()
    before = office.data()
    office.keys(default="labo")
    told = office.collect_well()
    assert before.items() <= office.data().items()
    for source in told.json["sources"]:
        assert "organisation que cette clé ne voit pas restent" in source["log"], source["provider"]
    kept = [(one["row"], one["key"]) for one in told.json["notion"]["kept"]]
    with_figures = [values for values in before.values() if any(values[name] for name in FIGURES)]
    assert sorted(kept) == sorted((values["Identifiant"], values["Projet/API Key"]) for values in with_figures)
    office.settle()
    office.keys(default="acme")
    office.collect_well()
    office.settle()


def test_one_account_removed_and_the_other_renamed(office: Office) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    for name in ("c", "default", "a"):
        office.keys(**{name: "labo"})
        office.collect_well()
    office.keys(a="acme", b="labo")
    office.collect_well()
    office.settle()


def test_a_second_key_of_one_organisation_and_the_first_goes(office: Office) -> None:
    office.keys(a="acme")
    office.collect_well()
    office.keys(a="acme", b="acme")
    told = office.collect()
    assert told.status == 0
    office.check_sum({"acme"})
    office.keys(b="acme")
    office.collect_well()
    office.settle()


def test_an_organisation_under_other_labels_where_one_of_two_keys_is_refused(office: Office) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    office.keys(a="labo", b="acme")
    for label in ("a", "b"):
        office.keys(a="labo", b="acme")
        office.refuse(label)
        assert office.collect().status == 1
        office.check()
    office.keys(a="labo", b="acme")
    office.collect_well()
    office.settle()


def test_labels_and_grain_change_together(office: Office) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    office.keys(a="labo", b="acme")
    office.grain(project=("ANTHROPIC", "ELEVENLABS", "OPENROUTER"), api_key=("OPENAI", "DEEPGRAM"))
    told = office.collect()
    assert (told.status, problems(told)) == (0, [])
    office.check_sum()
    office.keys(a="acme", b="labo")
    told = office.collect()
    assert (told.status, problems(told)) == (0, [])
    office.check_sum()
    office.grain()
    office.keys(default="acme", b="labo")
    office.collect_well()
    office.settle()


# -- when it was read


def test_a_time_in_the_future_freezes_nothing(office: Office) -> None:
    office.keys(a="acme")
    office.collect_well()
    for row in office.usages.rows():
        office.store.edit(row, {"Collecte Le": datetime(2026, 12, 31, tzinfo=UTC)})
    office.costs_more("acme")
    office.collect_well()
    office.settle()


def test_a_clock_that_was_fast_once_freezes_nothing(office: Office) -> None:
    office.keys(a="acme")
    office.clock.now += timedelta(minutes=5)
    office.cli.set(LLM_USAGE_NOW=(office.clock.now + timedelta(days=2)).isoformat())
    assert office.cli("collect", "--month", MONTH, "--json").status == 0
    office.costs_more("acme")
    office.collect_well()
    office.settle()


# -- whose hand


def test_rows_of_people_stay_as_they_are(office: Office) -> None:
    office.keys(default="acme")
    office.collect_well()
    rows = [office.person(service, *row) for service in ("OpenAI", "ElevenLabs") for row in PERSONS]
    before = {row.id: (row.values(), row.last_edited_time) for row in rows}
    for accounts in ({"default": "labo"}, {"a": "labo", "b": "acme"}):
        office.keys(**accounts)
        told = office.collect_well()
        kept = [one["row"] for one in told.json["notion"]["kept"] if "une personne ou un autre programme" in one["why"]]
        assert sorted(kept) == sorted(2 * [title for title, _ in PERSONS])
        assert {row.id: (row.values(), row.last_edited_time) for row in rows} == before
    assert office.cli("heal", "--yes", "--json").json["trashed"] == 0
    assert {row.id: (row.values(), row.last_edited_time) for row in rows} == before
    office.check()


def test_a_mistyped_month_moves_no_figures(office: Office) -> None:
    office.keys(default="acme")
    office.collect_well()
    slipped = [office.dearest(provider) for provider in ProviderName]
    for row in slipped:
        office.store.edit(row, {"Mois": "2025-12"})
    before = {row.id: row.values() for row in slipped}
    office.collect_well()
    office.collect(month="2025-12")
    healed = office.cli("heal", "--yes", "--json").json
    assert (healed["trashed"], healed["merged"]) == (0, 0)
    assert sorted(left["row"] for left in healed["left"]) == sorted(row.title for row in slipped)
    assert {row.id: row.values() for row in slipped} == before
    for row in slipped:
        office.store.edit(row, {"Mois": MONTH})
    office.collect_well()
    office.settle()


def test_rows_that_a_person_throws_away_come_again_and_notes_stay(office: Office) -> None:
    office.store.change_schema(office.usages, {"Remarque": {"rich_text": {}}})
    office.keys(a="acme", b="labo")
    office.collect_well()
    for provider in ProviderName:
        for row in office.rows(provider)[::3]:
            office.store.trash(row)
        for row in office.rows(provider):
            office.store.edit(row, {"Remarque": f"à revoir {row.id}"})
    office.keys(a="labo", b="acme")
    office.costs_more("acme")
    told = office.collect()
    assert (told.status, problems(told)) == (0, [])
    office.check()
    office.settle()
    assert all(row.value("Remarque") in (None, f"à revoir {row.id}") for row in office.usages.rows())


# -- a month that is over


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_month_that_is_over_loses_money_only_by_consent(office: Office, is_emptied: bool) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    before = office.data()
    for provider in ProviderName:
        account = office.organisation(provider, "acme")
        if is_emptied:
            account.clear(MONTH)
        else:
            facts = account.facts(MONTH)
            del facts[len(facts) // 3 :]
    told = office.collect()
    assert (told.status, told.json["status"]) == (1, "Partiel")
    assert {one["account"]: one["status"] for one in told.json["sources"]} == {"a": "Partiel", "b": "Succes"}
    assert office.data() == before
    office.check_sum()
    for source in told.json["sources"]:
        if source["account"] == "a":
            assert f"--provider {source['provider']} --account a --accept-lower" in source["log"]
            again = office.collect(*f"--provider {source['provider']} --account a --accept-lower".split())
            assert (again.status, problems(again)) == (0, []), again.json
    if is_emptied:
        # No rows are no figure, rather than 0.
        office.told |= {(provider, "acme"): Decimal(0) for provider in ProviderName}
    else:
        office.check()
    office.check_sum()


def test_a_permission_that_is_taken_away_costs_no_figures(office: Office) -> None:
    office.keys(default="acme")
    office.collect_well()
    for provider, variable in KEY_VARIABLES.items():
        account = office.organisation(provider, "acme")
        office.cli.set(**{variable: getattr(account, "limited_key", "") or account.inference_key})
    before = office.data()
    told = office.collect()
    assert told.status == 1
    # Names that can't be read are ids.
    assert figures(office.data()) == figures(before)
    office.keys(default="acme")
    office.collect_well()


# -- two keys that see one project


def see_one_project(office: Office) -> None:
    """Every key of `labo` at Deepgram sees the first project of `acme`, too."""
    acme, labo = office.apis[ProviderName.DEEPGRAM].accounts
    labo.projects.append(acme.projects[0])


@pytest.fixture
def deepgram(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Keys of this provider alone: it lets two accounts see one project."""
    monkeypatch.setattr(f"{__name__}.KEY_VARIABLES", {ProviderName.DEEPGRAM: "DEEPGRAM_API_KEY"})
    return office


def in_notion(office: Office) -> dict[str, Decimal]:
    """Cost of each project; none has two rows."""
    rows = [row for row in office.rows(ProviderName.DEEPGRAM) if row.value("Projet/API Key") != COLLECTION]
    costs = {str(row.value("Projet/API Key")): usd(row) for row in rows}
    assert len(costs) == len(rows)
    return costs


def test_a_project_that_two_accounts_see(deepgram: Office) -> None:
    see_one_project(deepgram)
    deepgram.keys(a="acme", b="labo")
    assert deepgram.collect().status == 0
    costs = in_notion(deepgram)
    pages = set(deepgram.data())
    for keys, arguments in (
        ({"a": "acme", "b": "labo"}, ("--account", "b")),
        ({"b": "labo"}, ()),
        ({"a": "acme", "b": "labo"}, ()),
        ({"a": "labo", "b": "acme"}, ("--account", "a")),
        ({"a": "labo", "b": "acme"}, ()),
        ({"a": "acme", "b": "labo"}, ()),
    ):
        deepgram.keys(**keys)
        told = deepgram.collect(*arguments)
        assert (told.status, problems(told)) == (0, [])
        assert in_notion(deepgram) == costs
    assert set(deepgram.data()) == pages


def test_labels_exchanged_while_the_sources_own_rows_lie_in_the_trash(deepgram: Office) -> None:
    deepgram.keys(a="acme", b="labo")
    assert deepgram.collect().status == 0
    costs = in_notion(deepgram)
    for row in deepgram.rows(ProviderName.DEEPGRAM):
        if row.value("Projet/API Key") == COLLECTION:
            deepgram.store.trash(row)
    deepgram.keys(a="labo", b="acme")
    told = deepgram.collect()
    assert (told.status, problems(told)) == (0, [])
    assert in_notion(deepgram) == costs


# -- what people change, and what it costs


def test_backfill_after_a_key_was_replaced(office: Office) -> None:
    """A month that another organisation completed is read for the new key."""
    office.keys(default="acme")
    office.clock.now += timedelta(days=40)
    office.collect_well()
    assert [source["rows"] > 0 for source in office.backfill()] == [True] * 5
    assert office.cli.sandbox.journal.requests("openai") == []
    office.keys(default="labo")
    office.told |= {(one["provider"], "labo"): Decimal(one["cost_usd"]) for one in office.backfill()}
    assert len(office.cli.sandbox.journal.requests("openai")) > 0
    office.check()
    # Rows of both that bear one label and no id are no doubles.
    before = office.data()
    assert office.cli("heal", "--yes", "--json").json["merged"] == 0
    assert office.data() == before


def test_requests_of_an_ordinary_month(office: Office) -> None:
    office.keys(a="acme", b="labo")
    told = office.collect().json
    rows, sources = len(office.usages.rows()), len(told["sources"])
    assert told["notion"]["created"] == rows
    assert told["notion"]["requests"] <= rows + 1 + 8
    told = office.collect().json
    read = ceil(rows / 100)
    assert told["notion"]["requests"] <= sources + read + 8
    office.costs_more("acme")
    told = office.collect().json
    changed = told["notion"]["updated"] - sources
    assert changed > 5
    assert told["notion"]["requests"] <= changed + sources + read + 8


def test_options_in_capitals(office: Office) -> None:
    office.keys(default="acme")
    services = office.store.database("Services LLM")
    office.store.rename_option(services, "Statut", "Inactif", "INACTIF")
    office.store.edit(services.row("Deepgram"), {"Statut": "INACTIF"})
    told = office.collect()
    assert (told.status, len(told.json["sources"])) == (0, 4)
    assert "deepgram" not in {source["provider"] for source in told.json["sources"]}
    office.store.rename_option(office.usages, "Statut Collecte", "Succes", "SUCCES")
    before = {row.id: row.last_edited_time for row in office.usages.rows() if row.id in office.data()}
    for _ in range(2):
        assert office.collect().json["notion"]["updated"] == 4
    assert {row.id: row.last_edited_time for row in office.usages.rows() if row.id in office.data()} == before
    assert "Succes" in office.cli("status").out
    assert office.cli("setup").status == 0
    assert {row.value("Statut Collecte") for row in office.usages.rows()} == {"SUCCES"}


def test_the_column_service_made_anew(office: Office) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    services = office.store.database("Services LLM")
    totals = {row.title: row.value("Total Cout USD") for row in services.rows()}
    count, status = len(office.usages.rows()), office.cli("status", "--json").json
    office.store.change_schema(office.usages, {"Service": None})
    assert office.cli("setup").status == 0
    assert office.cli("status", "--json").json == status
    assert f"Rows of “Usages LLM” without a service: {count} " in office.cli("check").out
    told = office.cli("heal", "--yes", "--json")
    assert (told.status, told.json["linked"], told.json["trashed"]) == (0, count, 0)
    assert {row.title: row.value("Total Cout USD") for row in services.rows()} == pytest.approx(totals)
    assert office.cli("check").status == 0
    office.settle()
