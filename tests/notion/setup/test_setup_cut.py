"""Set-up cut anywhere, and answers that do not arrive: the end is that of one clean run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from notion.setup.databases import set_up
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from tests.notion.mortal import Died, Mortal
from tests.notion.office import Notion
from usage.errors import NotionBusyError
from usage.names import ProviderName

ALL = frozenset(ProviderName)


def die(_: float) -> None:
    raise Died


@pytest.mark.parametrize("by_hand", [False, True], ids=["from nothing", "by hand"])
@pytest.mark.parametrize("honoured", [False, True])
@pytest.mark.parametrize("end", ["before", "after", "lost"])
def test_cut_at_any_request(notion: Notion, by_hand: bool, honoured: bool, end: str) -> None:
    """Before the request is sent; after it was carried out, its answer lost with the program; its answer lost alone."""

    def start(*faults: Fault) -> None:
        notion.renew()
        notion.api.synced_property_name_honoured = honoured
        if by_hand:
            notion.make_by_hand()
        for fault in faults:
            notion.server.faults.add(fault)

    pace = Mortal()
    mortal = notion.gateway(pace=pace, sleep=die)
    # Asked once by each connection, and so in no round of those below.
    pace.left = 1
    assert mortal.me() == notion.connection.me()
    start()
    notion.set_up()
    requests, clean = len(notion.asked()), notion.state()
    for cut in range(requests):
        start(*([] if end == "before" else [Fault("notion", Kind.CUT_AFTER, skip=cut)]))
        if end != "lost":
            pace.left = cut if end == "before" else requests
            with pytest.raises(Died):
                set_up(mortal, notion.settings(), ALL)
        notion.set_up()
        assert notion.state() == clean, f"cut at request {cut} of {requests}"
        notion.server.journal.clear()
        notion.set_up()
        assert notion.writes() == []


@pytest.mark.parametrize("lost", [trouble.bad_gateway, trouble.unavailable, trouble.internal_error])
def test_creations_that_were_not_saved_are_repeated(notion: Notion, lost: Callable[..., Fault]) -> None:
    for path in ("/databases$", "/pages$"):
        notion.server.faults.add(lost(path=path, method="POST"))
    notion.set_up()
    assert [base.title for base in notion.api.store.databases()] == ["Services LLM", "Usages LLM"]
    assert len(notion.services.rows()) == 5
    assert len(notion.naps) == 2


def test_a_service_that_notion_says_it_saved_is_not_looked_for(notion: Notion) -> None:
    notion.api.visibility_lag = 3
    notion.api.commit_then_503()
    notion.set_up()
    assert len(notion.services.rows()) == 5


def test_creations_that_never_arrive_end_busy(notion: Notion) -> None:
    notion.server.faults.add(trouble.internal_error(path="/databases$", times=-1))
    with pytest.raises(NotionBusyError):
        notion.set_up()
    assert notion.api.store.databases() == []
    assert notion.writes() == ["POST /databases"] * 3
