"""Whatever moves a row to the trash: what people wrote there stays in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from notion.client.gateway import Gateway
from notion.client.models import PageListing, Value
from notion.rows.notes import Note, as_properties, unite
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.errors import invalid
from tests.notion.office import Notion, Office
from tests.notion.tables import Made
from usage import names
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.grain import COLLECTION
from usage.month import Month
from usage.names import Grain, ProviderName
from usage.outcomes.report import Thing
from usage.outcomes.rows import Totals

LATER = datetime(2026, 2, 6, 8, tzinfo=UTC)


@pytest.fixture
def noted(office: Office) -> Office:
    """Databases in which people have columns of their own."""
    office.notion.api.store.change_schema(
        office.base,
        {
            "Remarque": {"rich_text": {}},
            "Budget": {"number": {}},
            "Équipes": {"multi_select": {"options": []}},
            "Vu": {"checkbox": {}},
            "Numéro": {"unique_id": {}},
        },
    )
    return office


def put(office: Office, key: str, *, month: str = "2026-01", name: str = "", **cells: Any) -> Any:
    service = office.notion.services.row("OpenAI")
    # Rows of one minute would go by their ids.
    office.notion.wait(minutes=1)
    given = {"Identifiant": f"{month} - OpenAI - {name or key}", "Mois": month, "Projet/API Key": key}
    values = {**given, "Service": (service.id,), **cells}
    return office.notion.api.store.add_row(office.base, values, by_connection=True)


def cells(column: str, value: float) -> dict[str, Any]:
    """A cell of a column whose name is no Python name, or that not every row has."""
    return {column: value}


def write_on(office: Office, row: Any, text: str = "à vérifier") -> None:
    """A paragraph on the page of a row."""
    block = {"paragraph": {"rich_text": [{"text": {"content": text}}] if text else []}}
    office.notion.connection.append_blocks(row.id, [block])


def own_log(office: Office) -> str:
    return str(office.base.row("2026-01 - OpenAI - Collecte").value("Log Status"))


def heal(office: Office, **more: Any) -> Any:
    workspace = office.open(office.notion.connection)
    return workspace.heal(workspace.healing(**more))


def refuse_once(office: Office, status: int = 400) -> None:
    """Notion refuses the next change of a row, and says why."""
    fault = trouble.answer(invalid("Could not find user."), path="/pages/", method="PATCH", times=1)
    office.notion.server.faults.add(fault if status == 400 else replace(fault, status=status))


# -- collect


def test_collect_carries_notes_to_the_row_that_stays(noted: Office, made: Made) -> None:
    first = put(noted, "p1", Remarque="à revoir", Équipes=("Labo",))
    double = put(noted, "p1", Remarque="vu", Budget=5, Équipes=("Web", "Labo"))
    outcome = made.outcome(made.row("p1"))
    noted.collect(outcome)
    assert double.in_trash
    assert (first.value("Remarque"), first.value("Budget"), first.value("Cout USD")) == ("à revoir\nvu", 5, 1.5)
    assert set(first.value("Équipes")) == {"Labo", "Web"}
    noted.notion.server.journal.clear()
    noted.collect(outcome)
    assert noted.notion.writes() == ["PATCH /pages/*"]


def test_collect_carries_notes_of_its_own_row(noted: Office, made: Made) -> None:
    noted.collect(made.outcome())
    own = noted.base.row("2026-01 - OpenAI - Collecte")
    put(noted, COLLECTION, name="Collecte", Remarque="vu")
    noted.collect(made.outcome(attempted_at=LATER))
    assert own.value("Remarque") == "vu"
    assert noted.keys() == [COLLECTION]


@pytest.mark.parametrize("where", ["column", "page"])
def test_collect_leaves_what_it_can_t_unite_and_says_so(noted: Office, made: Made, where: str) -> None:
    first = put(noted, "p1", Budget=5)
    other = put(noted, "p1", **cells("Cout USD", 2), **(cells("Budget", 6) if where == "column" else {}))
    put(noted, "p1", Remarque="vu")
    if where == "page":
        write_on(noted, other)
    for _ in range(2):
        workspace = noted.open(noted.notion.connection)
        plan = workspace.plan(made.month, [made.outcome(made.row("p1"))])
        done = workspace.publish(plan, unfiltered=False)
        assert not other.in_trash
        assert other.value("Cout USD") == 2
        assert (first.value("Remarque"), first.value("Cout USD")) == ("vu", 1.5)
        assert "Lignes en double à réunir à la main : 1." in own_log(noted)
    assert (done.counts.updated, done.counts.trashed) == (1, 0)
    # Once a person has decided, the rest follows.
    noted.notion.api.store.edit(other, {"Budget": 5})
    for block in noted.notion.connection.children(other.id):
        noted.notion.connection.trash_block(block.id)
    noted.collect(made.outcome(made.row("p1")))
    assert other.in_trash
    assert "double" not in own_log(noted)


def test_an_empty_line_and_a_file_of_ours_are_nothing_that_people_wrote(noted: Office, made: Made) -> None:
    put(noted, "p1")
    double = put(noted, "p1")
    write_on(noted, double, "")
    name = f"breakdown-{'0' * 16}.json"
    file = {"file": {"type": "external", "external": {"url": "https://example.org"}, "name": name}}
    noted.notion.connection.append_blocks(double.id, [file])
    noted.collect(made.outcome(made.row("p1")))
    assert double.in_trash


@pytest.mark.parametrize("where", ["column", "page", "nowhere"])
def test_error_rows_that_people_wrote_on_stay(noted: Office, made: Made, where: str) -> None:
    row = put(noted, "", name="Error", **({"Remarque": "pourquoi ?"} if where == "column" else {}))
    if where == "page":
        write_on(noted, row)
    noted.collect(made.outcome(made.row("p1")))
    assert row.in_trash is (where == "nowhere")


def test_a_double_costs_one_look_more(noted: Office, made: Made) -> None:
    for _ in range(4):
        put(noted, "p1")
    looks = []
    for _ in range(2):
        noted.notion.server.journal.clear()
        noted.collect(made.outcome(made.row("p1")))
        looks.append(noted.notion.asked().count("GET /blocks/*/children"))
    # The page with the databases is always looked at.
    assert looks == [1 + 3, 1]


def test_what_two_runs_make_at_once_is_sorted_out_with_notes(noted: Office, made: Made) -> None:
    workspace = noted.open(noted.notion.connection)
    plan = workspace.plan(made.month, [made.outcome(made.row("p1"), made.row("p2"))])
    noted.collect(made.outcome(made.row("p1"), made.row("p2")))
    rows = {row.title[-2:]: row for row in noted.base.rows()}
    noted.notion.api.store.edit(rows["p1"], {"Remarque": "vu"})
    write_on(noted, rows["p2"])
    workspace.publish(plan, unfiltered=False)
    assert noted.keys() == [COLLECTION, "p1", "p2"]
    (p1,) = [row for row in noted.base.rows() if row.title.endswith("p1")]
    assert p1.value("Remarque") == "vu"
    assert not rows["p2"].in_trash


def test_collect_cut_anywhere_loses_no_note(notion: Notion, made: Made, set_up_office: Any) -> None:
    outcome = made.outcome(made.row("p1"))

    def begin() -> Any:
        notion.renew()
        office = set_up_office(notion)
        notion.api.store.change_schema(office.base, {"Remarque": {"rich_text": {}}})
        for key, name in (("p1", "p1"), (COLLECTION, "Collecte")):
            for number in range(3):
                put(office, key, name=name, Remarque=f"{name} {number}")
        notion.server.journal.clear()
        return office

    def remarks(office: Any) -> set[str]:
        return {line for row in office.rows() for line in str(row["Remarque"] or "").splitlines()}

    office = begin()
    office.collect(outcome)
    requests, expected = len(notion.asked()), office.rows()
    assert (len(expected), len(remarks(office))) == (2, 6)
    for number in range(requests):
        office = begin()
        notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=number, times=-1))
        with pytest.raises(NotionError):
            office.collect(outcome)
        notion.server.faults.clear()
        assert len(remarks(office)) == 6, number
        office.collect(outcome)
        assert office.rows() == expected, number


def test_what_the_last_look_can_t_unite_stays_and_is_told(
    noted: Office, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = noted.open(noted.notion.connection)
    plan = workspace.plan(made.month, [made.outcome(made.row("p1"))])
    noted.collect(made.outcome(made.row("p1")))
    (first,) = [row for row in noted.base.rows() if row.title.endswith("p1")]
    noted.notion.api.store.edit(first, {"Vu": True})
    workspace.publish(plan, unfiltered=False)
    assert noted.keys() == [COLLECTION, "p1", "p1"]
    assert "réunissez « Vu » à la main" in caplog.text


# -- notes that Notion refuses


def test_collect_goes_on_without_notes_that_are_refused(
    noted: Office, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    first = put(noted, "p1")
    double = put(noted, "p1", Remarque="vu", Budget=5)
    refuse_once(noted)
    noted.collect(made.outcome(made.row("p1")))
    assert (first.value("Cout USD"), first.value("Remarque")) == (1.5, None)
    assert (double.in_trash, double.value("Remarque")) == (False, "vu")
    assert own_log(noted) == "Tout a été lu."
    assert "« Remarque », « Budget »" in caplog.text
    assert "Could not find user." in caplog.text


def test_the_last_look_keeps_doubles_whose_notes_are_refused(noted: Office, made: Made) -> None:
    workspace = noted.open(noted.notion.connection)
    plan = workspace.plan(made.month, [made.outcome(made.row("p1"))])
    first = put(noted, "p1")
    double = put(noted, "p1", Remarque="vu")
    refuse_once(noted)
    workspace.publish(plan, unfiltered=False)
    assert (first.in_trash, double.in_trash) == (False, False)


def test_heal_keeps_doubles_whose_notes_are_refused(noted: Office) -> None:
    first = put(noted, "p1")
    double = put(noted, "p1", Remarque="vu", **cells("Cout USD", 3))
    refuse_once(noted, status=404)
    done = heal(noted)
    assert (done.merged, len(done.steps)) == (0, 1)
    assert (first.value("Cout USD"), first.value("Remarque"), double.in_trash) == (3, None, False)
    assert (heal(noted).merged, first.value("Remarque"), double.in_trash) == (1, "vu", True)


def test_notes_alone_that_are_refused_change_nothing(noted: Office) -> None:
    put(noted, "p1")
    double = put(noted, "p1", Remarque="vu")
    refuse_once(noted)
    heal(noted)
    assert noted.notion.writes() == ["PATCH /pages/*"]
    assert not double.in_trash


def test_a_refusal_of_more_than_a_cell_is_raised_as_it_is(noted: Office) -> None:
    put(noted, "p1")
    put(noted, "p1", Remarque="vu")
    refuse_once(noted, status=403)
    with pytest.raises(NotionAccessError, match="403"):
        heal(noted)


def test_links_within_notion_are_copied_as_their_text() -> None:
    pieces = [
        {"plain_text": "ici", "href": "/0123456789abcdef"},
        {"plain_text": " et là", "href": "https://example.org"},
    ]
    value = Value.model_validate({"id": "c", "type": "rich_text", "rich_text": pieces})
    written = as_properties(unite((), [Note("c", value)])[0])["c"]["rich_text"]
    assert [(item["text"]["content"], item["text"]["link"]) for item in written] == [
        ("ici", None),
        (" et là", {"url": "https://example.org"}),
    ]


@pytest.mark.parametrize(
    ("mine", "theirs", "alike"),
    [
        ("2026-01-05T10:00:00.000+00:00", "2026-01-05T11:00:00.000+01:00", True),
        ("2026-01-05T10:00:00.000+00:00", "2026-01-05T10:00:00.000+01:00", False),
        ("2026-01-05", "2026-01-05T00:00:00.000+00:00", False),
        ("2026-01-05T10:00:00", "2026-01-05T10:00:00.000+00:00", False),
    ],
)
def test_dates_are_alike_where_their_instants_are(mine: str, theirs: str, *, alike: bool) -> None:
    both = [
        [Note("c", Value.model_validate({"id": "c", "type": "date", "date": {"start": start, "end": start}}))]
        for start in (mine, theirs)
    ]
    assert unite(*both) == ((tuple(both[0]), ()) if alike else (tuple(both[0]), ("c",)))


# -- another grain


@pytest.mark.parametrize("where", ["column", "page"])
def test_rows_of_another_grain_that_people_wrote_on_stay_without_figures(noted: Office, made: Made, where: str) -> None:
    anthropic = ProviderName.ANTHROPIC
    noted.collect(
        made.outcome(made.row("k1", 2, workspace="w1"), made.row("k2", 3, workspace="w1"), provider=anthropic)
    )
    rows = {row.title[-2:]: row for row in noted.base.rows()}
    if where == "column":
        noted.notion.api.store.edit(rows["k1"], {"Remarque": "vu"})
    else:
        write_on(noted, rows["k1"])
    sums = Totals(cost=Decimal(5), tokens_input=20, tokens_output=10, requests=4)
    by_workspace = made.outcome(
        made.row("w1", 5, workspace="w1", totals=sums),
        provider=anthropic,
        rule=made.in_grain(anthropic, Grain.PROJECT),
        things=(Thing(kind=names.Kind.API_KEY, id="k1"),),
        attempted_at=LATER,
    )
    for _ in range(2):
        done = noted.collect(by_workspace)
        assert noted.keys() == [COLLECTION, "k1", "w1"]
        assert (rows["k1"].value("Cout USD"), rows["k2"].in_trash) == (None, True)
        assert "autre grain" in rows["k1"].value("Log Status")
        log = noted.base.row("2026-01 - Anthropic - Collecte").value("Log Status")
        assert "gardées sans chiffres, car vous y avez écrit : 1." in log
    # The source's own row alone.
    assert (done.counts.updated, done.counts.trashed) == (1, 0)


# -- heal


def test_rows_in_the_trash_are_no_rows() -> None:
    rows: list[dict[str, Any]] = [
        {"id": name, "created_time": LATER, "in_trash": name == "b", "last_edited_time": LATER, "properties": {}}
        for name in ("a", "b")
    ]
    listing = PageListing.model_validate({"results": rows})
    gateway = cast("Gateway", SimpleNamespace(query=lambda *_: iter([listing])))
    assert [row.id for row in Gateway.every_row(gateway, "ds")] == ["a"]


def edits_first(office: Office) -> Any:
    """What a person does with the first row while heal is under way."""
    return lambda rows: office.notion.api.store.edit(rows[0], {"Remarque": "attendez"})


def edits_double(office: Office) -> Any:
    return lambda rows: office.notion.api.store.edit(rows[1], {"Budget": 7})


def writes_on_double(office: Office) -> Any:
    return lambda rows: write_on(office, rows[1])


@pytest.mark.parametrize("person", [edits_first, edits_double, writes_on_double])
def test_rows_that_change_while_heal_is_under_way_wait(noted: Office, person: Callable[[Office], Any]) -> None:
    rows = [put(noted, "p1", Remarque=text) for text in ("a", "b")]
    others = [put(noted, key, month=month) for key, month in (("p2", "2026-01"), ("p1", "2025-12")) for _ in range(2)]
    workspace = noted.open(noted.notion.connection)
    healing = workspace.healing()
    person(noted)(rows)
    before = [row.values() for row in rows]
    months = []

    @contextmanager
    def turn(month: Month) -> Iterator[None]:
        months.append(str(month))
        yield

    done = workspace.heal(healing, turn)
    assert months == ["2025-12", "2026-01"]
    assert [row.in_trash for row in rows] == [False, False]
    assert [row.values() for row in rows] == before
    assert [row.in_trash for row in others] == [False, True] * 2
    assert (healing.merged, done.merged) == (3, 2)


def test_what_makes_a_row_go_on_a_person_s_side_is_no_hindrance(noted: Office) -> None:
    """A double that somebody has thrown away meanwhile, or moved to another month."""
    rows = [put(noted, "p1") for _ in range(3)]
    workspace = noted.open(noted.notion.connection)
    healing = workspace.healing()
    noted.notion.api.store.edit(rows[2], {"Mois": "2025-12"})
    assert workspace.heal(healing).steps == ()
    assert heal(noted).merged == 1
    assert [row.in_trash for row in rows] == [False, True, False]


def test_where_an_id_has_to_wait_the_row_that_tells_it_does_too(noted: Office) -> None:
    put(noted, "p1", month="2025-12", name="Prod", **{"Collecte Le": LATER})
    teller = put(noted, "p1", month="2025-12", name="Production")
    row = put(noted, "Production", name="Production")
    workspace = noted.open(noted.notion.connection)
    healing = workspace.healing()
    noted.notion.api.store.edit(row, {"Remarque": "attendez"})
    assert workspace.heal(healing).steps == ()
    assert not teller.in_trash
    done = heal(noted)
    assert (done.merged, done.completed, row.value("Projet/API Key"), teller.in_trash) == (1, 1, "p1", True)


def test_heal_reads_everything_however_long_it_is(noted: Office) -> None:
    noted.notion.api.query_limit = 7
    for number in range(40):
        put(noted, f"p{number % 20}", month=f"2025-{number % 2 + 1:02}", Remarque=str(number))
    assert heal(noted).merged == 20
    assert len(noted.base.rows()) == 20
    workspace = noted.open(noted.notion.connection)
    assert len(workspace.rows()) == 20


def test_rows_that_notion_hides_are_never_passed_over_in_silence(noted: Office) -> None:
    noted.notion.api.query_limit = 7
    for number in range(10):
        noted.notion.api.store.add_row(noted.base, {"Identifiant": str(number)})
    with pytest.raises(NotionError, match="à la même minute"):
        heal(noted)


def test_heal_one_month(noted: Office) -> None:
    for month in ("2025-12", "2026-01") * 2:
        put(noted, "p1", month=month)
    assert heal(noted, month=Month(2026, 1)).merged == 1
    assert sorted(str(row["Mois"]) for row in noted.rows()) == ["2025-12", "2025-12", "2026-01"]


def test_heal_cut_anywhere_is_completed_by_the_next(notion: Notion, set_up_office: Any) -> None:
    def begin() -> Any:
        notion.renew()
        office = set_up_office(notion)
        notion.api.store.change_schema(office.base, {"Remarque": {"rich_text": {}}})
        put(office, "p1", name="Production", month="2025-12", Remarque="a")
        for number in range(3):
            put(office, "Production", name="Production", Remarque=str(number), **cells("Cout USD", number))
        put(office, "p1", name="Production", Remarque="b")
        put(office, "", name="Error")
        notion.server.journal.clear()
        return office

    office = begin()
    heal(office)
    requests, expected = len(notion.asked()), office.rows()
    assert len(expected) == 2
    for number in range(requests):
        office = begin()
        # Notion stays away from this request on.
        notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=number, times=-1))
        with pytest.raises(NotionBusyError):
            heal(office)
        notion.server.faults.clear()
        heal(office)
        assert office.rows() == expected, number
        notion.server.journal.clear()
        heal(office)
        assert notion.writes() == []
