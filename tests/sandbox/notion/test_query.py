from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def usages(notion: Any) -> Any:
    return notion.usages(notion.services())


@pytest.fixture
def filled(notion: Any, usages: Any, words: Any, moving: Any) -> Any:
    """Three rows, one minute apart: A cheap, B dear, C empty."""
    for title, cost, day, status in [
        ("A", 1.5, "2026-01-01", "OK"),
        ("B", 2, "2026-02-01", "Echec"),
        ("c", None, None, None),
    ]:
        notion.row(
            usages,
            Identifiant={"title": words(title)},
            **{
                "Cout USD": {"number": cost},
                "Collecte Le": {"date": day and {"start": f"{day}T10:00:00Z"}},
                "Statut": {"select": status and {"name": status}},
            },
        )
        moving.move(minutes=1)
    return usages


def titles(answer: Any) -> list[str]:
    return [page["properties"]["Identifiant"]["title"][0]["plain_text"] for page in answer["results"]]


def text(operator: str, value: Any) -> Any:
    return {"property": "Identifiant", "title": {operator: value}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, "cBA"),
        (text("equals", "A"), "A"),
        (text("equals", "a"), ""),
        ({"property": "Identifiant", "rich_text": {"equals": "A"}}, "A"),
        (text("does_not_equal", "A"), "cB"),
        (text("starts_with", "C"), "c"),
        (text("contains", "b"), "B"),
        (text("is_empty", True), ""),
        ({"property": "Cout USD", "number": {"greater_than": 1.5}}, "B"),
        ({"property": "Cout USD", "number": {"is_empty": True}}, "c"),
        ({"property": "Statut", "select": {"equals": "OK"}}, "A"),
        ({"property": "Statut", "select": {"equals": ["OK", "Echec"]}}, "BA"),
        ({"property": "Statut", "select": {"does_not_equal": "OK"}}, "cB"),
        ({"property": "Collecte Le", "date": {"equals": "2026-02-01"}}, "B"),
        ({"property": "Collecte Le", "date": {"on_or_after": "2026-01-01T11:00:00+01:00"}}, "BA"),
        ({"property": "Collecte Le", "date": {"before": "2026-01-01T10:00:00Z"}}, ""),
        ({"property": "Collecte Le", "date": {"past_week": {}}}, "B"),
        ({"timestamp": "created_time", "created_time": {"on_or_after": "2026-02-03T10:21:00Z"}}, "cB"),
        ({"timestamp": "last_edited_time", "last_edited_time": {"before": "today"}}, ""),
        ({"or": [text("equals", "A"), text("equals", "c")]}, "cA"),
        ({"and": [{"or": [text("equals", "A"), text("equals", "B")]}, text("does_not_equal", "A")]}, "B"),
        ({"property": "Service", "relation": {"is_empty": True}}, "cBA"),
    ],
)
def test_filters(notion: Any, filled: Any, condition: Any, expected: str) -> None:
    answer = notion.query(filled, {"filter": condition} if condition else {})
    assert "".join(titles(answer)) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"filter": text("matches", "A")}, "title.matches should be not present"),
        ({"filter": text("equals", 1)}, "should be a string"),
        (
            {"filter": {"property": "Absent", "number": {"equals": 1}}},
            "Could not find property with name or id: Absent",
        ),
        ({"filter": {"property": "Cout USD", "title": {"equals": "1"}}}, "property number does not match filter title"),
        ({"filter": {"property": "Cout USD", "rich_text": {"equals": "1"}}}, "does not match filter rich_text"),
        ({"filter": {"property": "Statut", "select": {"is_empty": False}}}, "should be `true`"),
        ({"filter": {"property": "Total", "formula": {"number": {"equals": 1}}}}, "formula of unknown type"),
        ({"filter": {"or": [text("equals", "A")] * 101}}, "body.filter.or.length should be ≤ `100`, instead was `101`"),
        ({"filter": {"and": [{"or": [{"and": [text("equals", "A")]}]}]}}, "should be a property filter"),
        ({"page_size": 101}, "page_size should be ≤ `100`"),
        ({"page_size": 0}, "page_size should be ≥ `1`"),
        ({"start_cursor": "00000000-0000-4000-8000-000000000000"}, "start_cursor provided is invalid"),
        ({"sorts": [{"property": "Absent", "direction": "ascending"}]}, "Could not find sort property"),
        ({"sorts": [{"property": "Mois", "direction": "up"}]}, 'should be `"ascending"`'),
        ({"result_type": "block"}, "result_type"),
    ],
)
def test_queries_that_are_refused(notion: Any, filled: Any, body: Any, message: str) -> None:
    assert message in notion.refused(400, "POST", f"/data_sources/{filled['id']}/query", body)


def test_one_hundred_keys_in_one_query(notion: Any, filled: Any) -> None:
    keys = [text("equals", f"key {index}") for index in range(98)] + [text("equals", "A"), text("equals", "B")]
    assert titles(notion.query(filled, {"filter": {"or": keys}})) == ["B", "A"]


def test_equals_without_case_when_told_so(notion: Any, filled: Any) -> None:
    notion.api.text_equals_ignores_case = True
    assert titles(notion.query(filled, {"filter": text("equals", "a")})) == ["A"]


@pytest.mark.parametrize(
    ("sorts", "expected"),
    [
        ([{"timestamp": "created_time", "direction": "ascending"}], "ABc"),
        ([{"property": "Cout USD", "direction": "descending"}], "BAc"),
        ([{"property": "Cout USD", "direction": "ascending"}], "ABc"),
        ([{"property": "Identifiant", "direction": "descending"}], "cBA"),
        ([{"property": "Statut", "direction": "descending"}], "BAc"),
        (
            [{"property": "Mois", "direction": "ascending"}, {"property": "Identifiant", "direction": "ascending"}],
            "ABc",
        ),
    ],
)
def test_sorts(notion: Any, filled: Any, sorts: Any, expected: str) -> None:
    assert "".join(titles(notion.query(filled, {"sorts": sorts}))) == expected


def test_filter_properties_by_id_and_name(notion: Any, filled: Any) -> None:
    params = {"filter_properties": [filled["properties"]["Cout USD"]["id"], "Identifiant"]}
    answer = notion.query(filled, params=params)
    assert set(answer["results"][0]["properties"]) == {"Cout USD", "Identifiant"}
    assert "Could not find property" in notion.refused(
        400, "POST", f"/data_sources/{filled['id']}/query", {}, params={"filter_properties": "Absent"}
    )


def test_pages_of_a_listing(notion: Any, usages: Any, words: Any) -> None:
    for index in range(7):
        notion.row(usages, Identifiant={"title": words(str(index))})
    first = notion.query(usages, {"page_size": 3})
    assert (titles(first), first["has_more"]) == (["6", "5", "4"], True)
    notion.row(usages, Identifiant={"title": words("late")})
    second = notion.query(usages, {"page_size": 2, "start_cursor": first["next_cursor"]})
    assert titles(second) == ["3", "2"]
    changed = {"start_cursor": second["next_cursor"], "filter": text("equals", "1")}
    assert "invalid" in notion.refused(400, "POST", f"/data_sources/{usages['id']}/query", changed)
    last = notion.query(usages, {"start_cursor": second["next_cursor"]})
    assert (titles(last), last["has_more"], last["next_cursor"]) == (["1", "0"], False, None)
    assert "request_status" not in last


def test_the_most_that_a_query_gives(notion: Any, usages: Any) -> None:
    for _ in range(5):
        notion.row(usages)
    notion.api.query_limit = 3
    first = notion.query(usages, {"page_size": 2})
    assert first["has_more"]
    assert "request_status" not in first
    last = notion.query(usages, {"page_size": 2, "start_cursor": first["next_cursor"]})
    assert (len(last["results"]), last["has_more"]) == (1, False)
    assert last["request_status"] == {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    notion.api.query_limit = 5
    assert "request_status" not in notion.query(usages)


def test_relation_filters(notion: Any, usages: Any) -> None:
    services = {"id": usages["properties"]["Service"]["relation"]["data_source_id"]}
    service, row = notion.row(services), None
    row = notion.row(usages, Service={"relation": [{"id": service["id"]}]})
    notion.row(usages)
    condition = {"property": "Service", "relation": {"contains": service["id"]}}
    assert [page["id"] for page in notion.query(usages, {"filter": condition})["results"]] == [row["id"]]


def test_new_rows_are_late(notion: Any, usages: Any) -> None:
    notion.api.visibility_lag = 2
    row = notion.row(usages)
    seen = [len(notion.query(usages)["results"]) for _ in range(3)]
    assert seen == [0, 0, 1]
    assert notion.ask("GET", f"/pages/{row['id']}")["id"] == row["id"]


def test_search_is_late_and_generous(notion: Any) -> None:
    services = notion.database("Services LLM", {"Nom": {"title": {}}})
    notion.database("Service LLM (copie)", {"Nom": {"title": {}}})
    body = {"query": "Services LLM", "filter": {"property": "object", "value": "data_source"}}
    assert notion.ask("POST", "/search", body)["results"] == []
    found = notion.ask("POST", "/search", body)["results"]
    assert [one["title"][0]["plain_text"] for one in found] == ["Services LLM", "Service LLM (copie)"]
    notion.ask("PATCH", f"/databases/{services['parent']['database_id']}", {"in_trash": True})
    assert notion.ask("POST", "/search", body)["results"][0]["in_trash"] is True


def test_a_saved_formula_can_be_asked_for(notion: Any, filled: Any) -> None:
    row = notion.row(filled, Entrée={"number": 40}, Sortie={"number": 2})
    store = notion.api.store
    store.save_formula(store.database("Usages"), "Total")
    answer = notion.query(filled, {"filter": {"property": "Total", "formula": {"number": {"equals": 42}}}})
    assert [page["id"] for page in answer["results"]] == [row["id"]]
