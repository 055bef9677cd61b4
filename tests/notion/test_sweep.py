"""Every request of a publication is cut once in each way; after the next run Notion is as one clean run leaves it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from notion.client.gateway import Gateway
from sandbox.faults import Fault, Kind
from tests.notion.office import Notion, Office
from tests.notion.tables import Made
from usage.grain import NO_PROJECT
from usage.names import Grain, ProviderName, Status
from usage.outcomes.outcome import SourceOutcome

Run = Sequence[SourceOutcome]
OPENAI, ANTHROPIC, OPENROUTER = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.OPENROUTER
LATER = datetime(2026, 2, 6, 8, tzinfo=UTC)


class Cut(StrEnum):
    """What happens at one request."""

    LOST_BEFORE = "the connection is cut before Notion has seen it"
    LOST_AFTER = "Notion has done it, and its answer is lost"
    KILLED_BEFORE = "the process ends before it is sent"
    KILLED_AFTER = "the process ends after Notion has done it"


class Killed(BaseException):
    """The process is gone: nothing in it catches this."""


class Mortal(Gateway):
    """A connection whose process ends at the request it is told to; from then on nothing leaves any more."""

    fatal: int | None = None
    reached = False

    def spare(self) -> None:
        self.fatal, self.reached, self._count, self._gate = None, False, 0, threading.Lock()

    def kill(self, number: int, *, after: bool) -> None:
        self.spare()
        self.fatal, self._after = number, after

    def _send_once(self, *arguments: Any) -> Any:
        if self.fatal is None:
            return super()._send_once(*arguments)
        with self._gate:
            number, self._count = self._count, self._count + 1
            is_it = number == self.fatal
            if self.reached or (is_it and not self._after):
                self.reached = True
                raise Killed
        answer = super()._send_once(*arguments)
        if is_it:
            self.reached = True
            raise Killed
        return answer


@pytest.fixture
def mortal(notion: Notion) -> Iterator[Mortal]:
    gateway = Mortal(notion.settings(), sleep=notion.nap, pace=notion.pace())
    gateway.spare()
    yield gateway
    gateway.close()


def first_run(made: Made) -> list[Run]:
    """Two sources; one of them could not be read."""
    return [
        [
            made.outcome(made.row("p1"), made.row("p2"), made.row(NO_PROJECT)),
            made.outcome(provider=ANTHROPIC, failed=True, complete=False, status=Status.ECHEC),
        ]
    ]


def update_run(made: Made) -> list[Run]:
    """A row more, one restated, one the same, one that has vanished; another grain; a name that has its id again."""
    before = [
        made.outcome(made.row("p1"), made.row("p2"), made.row("p3")),
        made.outcome(made.row("w1", workspace="w1"), provider=ANTHROPIC, rule=made.in_grain(ANTHROPIC, Grain.PROJECT)),
        made.outcome(made.row("label:prod", name="prod", workspace="w1"), provider=OPENROUTER),
    ]
    after = [
        made.outcome(made.row("p1", 2), made.row("p2"), made.row("p4"), attempted_at=LATER),
        made.outcome(
            made.row("k1", workspace="w1"), made.row("k2", workspace="w1"), provider=ANTHROPIC, attempted_at=LATER
        ),
        made.outcome(
            made.row("hash", name="prod", workspace="w1"), provider=OPENROUTER, complete=False, attempted_at=LATER
        ),
    ]
    return [before, after]


def renamed_run(made: Made) -> list[Run]:
    """The only account has been given a name, and a row of usage without project has grown."""
    before = [made.outcome(made.row("p1"), made.row(NO_PROJECT))]
    rows = (made.row("p1", workspace="labo"), made.row(NO_PROJECT, 2, workspace="labo"))
    return [before, [made.outcome(*rows, label="labo", attempted_at=LATER)]]


def content(office: Office) -> Counter[tuple[Any, ...]]:
    """All rows with all their values."""
    return Counter(tuple((name, str(value)) for name, value in row.items()) for row in office.rows())


def identities(rows: Counter[tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    names = ("Service", "Mois", "Projet/API Key", "Workspace")
    return Counter({tuple(dict(row)[name] for name in names): count for row, count in rows.items()})


@pytest.mark.parametrize("runs", [first_run, update_run, renamed_run], ids=lambda runs: runs.__name__)
def test_cut_anywhere_the_next_run_completes(
    *,
    notion: Notion,
    made: Made,
    mortal: Mortal,
    set_up_office: Callable[..., Office],
    capsys: pytest.CaptureFixture[str],
    runs: Callable[[Made], list[Run]],
) -> None:
    *before, run = runs(made)

    def begin() -> Office:
        notion.renew()
        mortal.spare()
        office = set_up_office(notion)
        for earlier in before:
            office.collect(*earlier, gateway=mortal)
        if run[0].label:
            office.settings = relabelled(office, run[0].label)
        mortal.me()
        notion.server.journal.clear()
        return office

    office = begin()
    office.collect(*run, gateway=mortal)
    requests = len(notion.asked())
    expected = content(office)
    missing = double = wrong = cuts = 0
    for number in range(requests):
        for cut in Cut:
            office = begin()
            happened = cut_at(office, mortal, run, number, cut)
            assert happened, f"request {number} was never reached"
            office.collect(*run, gateway=mortal)
            rows = content(office)
            lacking = identities(expected) - identities(rows)
            beyond = identities(rows) - identities(expected)
            missing, double, cuts = missing + lacking.total(), double + beyond.total(), cuts + 1
            wrong += (expected - rows).total() if not lacking and not beyond else 0
    with capsys.disabled():
        print(f"\n  {runs.__name__}: {cuts} cut points, {missing} missing, {double} double, {wrong} wrong", end=" ")
    assert cuts == requests * len(Cut) > 0
    assert (missing, double, wrong) == (0, 0, 0)


def cut_at(office: Office, mortal: Mortal, run: Run, number: int, cut: Cut) -> bool:
    """Collect with one cut; whether it happened."""
    if cut in (Cut.LOST_BEFORE, Cut.LOST_AFTER):
        kind = Kind.CUT_BEFORE if cut is Cut.LOST_BEFORE else Kind.CUT_AFTER
        fault = office.notion.server.faults.add(Fault("notion", kind, skip=number))
        office.collect(*run, gateway=mortal)
        return bool(fault.times == 0)
    mortal.kill(number, after=cut is Cut.KILLED_AFTER)
    with pytest.raises(Killed):
        office.collect(*run, gateway=mortal)
    happened = mortal.reached
    mortal.spare()
    return happened


def relabelled(office: Office, label: str) -> Any:
    """Settings in which each key is its provider's only one and has this name."""
    credentials = tuple(
        one.model_copy(update={"source": one.source.model_copy(update={"account": label})})
        for one in office.settings.credentials
    )
    return office.settings.model_copy(update={"credentials": credentials})
