"""Whose row it is, through the command: people change labels, keys, rows and clocks, and Notion goes on showing what
the sources told, once, with nothing of a person's changed.

Every sequence is played for all five providers at once, each with two organisations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.anthropic import cast
from sandbox.elevenlabs import world as elevenlabs
from sandbox.everything import Sandbox
from sandbox.notion.store import Row
from sandbox.openrouter import world as openrouter
from usage.names import ProviderName
from usage.settings import KEY_VARIABLES

Cli = Any
Account = Any
MONTH = "2026-01"
COLLECTION = "(collecte)"
FIGURES = ("Cout USD", "Tokens Input", "Tokens Output", "Requetes")
TINY = Decimal("0.00001")
"""USD by which a sum of Notion's doubles may differ."""


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
        self.apis = {ProviderName(api.name): api for api in cli.sandbox.providers}
        self.store = cli.sandbox.notion.store
        self.usages = self.store.database("Usages LLM")
        self.told: dict[tuple[str, str], Decimal] = {}
        """What each organisation of each provider told last, in USD; its sum, as `--json` has it."""
        self._labels: dict[str, str] = {}

    def organisation(self, provider: ProviderName, name: str) -> Account:
        return self.apis[provider].accounts[("acme", "labo").index(name)]

    def keys(self, **organisations: str) -> None:
        """Set each provider's keys: organisations by the labels of their accounts; `default` has none."""
        self.cli.only()
        self._labels = organisations
        for provider, variable in KEY_VARIABLES.items():
            for label, name in organisations.items():
                full = variable if label == "default" else f"{variable}_{label.upper()}"
                self.cli.set(**{full: self.organisation(provider, name).key})

    def collect(self, *arguments: str, minutes: int = 5, month: str = MONTH) -> Any:
        """Collect some minutes later. What sources told whole is remembered."""
        self.clock.now += timedelta(minutes=minutes)
        self.cli.set(LLM_USAGE_NOW=self.clock.now.isoformat())
        told = self.cli("collect", "--month", month, "--json", *arguments)
        for source in told.json["sources"] if month == MONTH else ():
            name = self._labels[source["account"]]
            if source["status"] == "Succes":
                self.told[source["provider"], name] = Decimal(source["cost_usd"])
        return told

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

    def _check_bill(self, provider: ProviderName, bill: Any, rows: list[Row]) -> None:
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


def problems(told: Any) -> list[str]:
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


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_exchanged_labels_read_one_after_the_other(office: Office, order: tuple[str, str]) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    pages = set(office.data())
    office.keys(a="labo", b="acme")
    for label in order:
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


@pytest.mark.parametrize("name", ["c", "default", "a"])
def test_one_account_removed_and_the_other_renamed(office: Office, name: str) -> None:
    office.keys(a="acme", b="labo")
    office.collect_well()
    office.keys(**{name: "labo"})
    office.collect_well()
    office.keys(a="acme", b="labo")
    office.collect_well()
    office.settle()
