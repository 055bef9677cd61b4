from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import RollupOverFormula


def rollup(target: str, function: str) -> Any:
    return {"rollup": {"relation_property_name": "Usages", "rollup_property_name": target, "function": function}}


@pytest.fixture
def pair(notion: Any) -> Any:
    """Services and usages, with the rollups of the job and one of each other function."""
    notion.api.synced_property_name_honoured = True
    services = notion.services()
    usages = notion.usages(services)
    wanted = {
        "Total Cout": rollup("Cout USD", "sum"),
        "Total Tokens": rollup("Total", "sum"),
        "Nombre": rollup("Identifiant", "count"),
        "Derniere": rollup("Collecte Le", "latest_date"),
        "Premiere": rollup("Collecte Le", "earliest_date"),
        "Moyenne": rollup("Cout USD", "average"),
        "Max": rollup("Cout USD", "max"),
        "Vides": rollup("Cout USD", "empty"),
        "Part": rollup("Cout USD", "percent_not_empty"),
        "Noms": rollup("Identifiant", "show_original"),
        "Groupes": rollup("Statut", "count_per_group"),
    }
    return notion.change(services, wanted), usages


def results(notion: Any, page: Any) -> Any:
    shown = notion.ask("GET", f"/pages/{page['id']}")["properties"]
    return {name: one["rollup"] for name, one in shown.items() if one["type"] == "rollup"}


def test_formulas_add_up(notion: Any, pair: Any) -> None:
    def total(**numbers: Any) -> Any:
        values = {name: {"number": number} for name, number in numbers.items()}
        return notion.row(pair[1], **values)["properties"]["Total"]["formula"]

    assert total(Entrée=2, Sortie=3) == {"type": "number", "number": 5}
    assert total(Entrée=2) == {"type": "number", "number": 2}
    assert total() == {"type": "number", "number": None}
    notion.api.empty_numbers_count_as_zero = False
    assert total(Entrée=2) == {"type": "number", "number": None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('prop("Nom") + "!"', {"type": "string", "string": "a!"}),
        ("(1 + 2) * -3 / 2", {"type": "number", "number": -4.5}),
        ("1 / 0", {"type": "number", "number": None}),
        ("true", {"type": "boolean", "boolean": True}),
        ("round(1.5)", {"type": "unsupported", "unsupported": {}}),
        ('prop("F") + 1', {"type": "number", "number": 3}),
    ],
)
def test_expressions(notion: Any, words: Any, expression: str, expected: Any) -> None:
    source = notion.database("X", {"Nom": {"title": {}}, "F": {"formula": {"expression": "1 + 1"}}})
    notion.change(source, {"G": {"formula": {"expression": expression}}})
    assert notion.row(source, Nom={"title": words("a")})["properties"]["G"]["formula"] == expected


def test_renaming_a_property_does_a_formula_no_harm(notion: Any, pair: Any) -> None:
    notion.change(pair[1], {"Entrée": {"name": "Tokens Input"}})
    row = notion.row(pair[1], **{"Tokens Input": {"number": 7}})
    assert row["properties"]["Total"]["formula"]["number"] == 7


def test_rollups_without_rows(notion: Any, pair: Any) -> None:
    shown = results(notion, notion.row(pair[0]))
    assert shown["Total Cout"] == {"type": "number", "number": 0, "function": "sum"}
    assert shown["Nombre"]["number"] == 0
    assert shown["Derniere"] == {"type": "date", "date": None, "function": "latest_date"}
    assert shown["Moyenne"]["number"] is None
    assert shown["Noms"] == {"type": "array", "array": [], "function": "show_original"}


def test_rollups_over_rows(notion: Any, pair: Any, words: Any, published: Any) -> None:
    service = notion.row(pair[0])
    link = {"relation": [{"id": service["id"]}]}
    for cost, day, tokens in ((1.5, "2026-01-05", 10), (2.25, "2026-02-01", 5), (None, None, None)):
        date = {"start": f"{day}T06:00:00+01:00"} if day else None
        values = {"Cout USD": {"number": cost}, "Collecte Le": {"date": date}, "Entrée": {"number": tokens}}
        notion.row(pair[1], Identifiant={"title": words("x")}, Service=link, **values)
    trashed = notion.row(pair[1], Service=link, **{"Cout USD": {"number": 100}})
    notion.ask("PATCH", f"/pages/{trashed['id']}", {"in_trash": True})
    shown = results(notion, service)
    numbers = {name: one.get("number") for name, one in shown.items()}
    assert (numbers["Total Cout"], numbers["Total Tokens"], numbers["Nombre"]) == (3.75, 15, 3)
    assert (numbers["Moyenne"], numbers["Max"], numbers["Vides"]) == (1.875, 2.25, 1)
    assert numbers["Part"] == pytest.approx(2 / 3)
    assert shown["Derniere"]["date"]["start"] == "2026-02-01T06:00:00.000+01:00"
    assert shown["Premiere"]["date"]["start"] == "2026-01-05T06:00:00.000+01:00"
    assert [one["title"][0]["plain_text"] for one in shown["Noms"]["array"]] == ["x", "x", "x"]
    assert shown["Groupes"]["type"] == "unsupported"
    page = notion.ask("GET", f"/pages/{service['id']}")
    published("GetPageResponse", page)


def test_unsupported_until_a_person_saves_the_formula(notion: Any, pair: Any) -> None:
    notion.api.rollup_over_formula = RollupOverFormula.UNSUPPORTED
    service = notion.row(pair[0])
    notion.row(pair[1], Service={"relation": [{"id": service["id"]}]}, Entrée={"number": 4})
    assert results(notion, service)["Total Tokens"] == {"type": "unsupported", "unsupported": {}, "function": "sum"}
    store = notion.api.store
    assert store.database("Services").rows()[0].value("Total Tokens") is None
    store.save_formula(store.database("Usages"), "Total")
    assert results(notion, service)["Total Tokens"]["number"] == 4


def test_answers_cut_at_25_when_told_so(notion: Any, pair: Any) -> None:
    notion.api.rollups_cut_at_25 = True
    service = notion.row(pair[0])
    for _ in range(30):
        notion.row(pair[1], Service={"relation": [{"id": service["id"]}]}, **{"Cout USD": {"number": 1}})
    assert results(notion, service)["Total Cout"]["number"] == 25
    assert notion.api.store.database("Services").rows()[0].value("Total Cout") == 30


def test_no_rollup_over_a_rollup(notion: Any, pair: Any) -> None:
    wanted = {"rollup": {"relation_property_name": "Service", "rollup_property_name": "Nombre", "function": "sum"}}
    body = {"properties": {"R": wanted}}
    assert "over a rollup" in notion.refused(400, "PATCH", f"/data_sources/{pair[1]['id']}", body)


def test_rollup_filters_and_sorts(notion: Any, pair: Any) -> None:
    poor, rich = notion.row(pair[0]), notion.row(pair[0])
    notion.row(pair[1], Service={"relation": [{"id": rich["id"]}]}, **{"Cout USD": {"number": 9}})
    condition = {"property": "Total Cout", "rollup": {"number": {"greater_than": 5}}}
    assert [page["id"] for page in notion.query(pair[0], {"filter": condition})["results"]] == [rich["id"]]
    sorts = [{"property": "Total Cout", "direction": "ascending"}]
    assert [page["id"] for page in notion.query(pair[0], {"sorts": sorts})["results"]] == [poor["id"], rich["id"]]
