"""A rehearsal of set-up tells what set-up then does, asks nothing else, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notion.setup.databases import SetupResult, rehearse
from notion.setup.rehearsal import Rehearsal
from sandbox.faults import Fault, Kind
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.errors import NotionAccessError
from usage.names import ProviderName

ALL = frozenset(ProviderName)


@pytest.fixture
def rehearsed(notion: Notion) -> Iterator[Callable[..., SetupResult]]:
    gateway = Rehearsal(notion.settings(), pace=notion.pace())

    def run(configured: frozenset[ProviderName] = ALL, **settings: Any) -> SetupResult:
        before = notion.state()
        notion.server.journal.clear()
        result = rehearse(gateway, notion.settings(**settings), configured)
        assert notion.writes() == []
        assert notion.state() == before
        return result

    yield run
    gateway.close()


def nothing(notion: Notion) -> None:
    notion.api.synced_property_name_honoured = True


def by_hand(notion: Notion) -> None:
    nothing(notion)
    notion.make_by_hand()


def services_alone(notion: Notion) -> None:
    nothing(notion)
    notion.api.store.make_database("Services LLM", {"Nom": {"title": {}}, "Usages": {"rich_text": {}}})


def without_a_relation(notion: Notion) -> None:
    nothing(notion)
    notion.set_up()
    notion.api.store.change_schema(notion.usages, {"Service": None})
    notion.api.store.edit(notion.services.row("OpenAI"), {"URL Console": None})


def named_by_notion(notion: Notion) -> None:
    """As a set-up leaves it that was cut before it had named the relation's other side."""
    notion.set_up()
    store, name = notion.api.store, "Related to Usages LLM (Service)"
    store.change_schema(notion.services, {"Usages": {"name": name}})


@pytest.mark.parametrize("start", [nothing, by_hand, services_alone, without_a_relation, named_by_notion])
def test_it_tells_what_set_up_does(notion: Notion, rehearsed: Any, start: Callable[[Notion], None]) -> None:
    start(notion)
    there = {base.id for base in notion.api.store.databases()}
    told = rehearsed()
    asked = set(notion.asked())
    notion.server.journal.clear()
    done = notion.set_up()
    assert (told.done, told.warnings) == (done.done, done.warnings)
    assert told.would
    assert are_told_in_both([*told.would, *done.done, *done.warnings])
    ids = (done.services_db_id, done.usages_db_id)
    assert (told.services_db_id, told.usages_db_id) == tuple(key if key in there else None for key in ids)
    assert asked <= set(notion.asked())


def test_nothing_to_do(notion: Notion, rehearsed: Any) -> None:
    result = notion.set_up()
    assert rehearsed() == SetupResult((), (), result.services_db_id, result.usages_db_id)
    change, *_ = rehearsed(frozenset()).would
    assert change.en == "Would fill in Statut of the service OpenAI."


def test_a_database_in_several_columns_of_one_name(notion: Notion, rehearsed: Any) -> None:
    """Where Notion puts a number behind the name of the other side, so does the rehearsal."""
    store = notion.api.store
    notion.api.synced_property_name_honoured = True
    store.make_database("Services LLM", {"Nom": {"title": {}}, "Usages": {"rich_text": {}}, "Usages 1": {"url": {}}})
    assert rehearsed().warnings == notion.set_up().warnings


def test_what_stops_set_up_stops_it(notion: Notion, rehearsed: Any) -> None:
    notion.set_up()
    ids = {"services_db_id": notion.usages.id, "usages_db_id": notion.services.id}
    with pytest.raises(NotionAccessError, match="sont échangés"):
        rehearsed(**ids)
    notion.server.faults.add(Fault("notion", Kind.STATUS, "/children", status=401))
    with pytest.raises(NotionAccessError, match="jeton"):
        rehearsed()
