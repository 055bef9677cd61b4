from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from notion.databases.find import find_databases
from notion.setup.log import SetupLog
from notion.setup.views import set_up_views
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.errors import invalid
from sandbox.notion.store import Database
from tests.notion.mortal import Died, Mortal
from tests.notion.office import Notion
from usage.errors import NotionBusyError
from usage.grain import COLLECTION
from usage.language.folding import folded
from usage.language.sentence import SILENCE
from usage.outcomes.story import running

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
SERVICES = {"Vue d’ensemble": "table"}
USAGES = {
    "Toutes les lignes": "table",
    "Mois en cours": "table",
    "Suivi des collectes": "board",
    "Coût par mois": "chart",
    "Coût par service": "chart",
    "Projets les plus chers": "chart",
}


def refusal(**where: Any) -> Fault:
    return trouble.answer(invalid("Not like this."), **where)


def run(notion: Notion, gateway: Any = None) -> SetupLog:
    """The views alone, in databases that are set up."""
    gateway, log = gateway or notion.connection, SetupLog()
    both = find_databases(gateway, notion.settings())
    set_up_views(gateway, both.services, both.usages, log)
    return log


def views(notion: Notion, base: Database) -> dict[str, Any]:
    """All views of a database as Notion answers them, by name; fails where two share one."""
    listed: Any = notion.connection.views.list(database_id=base.id)
    read: list[Any] = [notion.connection.views.retrieve(one["id"]) for one in listed["results"]]
    # Each answer has the id of its request.
    shown = {one["name"]: {**one, "request_id": ""} for one in read}
    assert len(shown) == len(read), Counter(one["name"] for one in read)
    return shown


def kinds(notion: Notion, base: Database) -> dict[str, str]:
    return {name: view["type"] for name, view in views(notion, base).items()}


def rows_of(notion: Notion, name: str) -> list[str]:
    """Titles of the rows that a view of *Usages* shows, in order."""
    view = views(notion, notion.usages)[name]
    shown: Any = notion.connection.views.queries.create(view["id"])
    titles = {row.id: row.title for row in notion.usages.rows()}
    return [titles[page["id"]] for page in shown["results"]]


def columns(view: Any, notion: Notion, base: Database) -> list[str]:
    """Visible columns of a table, from the left."""
    names = {column.id: name for name, column in notion.connection.data_source(base.source_id).properties.items()}
    return [names[one["property_id"]] for one in view["configuration"]["properties"] if one["visible"]]


# -- from nothing


def test_from_nothing(notion: Notion) -> None:
    result = notion.set_up()
    assert kinds(notion, notion.services) == SERVICES
    assert kinds(notion, notion.usages) == USAGES
    assert result.warnings == ()
    assert "Added to “Usages LLM”: the chart “Coût par mois”." in [one.en for one in result.done]
    assert "Ajouté à « Usages LLM » : le graphique « Coût par mois »." in map(str, result.done)


def test_figures_stand_near_the_left(notion: Notion) -> None:
    notion.set_up()
    shown = columns(views(notion, notion.usages)["Toutes les lignes"], notion, notion.usages)
    first = ["Identifiant", "Service", "Cout USD", "Tokens Total", "Requetes", "Modeles", "Statut Collecte"]
    assert shown[:8] == [*first, "Log Status"]
    assert "Breakdown JSON" not in shown
    shown = columns(views(notion, notion.services)["Vue d’ensemble"], notion, notion.services)
    assert shown[:4] == ["Nom", "Statut", "Total Cout USD", "Total Tokens"]
    assert [table.columns[:3] for table in notion.api.store.tables()] == [
        ("Nom", "Statut", "Total Cout USD"),
        ("Identifiant", "Service", "Cout USD"),
    ]


def test_again_costs_one_request_for_each_view(notion: Notion) -> None:
    notion.set_up()
    before = views(notion, notion.usages)
    both, log = find_databases(notion.connection, notion.settings()), SetupLog()
    notion.server.journal.clear()
    set_up_views(notion.connection, both.services, both.usages, log)
    assert log == SetupLog()
    assert Counter(notion.asked()) == {"GET /views": 2, "GET /views/*": len(SERVICES) + len(USAGES)}
    assert views(notion, notion.usages) == before


def test_what_is_asked_is_what_is_published(notion: Notion) -> None:
    path = Path(__file__).resolve().parents[4] / "shared" / "specs" / "notion.openapi-sdk-5.26.0.json"
    if not path.is_file():
        pytest.skip("published specifications are not beside this checkout")
    components = json.loads(path.read_text())["components"]
    notion.set_up()
    asked = [one for one in notion.server.journal.requests() if "/views" in one.path and one.method != "GET"]
    assert Counter(one.method for one in asked) == {"POST": 5, "PATCH": 2}
    for one in asked:
        name = "CreateViewRequest" if one.method == "POST" else "UpdateViewRequest"
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        Draft202012Validator(schema).validate(json.loads(one.body))


# -- what they show


@pytest.fixture
def filled(notion: Notion) -> Notion:
    """Rows of two months, some of them read while the second one was running, and both months' own rows; meanwhile,
    somebody has changed the language of Notion's cells.
    """
    notion.set_up()
    service = notion.services.row("OpenAI").id
    for month, lead in (("2026-01", SILENCE), ("2026-02", running())):
        for key, cost, log in (("a", 1.0, lead.en), ("b", 2.0, lead.fr), (COLLECTION, None, lead.en)):
            values: dict[str, Any] = {
                "Mois": month,
                "Projet/API Key": key,
                "Nom Projet": key,
                "Cout USD": cost,
                "Log Status": f"OK. {log}.",
            }
            statut: dict[str, Any] = {"Statut Collecte": "Succes", "Collecte Le": NOW, "Service": (service,)}
            notion.api.store.add_row(notion.usages, {"Identifiant": f"{month} {key}", **values, **statut})
    return notion


def test_the_newest_month_and_the_dearest_rows_come_first(filled: Notion) -> None:
    assert rows_of(filled, "Toutes les lignes")[:3] == ["2026-02 b", "2026-02 a", f"2026-02 {COLLECTION}"]


def test_the_running_month(filled: Notion) -> None:
    assert rows_of(filled, "Mois en cours") == ["2026-02 b", "2026-02 a", f"2026-02 {COLLECTION}"]
    view = views(filled, filled.usages)["Mois en cours"]
    assert view["configuration"]["group_by"]["type"] == "relation"


def test_a_month_that_has_ended_leaves_the_running_one(filled: Notion) -> None:
    """With its last collection, or when nobody collects it any more; nobody has to change the view."""
    (row,) = [row for row in filled.usages.rows() if row.title == "2026-02 a"]
    filled.api.store.edit(row, {"Log Status": "Complet."})
    assert rows_of(filled, "Mois en cours") == ["2026-02 b", f"2026-02 {COLLECTION}"]
    for row in filled.usages.rows():
        filled.api.store.edit(row, {"Collecte Le": NOW - timedelta(days=40)})
    assert rows_of(filled, "Mois en cours") == []


def test_the_board_tells_how_sources_fared(filled: Notion) -> None:
    assert rows_of(filled, "Suivi des collectes") == [f"2026-02 {COLLECTION}", f"2026-01 {COLLECTION}"]


@pytest.mark.parametrize("name", [name for name, kind in USAGES.items() if kind == "chart"])
def test_charts_leave_the_sources_own_rows_out(filled: Notion, name: str) -> None:
    assert len(rows_of(filled, name)) == 4
    assert not any(COLLECTION in title for title in rows_of(filled, name))
    y_axis = views(filled, filled.usages)[name]["configuration"]["y_axis"]
    source = filled.connection.data_source(filled.usages.source_id)
    assert y_axis == {"aggregator": "sum", "property_id": source.properties["Cout USD"].id}


def test_no_view_leans_on_the_formula(notion: Notion) -> None:
    notion.set_up()
    formula = notion.connection.data_source(notion.usages.source_id).properties["Tokens Total"].id
    for view in views(notion, notion.usages).values():
        # A table may show it; filters, orders, groups and axes may not need it.
        view["configuration"].pop("properties", None)
        assert formula not in json.dumps(view)


# -- other people's views


def test_people_s_views_stay(notion: Notion) -> None:
    """By-hand databases keep their first view; a view that has one of the names counts as that one, whoever made it."""
    notion.make_by_hand()
    notion.api.store.rename_view(notion.usages, "Default view", "COUT  par mois")
    theirs = [dict(views(notion, base)) for base in (notion.services, notion.usages)]
    notion.set_up()
    for base, before in zip((notion.services, notion.usages), theirs, strict=True):
        after = views(notion, base)
        assert {name: after[name] for name in before} == before
    assert kinds(notion, notion.services) == {"Default view": "table"} | SERVICES
    names = [folded(name) for name in kinds(notion, notion.usages)]
    assert sorted(names) == sorted(folded(name) for name in USAGES)


def test_a_first_view_that_somebody_has_touched_stays(notion: Notion) -> None:
    notion.server.faults.add(Fault("notion", Kind.CUT_BEFORE, path="/views", times=-1))
    with pytest.raises(NotionBusyError):
        notion.set_up()
    notion.server.faults.clear()
    notion.api.store.rename_view(notion.usages, "Default view", "Default view")
    notion.set_up()
    assert kinds(notion, notion.usages) == {"Default view": "table"} | USAGES


def test_columns_in_disorder(notion: Notion) -> None:
    """The views that need them wait, and what is wrong is told once."""
    notion.make_by_hand()
    notion.api.store.change_schema(notion.usages, {"Mois": {"date": {}}})
    (warning,) = notion.set_up().warnings
    assert "« Mois »" in str(warning)
    missing = {"Toutes les lignes", "Mois en cours", "Suivi des collectes", "Coût par mois"}
    assert set(kinds(notion, notion.usages)) == {"Default view", *USAGES} - missing


# -- refusals


def test_a_plan_with_one_chart(notion: Notion) -> None:
    notion.api.charts_allowed = 1
    for writes in (6, 1):
        result = notion.set_up()
        (warning,) = result.warnings
        assert "« Coût par service », « Projets les plus chers »" in str(warning)
        assert sum("/views" in line for line in notion.writes()) == writes
        notion.server.journal.clear()
    assert list(kinds(notion, notion.usages)) == list(USAGES)[:4]
    notion.api.charts_allowed = None
    assert notion.set_up().warnings == ()
    assert kinds(notion, notion.usages) == USAGES


def test_a_view_that_notion_does_not_understand(notion: Notion) -> None:
    notion.server.faults.add(refusal(path="/views$", method="POST"))
    (warning,) = notion.set_up().warnings
    assert "« Mois en cours »" in str(warning)
    assert set(kinds(notion, notion.usages)) == set(USAGES) - {"Mois en cours"}


def test_charts_refused_in_another_way_are_told_once(notion: Notion) -> None:
    def is_chart(_query: Any, body: bytes) -> bool:
        return bool(json.loads(body)["type"] == "chart")

    notion.server.faults.add(refusal(path="/views$", method="POST", when=is_chart, times=-1))
    (warning,) = notion.set_up().warnings
    assert "« Coût par mois », « Coût par service », « Projets les plus chers »" in str(warning)
    assert str(warning).count("Not like this.") == 1
    assert list(kinds(notion, notion.usages)) == list(USAGES)[:3]


def test_a_notion_without_views(notion: Notion) -> None:
    notion.server.faults.add(refusal(path="/views", times=-1))
    (warning,) = notion.set_up().warnings
    assert "à la main" in str(warning)


# -- cut anywhere


def die(_: float) -> None:
    raise Died


@pytest.mark.parametrize("by_hand", [False, True], ids=["from nothing", "by hand"])
@pytest.mark.parametrize("end", ["before", "after", "lost"])
def test_cut_at_any_request(notion: Notion, by_hand: bool, end: str) -> None:
    """Before the request is sent; after it was carried out, its answer lost with the program; its answer lost alone."""

    def start() -> None:
        notion.renew()
        notion.server.faults.add(Fault("notion", Kind.STATUS, path="/views", status=404, times=-1))
        if by_hand:
            notion.make_by_hand()
        notion.set_up()
        notion.server.faults.clear()
        notion.server.journal.clear()

    pace = Mortal()
    mortal = notion.gateway(pace=pace, sleep=die)
    # Asked once by each connection, and so in no round of those below.
    pace.left = 1
    assert mortal.me() == notion.connection.me()
    start()
    run(notion)
    requests, clean = len(notion.asked()), kinds(notion, notion.usages)
    for cut in range(requests):
        start()
        if end != "before":
            notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=cut))
        if end != "lost":
            pace.left = cut if end == "before" else requests
            with pytest.raises(Died):
                run(notion, mortal)
        run(notion)
        assert kinds(notion, notion.usages) == clean, f"cut at request {cut} of {requests}"
        notion.server.journal.clear()
        assert run(notion) == SetupLog()
        assert notion.writes() == []
