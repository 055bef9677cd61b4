"""Whole publications against the stand-in: how many requests, and what is left when something goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notion.client.gateway import Gateway
from notion.rows.values import changed_fields, fields_in
from notion.workspace import Published, PublishError
from notion.writer import IN_FLIGHT
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from tests.notion.office import Notion, Office
from tests.notion.tables import Made
from usage import names
from usage.errors import NotionAccessError, NotionBusyError
from usage.grain import COLLECTION
from usage.language.choice import Language
from usage.language.sentence import Sentence
from usage.names import ProviderName, Status
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.report import Thing
from usage.settings import ReportSettings

OPENAI, ANTHROPIC, OPENROUTER = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.OPENROUTER
LATER = datetime(2026, 2, 6, 8, tzinfo=UTC)
CREATE: dict[str, Any] = {"api": "notion", "path": "/pages$", "method": "POST"}
CHANGE = {"api": "notion", "path": "/pages/", "method": "PATCH"}


def five_sources(made: Made, rows: int, *, cost: int = 1, changed: int = 0, **more: Any) -> list[SourceOutcome]:
    """So many rows in each of five sources; the first `changed` of each cost one dollar more."""
    return [
        made.outcome(
            *(made.row(f"{provider.value}-{n}", cost + (n < changed), workspace="") for n in range(rows)),
            provider=provider,
            **more,
        )
        for provider in ProviderName
    ]


def clean(office: Office, *runs: Sequence[SourceOutcome]) -> list[dict[str, Any]]:
    """What stands in Notion after so many runs without trouble."""
    for run in runs:
        office.collect(*run)
    return list(office.rows())


def identities(office: Office) -> list[tuple[Any, ...]]:
    return [(*row["Service"], row["Projet/API Key"], row["Workspace"]) for row in office.rows()]


def counts(done: Published) -> tuple[int, int, int, int]:
    return done.counts.created, done.counts.updated, done.counts.unchanged, done.counts.trashed


# -- how many requests


def test_the_budget_of_requests(office: Office, made: Made) -> None:
    """N + S + ceil(R/100) + 8, and without N when nothing has changed."""
    asked = office.notion.asked
    journal = office.notion.server.journal

    def collect(**more: Any) -> tuple[Published, int]:
        journal.clear()
        done = office.collect(*five_sources(made, 40, **more))
        return done, len(asked())

    done, requests = collect()
    assert counts(done) == (205, 0, 0, 0)
    assert requests <= 200 + 5 + 3 + 8
    done, requests = collect(attempted_at=LATER)
    assert counts(done) == (0, 5, 200, 0)
    assert requests <= 15
    done, requests = collect(attempted_at=LATER, changed=2)
    assert counts(done) == (0, 15, 190, 0)
    assert requests <= 25


def test_logs_are_in_the_language_that_the_settings_name(office: Office, made: Made) -> None:
    """Another one has them written anew once, whatever whoever runs it reads."""
    reports = ReportSettings(notion_language=Language.EN)
    english = replace(office, settings=office.settings.model_copy(update={"reports": reports}))
    log = Sentence(en="Read.", fr="Lu.")
    outcome = made.outcome(made.row("p1", log=log), made.row("p2", log=log), log=log)
    for where, wanted in ((office, (3, 0, 0, 0)), (english, (0, 3, 0, 0)), (english, (0, 1, 2, 0))):
        assert counts(where.collect(outcome)) == wanted
        language = where.settings.reports.notion_language
        assert {row["Log Status"] for row in office.rows()} == {log.told_in(language)}


def test_a_plan_knows_the_rows_that_it_leaves(office: Office, made: Made) -> None:
    """What stands in Notion once a plan is carried out need not be read again."""
    office.collect(*five_sources(made, 3), made.outcome(made.row("gone"), account="old"))
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, five_sources(made, 4, attempted_at=LATER, changed=2))
    expected = sorted(plan.rows_after, key=lambda row: (row.values.service or "", row.values.identity))
    workspace.publish(plan, unfiltered=False)
    rows = sorted(workspace.rows(made.month), key=lambda row: (row.values.service or "", row.values.identity))
    fields = fields_in(workspace.databases.usages)
    assert len(rows) == len(expected) > 20
    for row, known in zip(rows, expected, strict=True):
        # The receipts of the sources' own rows get the pages of what was created.
        free = {"breakdown"} if row.values.key == COLLECTION else set()
        assert set(changed_fields(row.values, known.values, fields)) <= free


def test_a_plan_brings_the_own_rows_of_the_month_before_along(office: Office, made: Made) -> None:
    december: dict[str, Any] = {"month": made.month.previous(), "attempted_at": datetime(2026, 1, 5, tzinfo=UTC)}
    office.collect(*five_sources(made, 3, **december))
    office.collect(*five_sources(made, 2))
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, five_sources(made, 2))
    assert {(row.values.month, row.values.key) for row in plan.own_rows_before} == {("2025-12", COLLECTION)}
    assert len(plan.own_rows_before) == 5
    assert {row.values.month for row in plan.rows} == {"2026-01"}


def test_a_month_is_read_in_so_many_requests_or_not_at_all(office: Office, made: Made) -> None:
    office.collect(*five_sources(made, 25))
    workspace = office.open(office.notion.connection)
    office.notion.server.journal.clear()
    assert workspace.rows_at_most(made.month, 1) is None
    assert len(office.notion.asked()) == 1
    rows = workspace.rows_at_most(made.month, 2)
    assert rows is not None
    assert len(rows) == 130
    assert workspace.rows_at_most(made.month.previous(), 1) == []


def test_requests_are_counted_with_their_repetitions(office: Office, made: Made) -> None:
    office.notion.server.faults.add(trouble.too_many_requests(path="/query$"))
    gateway = office.notion.gateway()
    office.notion.server.journal.clear()
    done = office.collect(made.outcome(made.row("p1")), gateway=gateway)
    assert done.counts.requests == len(office.notion.asked())


def test_a_lost_key_costs_one_query_more(office: Office, made: Made) -> None:
    december: dict[str, Any] = {"month": made.month.previous(), "attempted_at": datetime(2026, 1, 5, tzinfo=UTC)}
    office.collect(made.outcome(made.row("hash", name="prod", workspace="w1"), provider=OPENROUTER, **december))

    def requests(key: str) -> int:
        office.notion.server.journal.clear()
        office.collect(made.outcome(made.row(key, name="prod", workspace="w1"), provider=OPENROUTER))
        return len(office.notion.asked())

    assert requests("label:prod") == 5 + 1 + 2 + 2 + 1
    assert office.keys() == [COLLECTION, COLLECTION, "hash", "hash"]
    assert requests("label:prod") == requests("hash") + 1


def test_at_most_three_writes_are_in_flight(office: Office, made: Made) -> None:
    barrier, lock, together = threading.Barrier(IN_FLIGHT), threading.Lock(), []
    under_way: set[int] = set()

    class Counting(Gateway):
        def create_row(self, *arguments: Any) -> Any:
            with lock:
                under_way.add(threading.get_ident())
                together.append(len(under_way))
            if len(together) <= 2 * IN_FLIGHT:
                barrier.wait(timeout=30)
            page = super().create_row(*arguments)
            with lock:
                under_way.discard(threading.get_ident())
            return page

    gateway = Counting(office.notion.settings(), sleep=office.notion.nap, pace=office.notion.pace())
    office.collect(made.outcome(*(made.row(f"p{n}") for n in range(2 * IN_FLIGHT))), gateway=gateway)
    gateway.close()
    assert max(together) == IN_FLIGHT == 3


# -- what is written


def test_a_second_run_writes_the_sources_own_rows_only(office: Office, made: Made) -> None:
    first = clean(office, five_sources(made, 3))
    office.notion.server.journal.clear()
    done = office.collect(*five_sources(made, 3))
    assert counts(done) == (0, 5, 15, 0)
    assert office.rows() == first
    assert office.notion.writes() == ["PATCH /pages/*"] * 5


def test_columns_of_other_people_are_never_touched(office: Office, made: Made) -> None:
    store = office.notion.api.store
    store.change_schema(office.base, {"Équipe": {"rich_text": {}}, "Log Status": {"name": "Journal log"}})
    store.change_schema(office.base, {"Journal log": {"name": "Log"}})
    office.collect(made.outcome(made.row("p1")))
    row = office.base.row("2026-01 - OpenAI - p1")
    store.edit(row, {"Équipe": "Rédaction"})
    office.collect(made.outcome(made.row("p1", 2), attempted_at=LATER))
    assert row.value("Équipe") == "Rédaction"
    assert row.value("Log").endswith("Corrigé : 1,50 → 2,00 USD le 2026-02-06.")
    foreign = store.add_row(office.base, {"Identifiant": "note", "Équipe": "Rédaction"})
    before = foreign.last_edited_time
    office.collect(made.outcome(complete=True, attempted_at=LATER))
    assert (foreign.in_trash, foreign.last_edited_time) == (False, before)


def test_a_dry_run_writes_nothing(office: Office, made: Made) -> None:
    office.collect(made.outcome(made.row("p1"), made.row("p2")))
    before = office.rows()
    office.notion.server.journal.clear()
    workspace = office.open(office.notion.connection)
    things = tuple(Thing(kind=names.Kind.PROJECT, id=name) for name in ("p1", "p2", "p3"))
    outcomes = [made.outcome(made.row("p1"), made.row("p3"), things=things, attempted_at=LATER)]
    plan = workspace.plan(made.month, outcomes)
    would = workspace.preview(plan)
    assert office.notion.writes() == []
    assert office.rows() == before
    assert counts(would) == counts(workspace.publish(plan, unfiltered=False)) == (1, 2, 1, 0)


def test_progress(office: Office, made: Made) -> None:
    told: list[tuple[int, int]] = []
    outcome = made.outcome(made.row("p1"), made.row("p2"))
    office.collect(outcome, on_write=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_sources_own_row_is_written_last(office: Office, made: Made) -> None:
    office.notion.server.faults.add(Fault(**CREATE, kind=Kind.STATUS, status=403, body={"code": "x"}, skip=4, times=-1))
    with pytest.raises(PublishError) as caught:
        office.collect(made.outcome(*(made.row(f"p{n}") for n in range(6))))
    keys = office.keys()
    assert COLLECTION not in keys
    assert caught.value.done.counts.created == len(keys) >= 4


def test_rows_of_one_month_only(office: Office, made: Made) -> None:
    office.collect(made.outcome(made.row("p1"), month=made.month.previous()))
    office.collect(made.outcome(made.row("p1")))
    assert office.keys() == [COLLECTION, COLLECTION, "p1", "p1"]
    workspace = office.open(office.notion.connection)
    assert len(workspace.rows(made.month)) == 2
    assert len(workspace.rows()) == 4


# -- Services


def statut(office: Office, provider: ProviderName) -> Any:
    return office.notion.services.row(provider.label).value("Statut")


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "Actif"), ("En attente API", "Actif"), ("Actif", "Actif"), ("Inactif", "Inactif"), ("À voir", "À voir")],
)
def test_statut_of_a_collected_service(office: Office, made: Made, before: str | None, after: str) -> None:
    office.notion.api.store.edit(office.notion.services.row("OpenAI"), {"Statut": before})
    office.collect(made.outcome())
    assert statut(office, OPENAI) == after


def test_statut_of_a_service_that_could_not_be_read(office: Office, made: Made) -> None:
    office.notion.api.store.edit(office.notion.services.row("OpenAI"), {"Statut": "En attente API"})
    office.collect(made.outcome(failed=True, complete=False, status=Status.ECHEC))
    assert statut(office, OPENAI) == "En attente API"


@pytest.mark.parametrize(("unfiltered", "expected"), [(True, "En attente API"), (False, "Actif")])
def test_statut_of_a_service_without_key_and_rows(
    notion: Notion, made: Made, set_up_office: Callable[..., Office], unfiltered: bool, expected: str
) -> None:
    office = set_up_office(notion, "labo")
    notion.api.store.edit(notion.services.row("Deepgram"), {"Statut": "Actif"})
    notion.api.store.edit(notion.services.row("OpenRouter"), {"Statut": "Inactif"})
    anthropic = notion.services.row("Anthropic")
    notion.api.store.edit(anthropic, {"Statut": "Actif"})
    notion.api.store.add_row(office.base, {"Identifiant": "old", "Service": (anthropic.id,)})
    workspace = office.open()
    outcome = made.outcome(account="labo")
    workspace.publish(workspace.plan(made.month, [outcome]), unfiltered=unfiltered)
    assert statut(office, ProviderName.DEEPGRAM) == expected
    assert statut(office, OPENROUTER) == "Inactif"
    assert statut(office, ANTHROPIC) == "Actif"


# -- trouble


def twice(made: Made) -> list[list[SourceOutcome]]:
    """A first run, and one that creates, changes and sets to zero."""
    first = [made.outcome(made.row("p1"), made.row("p2"), made.row("p3")), made.outcome(provider=ANTHROPIC)]
    second = [
        made.outcome(made.row("p1", 2), made.row("p2"), made.row("p4"), attempted_at=LATER),
        made.outcome(made.row("k1", workspace="w1"), provider=ANTHROPIC, attempted_at=LATER),
    ]
    return [first, second]


def interrupt(done: int, _total: int) -> None:
    if done == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("interrupted", [0, 1])
def test_ctrl_c_and_again(notion: Notion, made: Made, set_up_office: Callable[..., Office], interrupted: int) -> None:
    expected = clean(set_up_office(notion), *twice(made)[: interrupted + 1])
    notion.renew()
    office = set_up_office(notion)
    runs = twice(made)
    for run in runs[:interrupted]:
        office.collect(*run)
    with pytest.raises(KeyboardInterrupt):
        office.collect(*runs[interrupted], on_write=interrupt)
    office.collect(*runs[interrupted])
    assert office.rows() == expected


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda where: trouble.too_many_requests(**where, times=3), id="429"),
        pytest.param(lambda where: trouble.too_many_requests_html(**where, times=3), id="429 html"),
        pytest.param(lambda where: trouble.overloaded(**where, times=3), id="529"),
        pytest.param(lambda where: trouble.conflicting(**where, times=4), id="409"),
        pytest.param(lambda where: trouble.internal_error(**where, times=2), id="500"),
        pytest.param(lambda where: trouble.bad_gateway(**where, times=2), id="502"),
        pytest.param(lambda where: trouble.unavailable(**where, times=2), id="503"),
        pytest.param(lambda where: trouble.gateway_timeout(**where, times=2), id="504"),
        pytest.param(lambda where: Fault("notion", Kind.CUT_BEFORE, **where, times=2), id="cut before"),
        pytest.param(lambda where: Fault("notion", Kind.CUT_AFTER, **where, times=2), id="cut after"),
        pytest.param(lambda where: Fault("notion", Kind.TRUNCATE, **where, times=2), id="half an answer"),
        pytest.param(lambda where: Fault("notion", Kind.HTML, **where, times=2), id="html"),
        pytest.param(lambda where: Fault("notion", Kind.STATUS_AFTER, status=504, **where, times=2), id="saved, 504"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_trouble_that_passes_leaves_no_trace(
    notion: Notion, made: Made, set_up_office: Callable[..., Office], fault: Callable[[Any], Fault], method: str
) -> None:
    expected = clean(set_up_office(notion), *twice(made))
    notion.renew()
    office = set_up_office(notion)
    first, second = twice(made)
    office.collect(*first)
    notion.server.faults.add(fault({"path": "/pages", "method": method}))
    office.collect(*second)
    assert office.rows() == expected


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_saved_although_notion_is_unavailable(office: Office, made: Made, method: str) -> None:
    """503 with the new page's id, or with the advice not to repeat the write."""
    first, second = twice(made)
    office.collect(*first)
    office.notion.api.commit_then_503(3, method=method)
    done = office.collect(*second)
    assert (done.counts.created, done.counts.trashed) == (2, 0)
    assert len(set(identities(office))) == len(identities(office)) == 7


def test_conflicts_on_the_service_s_page(office: Office, made: Made) -> None:
    """All rows of a service point to one page, and writes that overlap there are refused."""
    office.notion.api.write_seconds = 0.001
    office.notion.api.conflicts_reach_relations = True

    # Whoever is refused gives the others as much time as a question takes.
    def ask(_: float) -> None:
        office.notion.connection.database(office.base.id)

    gateway = office.notion.gateway(sleep=ask)
    done = office.collect(made.outcome(*(made.row(f"p{n}") for n in range(6))), gateway=gateway)
    assert done.counts.created == len(office.keys()) == 7


def test_notion_that_stays_down_is_reported_with_what_was_done(office: Office, made: Made) -> None:
    office.notion.server.faults.add(Fault(**CREATE, kind=Kind.CUT_BEFORE, skip=1, times=-1))
    with pytest.raises(PublishError, match="La prochaine collecte complétera") as caught:
        office.collect(made.outcome(made.row("p1"), made.row("p2")))
    assert isinstance(caught.value, NotionBusyError)
    assert caught.value.sentence.en.endswith("The next collection completes it.")
    assert caught.value.done.counts.created == 1
    office.notion.server.faults.clear()
    office.collect(made.outcome(made.row("p1"), made.row("p2")))
    assert office.keys() == [COLLECTION, "p1", "p2"]


def test_a_refusal_is_reported_with_what_was_done(office: Office, made: Made) -> None:
    office.notion.api.blocks_left = 2
    with pytest.raises(PublishError, match="limite de blocs") as caught:
        office.collect(made.outcome(*(made.row(f"p{n}") for n in range(5))))
    assert caught.value.done.counts.created == 2
    assert "prochaine collecte" not in str(caught.value)


# -- people at work meanwhile


def test_a_row_trashed_meanwhile_is_written_anew(office: Office, made: Made) -> None:
    office.collect(made.outcome(made.row("p1"), made.row("p2")))
    outcome = made.outcome(made.row("p1", 3), made.row("p2", 3), attempted_at=LATER)
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, [outcome])
    office.notion.api.store.trash(office.base.row("2026-01 - OpenAI - p1"))
    done = workspace.publish(plan, unfiltered=False)
    assert counts(done) == (1, 2, 0, 0)
    assert office.keys() == [COLLECTION, "p1", "p2"]
    assert office.base.row("2026-01 - OpenAI - p1").value("Cout USD") == 3


@pytest.mark.parametrize("refused", [True, False])
def test_a_row_that_somebody_else_trashes_first(office: Office, made: Made, refused: bool) -> None:
    office.notion.api.trash_twice_refused = refused
    store = office.notion.api.store
    service = office.notion.services.row("OpenAI")
    fields: dict[str, Any] = {"Mois": "2026-01", "Projet/API Key": "p1", "Service": (service.id,)}
    rows = [store.add_row(office.base, {"Identifiant": str(n), **fields}, by_connection=True) for n in range(2)]
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, [made.outcome(made.row("p1"))])
    store.trash(rows[1])
    workspace.publish(plan, unfiltered=False)
    assert office.keys() == [COLLECTION, "p1"]


@pytest.mark.parametrize("again", [False, True])
def test_a_database_trashed_meanwhile(office: Office, made: Made, again: bool) -> None:
    outcome = made.outcome(made.row("p1"), made.row("p2"))
    if again:
        office.collect(outcome)
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, [outcome])
    base = office.base
    office.notion.api.store.trash(base)
    with pytest.raises(PublishError, match="corbeille"):
        workspace.publish(plan, unfiltered=False)
    with pytest.raises(NotionAccessError):
        office.collect(outcome)
    office.notion.api.store.restore(base)
    office.collect(outcome)
    assert office.keys() == [COLLECTION, "p1", "p2"]


# -- two runs


def test_rows_that_another_run_has_created_meanwhile(office: Office, made: Made) -> None:
    mine = made.outcome(made.row("p1", 1), made.row("p2", 1))
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, [mine])
    office.collect(made.outcome(made.row("p1", 2), made.row("p3", 2), attempted_at=LATER))
    done = workspace.publish(plan, unfiltered=False)
    assert done.counts.trashed == 2
    assert office.keys() == [COLLECTION, "p1", "p2", "p3"]
    # The figures read last, whichever row is the older one.
    assert office.base.row("2026-01 - OpenAI - p1").value("Cout USD") == 2


def test_the_oldest_row_stays_with_the_figures_read_last(office: Office, made: Made) -> None:
    workspace = office.open(office.notion.connection)
    plan = workspace.plan(made.month, [made.outcome(made.row("p1", 2), attempted_at=LATER)])
    office.collect(made.outcome(made.row("p1", 1)))
    office.notion.wait(minutes=5)
    (oldest,) = [row.id for row in office.base.rows() if row.title.endswith("p1")]
    workspace.publish(plan, unfiltered=False)
    row = office.base.row("2026-01 - OpenAI - p1")
    assert (row.id, row.value("Cout USD")) == (oldest, 2)


@pytest.mark.parametrize("rows", [1, 12])
def test_two_runs_at_the_same_time(office: Office, made: Made, rows: int) -> None:
    barrier = threading.Barrier(2)
    outcomes = [made.outcome(*(made.row(f"p{n}") for n in range(rows)))]

    def run() -> Published:
        workspace = office.open(office.notion.gateway())
        plan = workspace.plan(made.month, outcomes)
        barrier.wait(timeout=30)
        return workspace.publish(plan, unfiltered=False)

    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(run) for _ in range(2)]]
    assert [one.counts.created for one in done] == [rows + 1, rows + 1]
    assert len(identities(office)) == len(set(identities(office))) == rows + 1


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_new_rows_that_listings_show_late(office: Office, made: Made, lag: int) -> None:
    """Once Notion shows all rows, one run is enough."""
    outcomes = five_sources(made, 2)
    office.notion.api.visibility_lag = lag
    for _ in range(2):
        office.collect(*outcomes)
    office.notion.api.visibility_lag = 0
    for _ in range(lag):
        office.open(office.notion.connection).rows(made.month)
    office.collect(*outcomes)
    assert len(identities(office)) == len(set(identities(office))) == 15


@pytest.mark.parametrize("lag", [0, 1, 2])
@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
def test_a_lost_answer_to_a_creation(office: Office, made: Made, kind: Kind, lag: int) -> None:
    office.notion.api.visibility_lag = lag
    office.notion.server.faults.add(Fault(**CREATE, kind=kind))
    outcome = made.outcome(made.row("p1"))
    office.collect(outcome)
    office.notion.api.visibility_lag = 0
    for _ in range(lag):
        office.open(office.notion.connection).rows(made.month)
    office.collect(outcome)
    assert office.keys() == [COLLECTION, "p1"]


def test_a_page_that_moves_while_it_is_read_is_no_double(office: Office, made: Made) -> None:
    office.collect(made.outcome(*(made.row(f"p{n}") for n in range(3))))

    def repeated(body: Any) -> Any:
        return {**body, "results": [*body["results"], *body["results"]]}

    office.notion.server.faults.add(Fault("notion", Kind.REWRITE, "/query$", rewrite=repeated, skip=1))
    done = office.collect(made.outcome(*(made.row(f"p{n}") for n in range(3))))
    assert counts(done) == (0, 1, 3, 0)


def test_one_publication_of_many_months_does_not_mix(office: Office, made: Made) -> None:
    months = [made.month, made.month.previous()]
    for month in months * 2:
        office.collect(made.outcome(made.row("p1"), month=month, attempted_at=made.read_at + timedelta(days=1)))
    assert office.keys() == [COLLECTION, COLLECTION, "p1", "p1"]
