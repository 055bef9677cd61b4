"""People's own columns that follow a project or key into a new month, against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from notion.setup.checkup import check_notion
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.errors import invalid
from tests.notion.office import Notion, Office
from tests.notion.tables import Made
from usage.grain import NO_PROJECT
from usage.month import Month
from usage.names import Grain, ProviderName
from usage.settings import ReportSettings, load_settings

FEBRUARY = Made(Month(2026, 2), datetime(2026, 3, 5, 8, tzinfo=UTC))
JANUARY = Made()
DECEMBER = Made(Month(2025, 12), datetime(2026, 1, 5, 8, tzinfo=UTC))
OWN: dict[str, Any] = {
    "Client": {"select": {"options": [{"name": "ACME"}, {"name": "Beta"}]}},
    "Équipe": {"multi_select": {"options": []}},
    "Note": {"rich_text": {}},
    "Responsable": {"people": {}},
    "Budget": {"number": {}},
    "Facturé": {"checkbox": {}},
    "Depuis": {"date": {}},
    "Lien": {"url": {}},
    "Numéro": {"unique_id": {}},
}
ALL = ("Client", "Équipe", "Note", "Responsable", "Budget", "Facturé", "Depuis", "Lien", "Projet interne")


def carrying(office: Office, *columns: str) -> Office:
    return replace(
        office, settings=office.settings.model_copy(update={"reports": ReportSettings(carry_columns=columns)})
    )


@pytest.fixture
def own(notion: Notion, set_up_office: Callable[..., Office]) -> Office:
    """Both databases, a column of each kind that people may add to *Usages*, and another database of theirs."""
    office = set_up_office(notion)
    store = notion.api.store
    clients = store.make_database("Projets", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": clients.source_id, "type": "single_property", "single_property": {}}}
    store.change_schema(office.base, OWN | {"Projet interne": relation})
    notion.server.journal.clear()
    return carrying(office, *ALL)


def row(office: Office, made: Made, key: str, provider: str = "OpenAI") -> Any:
    return office.base.row(f"{made.month} - {provider} - {key}")


def edit(office: Office, made: Made, key: str, **cells: Any) -> Any:
    found = row(office, made, key)
    office.notion.api.store.edit(found, cells)
    return found


def collect(office: Office, made: Made, *keys: str, **more: Any) -> Any:
    office.notion.server.journal.clear()
    return office.collect(made.outcome(*(made.row(key) for key in keys), **more))


def queries(office: Office) -> int:
    return office.notion.asked().count("POST /data_sources/*/query")


def test_a_new_row_takes_over_all_kinds_of_cells(own: Office) -> None:
    store = own.notion.api.store
    project = store.add_row(store.database("Projets"), {"Nom": "Site"})
    person = own.notion.connection.page(project.id).created_by
    assert person is not None
    collect(own, JANUARY, "p1", "p2")
    cells = {
        "Client": "ACME",
        "Équipe": ("Web", "Labo"),
        "Note": "à suivre",
        "Budget": 5,
        "Facturé": True,
        "Depuis": datetime(2025, 3, 1, tzinfo=UTC),
        "Lien": "https://example.org/x",
        "Projet interne": (project.id,),
        "Responsable": (person.id,),
    }
    old = edit(own, JANUARY, "p1", **cells)
    collect(own, FEBRUARY, "p1", "p2", "p3")
    new = row(own, FEBRUARY, "p1")
    assert {name: new.value(name) for name in ALL} == {name: old.value(name) for name in ALL}
    assert all(new.value(name) for name in ALL)
    assert not any(row(own, FEBRUARY, key).value("Client") for key in ("p2", "p3", "Collecte"))
    assert own.notion.asked().count("POST /pages") == 4


def test_it_costs_one_query_and_only_where_rows_are_new(own: Office) -> None:
    plain = carrying(own)
    collect(own, JANUARY, "p1", "p2")
    collect(plain, FEBRUARY, "p1", "p2")
    without = queries(own)
    collect(own, replace(FEBRUARY, month=Month(2026, 3)), "p1", "p2", "p9")
    assert queries(own) == without + 1
    collect(own, replace(FEBRUARY, month=Month(2026, 3)), "p1", "p2", "p9")
    # Neither the look for the months before nor that for doubles.
    assert queries(own) == without - 1


def test_it_stays_one_query_for_many_rows_of_many_months(own: Office) -> None:
    keys = [f"p{number}" for number in range(60)]
    for number in (10, 11, 12):
        collect(own, replace(DECEMBER, month=Month(2025, number)), *keys)
    edit(own, DECEMBER, "p59", Client="Beta")
    before = queries(own)
    collect(own, JANUARY, *keys)
    assert queries(own) == before
    assert row(own, JANUARY, "p59").value("Client") == "Beta"


def test_new_projects_cost_one_query_more_and_not_the_history_of_the_others(own: Office) -> None:
    keys = [f"p{number}" for number in range(60)]
    for number in (8, 9, 10, 11, 12):
        collect(own, replace(DECEMBER, month=Month(2025, number)), *keys)
    before = queries(own)
    collect(own, JANUARY, *keys, "new")
    assert queries(own) == before + 1


def test_the_latest_earlier_row_counts_and_no_other(own: Office) -> None:
    collect(own, DECEMBER, "p1", "p2")
    collect(own, FEBRUARY, "p1", "p2", "p3")
    edit(own, DECEMBER, "p1", Client="ACME")
    edit(own, FEBRUARY, "p1", Client="Beta")
    edit(own, FEBRUARY, "p3", Client="Beta")
    # A backfill: what was decided later is not held to have been so before.
    collect(own, JANUARY, "p1", "p2", "p3")
    assert [row(own, JANUARY, key).value("Client") for key in ("p1", "p2", "p3")] == ["ACME", None, None]
    # A cell that a person emptied stays so.
    edit(own, FEBRUARY, "p1", Client=None)
    collect(own, replace(FEBRUARY, month=Month(2026, 3)), "p1")
    assert own.base.row("2026-03 - OpenAI - p1").value("Client") is None
    # A month without the project is passed over.
    edit(own, FEBRUARY, "p3", Client="ACME")
    collect(own, replace(FEBRUARY, month=Month(2026, 4)), "p3")
    assert own.base.row("2026-04 - OpenAI - p3").value("Client") == "ACME"


def test_an_existing_row_is_never_touched(own: Office) -> None:
    collect(own, JANUARY, "p1")
    collect(carrying(own), FEBRUARY, "p1")
    edit(own, JANUARY, "p1", Client="ACME")
    own.collect(FEBRUARY.outcome(FEBRUARY.row("p1", 9), attempted_at=datetime(2026, 3, 6, tzinfo=UTC)))
    assert row(own, FEBRUARY, "p1").value("Client") is None
    assert row(own, FEBRUARY, "p1").value("Cout USD") == 9


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_row_made_anew_after_the_trash_takes_over_again(own: Office, when: str) -> None:
    collect(own, JANUARY, "p1")
    edit(own, JANUARY, "p1", Client="ACME")
    collect(own, FEBRUARY, "p1")
    outcome = FEBRUARY.outcome(FEBRUARY.row("p1", 9), attempted_at=datetime(2026, 3, 6, tzinfo=UTC))
    workspace = own.open(own.notion.connection)
    plan = workspace.plan(FEBRUARY.month, [outcome])
    own.notion.api.store.trash(row(own, FEBRUARY, "p1"))
    if when == "before":
        own.collect(outcome)
    else:
        workspace.publish(plan, unfiltered=False)
    assert (row(own, FEBRUARY, "p1").value("Client"), row(own, FEBRUARY, "p1").value("Cout USD")) == ("ACME", 9)


def test_what_lies_in_the_trash_is_no_earlier_row(own: Office) -> None:
    collect(own, DECEMBER, "p1")
    collect(own, JANUARY, "p1")
    edit(own, DECEMBER, "p1", Client="Beta")
    own.notion.api.store.trash(edit(own, JANUARY, "p1", Client="ACME"))
    collect(own, FEBRUARY, "p1")
    assert row(own, FEBRUARY, "p1").value("Client") == "Beta"


def test_keys_that_are_ours_are_told_apart_by_their_workspace(notion: Notion, own: Office) -> None:
    def outcomes(made: Made) -> list[Any]:
        return [
            made.outcome(made.row(NO_PROJECT, workspace=account, name=f"sans {account}"), account=account)
            for account in ("labo", "web")
        ]

    keys = {f"OPENAI_ADMIN_KEY_{account.upper()}": "secret" for account in ("labo", "web")}
    settings = load_settings(notion.server.environment() | keys, None)
    both = carrying(replace(own, settings=settings), "Client")
    both.collect(*outcomes(JANUARY))
    edit(both, JANUARY, "sans labo (labo)", Client="ACME")
    edit(both, JANUARY, "sans web (web)", Client="Beta")
    both.collect(*outcomes(FEBRUARY))
    assert row(both, FEBRUARY, "sans labo (labo)").value("Client") == "ACME"
    assert row(both, FEBRUARY, "sans web (web)").value("Client") == "Beta"


def test_one_key_at_two_providers_is_two_things(own: Office) -> None:
    for made in (JANUARY, FEBRUARY):
        if made is FEBRUARY:
            edit(own, JANUARY, "p1", Client="ACME")
        own.collect(made.outcome(made.row("p1")), made.outcome(made.row("p1"), provider=ProviderName.DEEPGRAM))
    assert row(own, FEBRUARY, "p1").value("Client") == "ACME"
    assert row(own, FEBRUARY, "p1", "Deepgram").value("Client") is None


def test_a_list_that_notion_cuts_is_not_copied_in_part(own: Office) -> None:
    store = own.notion.api.store
    projects = [store.add_row(store.database("Projets"), {"Nom": f"Site {number}"}).id for number in range(26)]
    collect(own, JANUARY, "p1", "p2")
    edit(own, JANUARY, "p1", **{"Projet interne": tuple(projects), "Client": "ACME"})
    edit(own, JANUARY, "p2", **{"Projet interne": tuple(projects[:25])})
    done = collect(own, FEBRUARY, "p1", "p2")
    new = row(own, FEBRUARY, "p1")
    assert (new.value("Client"), new.linked("Projet interne")) == ("ACME", [])
    assert len(row(own, FEBRUARY, "p2").linked("Projet interne")) == 25
    (warning,) = done.warnings
    assert "« Projet interne »" in warning.fr
    assert "« 2026-02 - OpenAI - p1 »" in warning.fr


def test_a_value_that_notion_refuses_keeps_no_figure_away(own: Office) -> None:
    collect(own, JANUARY, "p1", "p2")
    for key in ("p1", "p2"):
        edit(own, JANUARY, key, Client="ACME", Note="vu")
    refusals = trouble.answer(invalid("Could not find user."), path="/pages$", method="POST", times=1)
    # The row is refused with both cells, and then the first one alone.
    own.notion.server.faults.add(refusals)
    own.notion.server.faults.add(
        trouble.answer(invalid("Could not find user."), path="/pages/", method="PATCH", times=1)
    )
    done = collect(own, FEBRUARY, "p1")
    own.notion.server.faults.clear()
    assert row(own, FEBRUARY, "p1").value("Cout USD") == 1.5
    assert [row(own, FEBRUARY, "p1").value(name) for name in ("Client", "Note")].count(None) == 1
    assert len(done.warnings) == 1


def test_a_run_that_is_cut_ends_as_a_clean_one(notion: Notion, set_up_office: Any) -> None:
    def begin() -> Office:
        notion.renew()
        office = carrying(set_up_office(notion), "Client")
        notion.api.store.change_schema(office.base, {"Client": OWN["Client"]})
        collect(office, JANUARY, "p1", "p2")
        edit(office, JANUARY, "p1", Client="ACME")
        notion.server.journal.clear()
        return office

    def end(office: Office) -> list[Any]:
        # A row that was made and not answered for is found again, with what it took over.
        return [{name: one[name] for name in ("Identifiant", "Client", "Cout USD")} for one in office.rows()]

    office = begin()
    collect(office, FEBRUARY, "p1", "p2")
    requests, expected = len(notion.asked()), end(office)
    for number in range(requests):
        office = begin()
        notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=number, times=1))
        office.collect(FEBRUARY.outcome(FEBRUARY.row("p1"), FEBRUARY.row("p2")), gateway=notion.gateway())
        notion.server.faults.clear()
        assert end(office) == expected, number


def test_what_two_runs_make_at_once_takes_over_once(own: Office) -> None:
    collect(own, JANUARY, "p1")
    edit(own, JANUARY, "p1", Client="ACME", Note="vu", Facturé=True)
    workspace = own.open(own.notion.connection)
    plan = workspace.plan(FEBRUARY.month, [FEBRUARY.outcome(FEBRUARY.row("p1"))])
    collect(own, FEBRUARY, "p1")
    workspace.publish(plan, unfiltered=False)
    new = row(own, FEBRUARY, "p1")
    assert (new.value("Client"), new.value("Note"), new.value("Facturé")) == ("ACME", "vu", True)


@pytest.mark.parametrize("written", [False, True])
def test_rows_of_an_old_grain_go_with_what_they_only_took_over(own: Office, *, written: bool) -> None:
    def by_key(made: Made) -> Any:
        return made.outcome(made.row("k1", workspace="w1"), provider=ProviderName.ANTHROPIC)

    own.collect(by_key(JANUARY))
    own.notion.api.store.edit(row(own, JANUARY, "k1", "Anthropic"), {"Client": "ACME"})
    own.collect(by_key(FEBRUARY))
    old = row(own, FEBRUARY, "k1", "Anthropic")
    assert old.value("Client") == "ACME"
    if written:
        own.notion.api.store.edit(old, {"Note": "vu"})
    grain = FEBRUARY.in_grain(ProviderName.ANTHROPIC, Grain.PROJECT)
    later = datetime(2026, 3, 6, tzinfo=UTC)
    own.collect(
        FEBRUARY.outcome(
            FEBRUARY.row("w1", workspace="w1"), provider=ProviderName.ANTHROPIC, rule=grain, attempted_at=later
        )
    )
    assert old.in_trash is not written
    assert row(own, FEBRUARY, "w1", "Anthropic").value("Cout USD") == 1.5


def test_columns_that_can_t_be_taken_over_are_told_and_hinder_nothing(own: Office) -> None:
    odd = carrying(own, "client", "Cliente", "Coût USD", "Numéro", "Tokens Total", "Client")
    workspace = odd.open(odd.notion.connection)
    assert [column.name for column in workspace.carried.columns] == ["Client"]
    sentences = workspace.carried.sentences
    assert [sentence.fr.split("»")[0] for sentence in sentences] == [
        f"NOTION_CARRY_COLUMNS : « {name} " for name in ("Cliente", "Coût USD", "Numéro", "Tokens Total")
    ]
    report = check_notion(own.notion.gateway(), own.notion.settings(), odd.settings.reports.carry_columns)
    assert report.usable
    assert report.sentences == sentences
    collect(odd, JANUARY, "p1")
    edit(odd, JANUARY, "p1", Client="ACME")
    collect(odd, FEBRUARY, "p1")
    assert row(odd, FEBRUARY, "p1").value("Client") == "ACME"


def test_two_columns_of_nearly_one_name_are_told_apart_by_their_exact_names(own: Office) -> None:
    own.notion.api.store.change_schema(own.base, {"CLIENT": {"rich_text": {}}})
    assert carrying(own, "Client").open(own.notion.connection).carried.columns[0].type == "select"
    (sentence,) = carrying(own, "client").open(own.notion.connection).carried.sentences
    assert "« CLIENT » et « Client »" in sentence.fr
    assert "“CLIENT” and “Client”" in sentence.en


def test_a_plan_tells_what_is_taken_over_and_writes_nothing(own: Office) -> None:
    collect(own, JANUARY, "p1")
    edit(own, JANUARY, "p1", Client="ACME", Note="vu")
    own.notion.server.journal.clear()
    plan = own.open(own.notion.connection).plan(FEBRUARY.month, [FEBRUARY.outcome(FEBRUARY.row("p1"))])
    (step,) = [step for step in plan.steps if step.values.key == "p1"]
    assert {note.name: note.texts for note in step.notes} == {"Client": ("ACME",), "Note": ("vu",)}
    assert own.notion.writes() == []
