from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from notion.databases.declared import SERVICES, USAGES
from notion.setup.checkup import CheckReport, CheckRow, Severity, check_notion
from notion.setup.databases import set_up
from sandbox.faults import Fault, Kind
from sandbox.notion.switches import RollupOverFormula
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.language.sentence import SILENCE
from usage.names import ProviderName


@pytest.fixture
def ready(notion: Notion) -> Notion:
    set_up(notion.connection, notion.settings(), frozenset(ProviderName))
    notion.server.journal.clear()
    return notion


def check(notion: Notion, **settings: Any) -> CheckReport:
    # A connection of its own: what Notion tells about the connection is asked once.
    report = check_notion(notion.gateway(), notion.settings(**settings))
    assert notion.writes() == []
    assert are_told_in_both([*report.sentences, *(row.todo for row in report.rows if row.todo)])
    return report


def row(report: CheckReport, database: str, name: str) -> CheckRow:
    return next(one for one in report.rows if (one.database, one.property) == (database, name))


def test_all_is_well(ready: Notion) -> None:
    report = check(ready)
    assert report.usable
    assert report.sentences == ()
    assert {one.severity for one in report.rows} == {Severity.OK}
    assert [one.property for one in report.rows] == [item.name for item in SERVICES.properties + USAGES.properties]
    assert len(ready.asked()) == 8
    assert report.providers_with_rows == frozenset()


def test_what_is_expected_and_what_is_found(ready: Notion) -> None:
    ready.api.store.change_schema(ready.api.store.database("Usages LLM"), {"Cout USD": {"name": "Coût USD"}})
    report = check(ready)
    shown = [
        (one.expected.en, one.found.en)
        for one in report.rows
        if one.property in ("Service", "Total Cout USD", "Cout USD")
    ]
    assert shown == [
        ("rollup: sum of Cout USD", "rollup: sum of Coût USD"),
        ("relation", "relation: Services LLM"),
        ("number", "Coût USD (number)"),
    ]
    assert report.usable


def test_nothing_there_yet(notion: Notion) -> None:
    report = check(notion)
    assert not report.usable
    assert report.rows == ()
    assert ["llm-usage setup" in str(sentence) for sentence in report.sentences] == [True, True]


def test_one_of_the_two(ready: Notion) -> None:
    ready.api.store.trash(ready.api.store.database("Usages LLM"))
    report = check(ready)
    assert not report.usable
    assert {one.database for one in report.rows} == {"Services LLM"}
    (sentence,) = report.sentences
    assert "Usages LLM" in str(sentence)


def test_a_wrong_token_is_told_once(ready: Notion) -> None:
    settings = ready.settings(token=SecretStr("ntn_wrong"))
    report = check_notion(ready.gateway(settings), settings)
    assert [str(one) for one in report.sentences] == ["Notion refuse le jeton (HTTP 401) : vérifiez NOTION_TOKEN."]
    assert not report.usable


def test_notion_out_of_order(ready: Notion) -> None:
    ready.server.faults.add(Fault("notion", Kind.STATUS, status=500, times=-1))
    assert not check(ready).usable
    ready.server.faults.clear()
    ready.server.faults.add(Fault("notion", Kind.STATUS, path="/query$", status=500, times=-1))
    report = check(ready)
    assert not report.usable
    assert len(report.sentences) == 1


def test_columns_that_a_person_must_mend(ready: Notion) -> None:
    store = ready.api.store
    store.change_schema(store.database("Usages LLM"), {"Mois": None, "Workspace": {"number": {}}, "Nom Projet": None})
    report = check(ready)
    assert not report.usable
    missing, wrong, optional = (row(report, "Usages LLM", name) for name in ("Mois", "Workspace", "Nom Projet"))
    assert (missing.severity, missing.found) == (Severity.PROBLEM, SILENCE)
    assert "lancez llm-usage setup" in str(missing.todo)
    assert (wrong.severity, str(wrong.expected), str(wrong.found)) == (Severity.PROBLEM, "rich_text", "number")
    assert "number au lieu de rich_text" in str(wrong.todo)
    assert optional.severity is Severity.NOTE


def test_options_and_rollups_made_otherwise(ready: Notion) -> None:
    store = ready.api.store
    store.change_schema(
        store.database("Usages LLM"), {"Statut Collecte": {"select": {"options": [{"name": "Succes"}]}}}
    )
    rollup = {"relation_property_name": "Usages", "rollup_property_name": "Cout USD", "function": "max"}
    store.change_schema(store.database("Services LLM"), {"Total Cout USD": {"rollup": rollup}})
    report = check(ready)
    assert report.usable
    assert "Echec, Partiel, Donnees indisponibles" in str(row(report, "Usages LLM", "Statut Collecte").todo)
    assert "sum de « Cout USD »" in str(row(report, "Services LLM", "Total Cout USD").todo)


def test_services_missing_and_doubled(ready: Notion) -> None:
    store, base = ready.api.store, ready.api.store.database("Services LLM")
    store.trash(base.row("Deepgram"))
    store.add_row(base, {"Nom": "Encore", "ID Provider": "openai"})
    report = check(ready)
    assert not report.usable
    assert "Deepgram" in str(report.sentences[0])
    assert "2 lignes de « Services LLM » sont OpenAI" in str(report.sentences[1])


def test_a_rollup_without_a_value_and_a_lock(ready: Notion) -> None:
    ready.api.rollup_over_formula = RollupOverFormula.UNSUPPORTED
    ready.api.store.lock(ready.api.store.database("Usages LLM"))
    report = check(ready)
    assert report.usable
    assert "enregistrez-la une fois" in str(report.sentences[0])
    assert "verrouillée" in str(report.sentences[1])


def test_what_the_rows_are(ready: Notion) -> None:
    store, usages = ready.api.store, ready.api.store.database("Usages LLM")
    services = {row.title: (row.id,) for row in ready.api.store.database("Services LLM").rows()}

    def put(title: str, month: str = "2026-01", service: str = "OpenAI", **cells: Any) -> Any:
        values = {"Identifiant": title, "Mois": month, "Service": services.get(service, ()), **cells}
        return store.add_row(usages, values)

    key = {"Projet/API Key": "p1"}
    taken = put("2026-01 - OpenAI - Production", **key)
    put("ChatGPT Team")
    put("2026-02 - OpenAI - Production", **key)
    put("2026-01 - Deepgram - Voix", service="", **key)
    put("2026-01 - Mistral - Essais", service="", **key)
    put("Total", month="")
    report = check(ready)
    assert report.usable
    assert report.providers_with_rows == {ProviderName.OPENAI, ProviderName.DEEPGRAM}
    loose, others, own, slips = report.sentences
    assert "1 lignes de « Usages LLM » n’ont pas de service (« 2026-01 - Deepgram - Voix »)" in str(loose)
    assert "2 lignes" in str(others)
    assert "llm-usage heal les reprend" in str(others)
    assert "(« ChatGPT Team »)" in str(own)
    assert "« 2026-02 - OpenAI - Production »" in str(slips)
    # What this connection wrote is its own.
    update = {"Identifiant": {"title": [{"text": {"content": taken.title}}]}}
    ready.connection.update_row(taken.id, update)
    ready.server.journal.clear()
    assert "1 lignes" in str(check(ready).sentences[1])


def test_rows_of_ours_whose_month_was_emptied_or_is_none(ready: Notion) -> None:
    store, usages = ready.api.store, ready.api.store.database("Usages LLM")
    service = (store.database("Services LLM").row("OpenAI").id,)
    for title, month in (("A", ""), ("B", "janvier 2026"), ("C", "2026-1"), ("D", " 2026-01 ")):
        cells: dict[str, Any] = {"Identifiant": f"2026-01 - OpenAI - {title}", "Mois": month, "Service": service}
        store.add_row(usages, {**cells, "Projet/API Key": title}, by_connection=True)
    store.add_row(usages, {"Identifiant": "Réunion", "Mois": "T1 2026", "Service": service})
    timeless, slips = check(ready).sentences
    assert "1 lignes de « Usages LLM » n’ont pas de mois (« 2026-01 - OpenAI - A »)" in str(timeless)
    assert "3 " in str(slips)
    assert "Réunion" not in str(slips)


def test_rows_that_can_t_be_read(ready: Notion) -> None:
    source = ready.api.store.database("Usages LLM").source_id
    ready.server.faults.add(Fault("notion", Kind.STATUS, path=f"{source}/query$", status=500, times=-1))
    report = check(ready)
    assert not report.usable
    assert any("HTTP 500" in str(sentence) for sentence in report.sentences)


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("upload", "rate", "words"),
    [
        (5 * MIB, 180, None),
        (5 * MIB, 600, "offre gratuite, donc 180 demandes par minute : mettez NOTION_REQUESTS_PER_MINUTE=180"),
        (5120 * MIB, 600, None),
        (5120 * MIB, 180, "si c’est Business ou Enterprise, mettez NOTION_REQUESTS_PER_MINUTE=600"),
    ],
    ids=["free", "free, set too high", "paid", "paid, set low"],
)
def test_the_plan_and_the_rate_that_is_set(ready: Notion, upload: int, rate: int, words: str | None) -> None:
    ready.api.upload_limit = upload
    report = check(ready, requests_per_minute=rate)
    assert report.usable
    assert len(report.sentences) == (0 if words is None else 1)
    assert words is None or words in str(report.sentences[0])


def test_a_token_that_tells_no_plan(ready: Notion) -> None:
    """A personal access token is a person's, not a bot's."""
    ready.server.faults.add(
        Fault("notion", Kind.REWRITE, "/users/me$", rewrite=lambda me: {**me, "type": "person", "bot": None})
    )
    assert check(ready).sentences == ()
