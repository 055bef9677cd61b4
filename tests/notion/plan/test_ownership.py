"""Whose row it is, whatever people do to labels, keys and rows: what is read stands in Notion once, and nothing else is
touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notion.plan.reasons import misdated, old_grain, out_of_reach, read_later, somebodys
from notion.plan.steps import Action, Plan
from notion.rows.receipt import read_receipt
from notion.rows.values import Existing, Values
from tests.notion.tables import Table
from usage.grain import COLLECTION, NO_PROJECT
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, Grain, Kind, ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome, build_outcomes, failed_outcome
from usage.outcomes.report import Control, Gap, GapKind, SourceReport, Thing
from usage.outcomes.rows import LabelledReport
from usage.records.record import UsageRecord

OPENAI, ANTHROPIC, DEEPGRAM = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.DEEPGRAM
ELEVENLABS, OPENROUTER = ProviderName.ELEVENLABS, ProviderName.OPENROUTER
JANUARY = Month(2026, 1)
READ_AT = datetime(2026, 2, 5, 8, tzinfo=UTC)


@dataclass
class Organisation:
    """What stands behind a key: its things with what each cost, and what nobody's usage cost."""

    name: str
    costs: dict[str, int]
    nobody: int = 0
    tells: bool = True
    """Whether the provider tells the organisation's id."""

    @property
    def total(self) -> int:
        return sum(self.costs.values()) + self.nobody


@dataclass
class Office:
    """Accounts of one provider by their labels, and the month in Notion."""

    table: Table
    provider: ProviderName
    accounts: dict[str, Organisation]
    grain: Grain | None = None
    at: datetime = READ_AT
    creators: dict[str, str] = field(default_factory=dict)
    """Which organisation each row was made for."""

    def collect(self, *only: str, failing: Iterable[str] = (), partial: bool = False, **more: Any) -> Plan:
        """Read some accounts, or all, and carry out the plan."""
        self.at += timedelta(minutes=5)
        names = sorted(self.accounts)
        self.table.labels[self.provider] = tuple(map(self._label, names))
        read = [name for name in only or names if name not in failing]
        outcomes = build_outcomes(
            [self._reading(name, partial=partial) for name in read],
            [self._failure(name) for name in failing if name in (only or names)],
        )
        before = set(self.table.rows)
        plan: Plan = self.table.collect(*outcomes, **more)
        behind = {self._source(name): self.accounts[name].name for name in names}
        made = [step for step in plan.steps if step.action is Action.CREATE]
        for page_id in set(self.table.rows) - before:
            values = self.table.rows[page_id].values
            (step,) = (one for one in made if one.values.key == values.key and one.values.workspace == values.workspace)
            self.creators[page_id] = behind[step.source]
        return plan

    def cost_of(self, organisation: Organisation) -> float:
        """What Notion shows of an organisation."""
        pages = [page for page, name in self.creators.items() if name == organisation.name and page in self.table.rows]
        return sum(float(self.table.rows[page].values.cost or 0) for page in pages)

    def _label(self, name: str) -> str:
        return "" if list(self.accounts) == [DEFAULT_ACCOUNT] else name

    def _source(self, name: str) -> Source:
        return Source(provider=self.provider, account=name)

    def _reading(self, name: str, *, partial: bool) -> LabelledReport:
        grain = self.grain or self.provider.spec.grains.default
        return LabelledReport(_report(self, name, partial=partial), grain, self._label(name))

    def _failure(self, name: str) -> SourceOutcome:
        grain = self.grain or self.provider.spec.grains.default
        return failed_outcome(
            self._source(name), JANUARY, self._label(name), grain, at=self.at, sentence=Sentence.of("Pas de réponse.")
        )


def _report(office: Office, name: str, *, partial: bool) -> SourceReport:
    organisation, provider = office.accounts[name], office.provider
    by_project = provider in (OPENAI, DEEPGRAM)
    place = None if provider is ELEVENLABS else f"place-{organisation.name}"
    kind = Kind.PROJECT if by_project else Kind.API_KEY
    by_key = {"project": None, "workspace": place}
    records = [
        UsageRecord(
            cost=Decimal(cost),
            model="m",
            **({"project": key, "api_key": f"{key}-key"} if by_project else {"api_key": key, **by_key}),
        )
        for key, cost in organisation.costs.items()
    ]
    if organisation.nobody:
        records.append(UsageRecord(cost=Decimal(organisation.nobody), model="m"))
    things = [Thing(kind=kind, id=key) for key in organisation.costs]
    things += [Thing(kind=Kind.WORKSPACE, id=place)] if place and not by_project else []
    gap = Gap(kind=GapKind.MISSING, sentence="Il manque une partie.")
    total = Decimal(organisation.total)
    return SourceReport(
        source=Source(provider=provider, account=name),
        month=JANUARY,
        read_at=office.at,
        records=tuple(records[1:] if partial else records),
        things=tuple(things),
        organisation=organisation.name if organisation.tells else None,
        gaps=(gap,) if partial else (),
        control=None if partial else Control(total=total, summed=total, agrees=True),
        empty_proven=True,
    )


def organisation(name: str, *, tells: bool = True, nobody: int = 3, **costs: int) -> Organisation:
    return Organisation(
        name, {f"{name}-{key}": cost for key, cost in (costs or {"p1": 40, "p2": 60}).items()}, nobody, tells
    )


EVERY = [(provider, tells) for provider in ProviderName for tells in (True, False)]


@pytest.fixture(params=EVERY, ids=lambda one: f"{one[0]}-{'told' if one[1] else 'by ids'}")
def kind(request: pytest.FixtureRequest) -> tuple[ProviderName, bool]:
    found: tuple[ProviderName, bool] = request.param
    return found


@pytest.fixture
def two(kind: tuple[ProviderName, bool]) -> tuple[Organisation, Organisation]:
    return organisation("acme", tells=kind[1]), organisation("labo", tells=kind[1], p1=7, p2=11)


# -- the slips of a label, each by name


def test_two_accounts_exchange_their_labels(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    pages = set(table.rows)
    office.accounts = {"a": labo, "b": acme}
    for _ in range(2):
        plan = office.collect()
        assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)
        assert set(table.rows) == pages
        assert all(outcome.status is Status.SUCCES for outcome in plan.outcomes)
    own = [row.values for row in table.rows.values() if row.values.key == COLLECTION]
    receipts = {values.workspace: read_receipt(values.breakdown) for values in own}
    assert {name: receipt and receipt.cost_usd for name, receipt in receipts.items()} == {
        "a": labo.total,
        "b": acme.total,
    }


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_exchanged_labels_read_one_after_the_other(kind: Any, two: Any, table: Table, order: tuple[str, str]) -> None:
    acme, labo = two
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    office.accounts = {"a": labo, "b": acme}
    for name in order:
        office.collect(name)
        assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)
    assert table.cost() == acme.total + labo.total


def test_the_plain_variable_gets_a_second_organisation(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    office = Office(table, kind[0], {DEFAULT_ACCOUNT: acme})
    office.collect()
    office.accounts = {DEFAULT_ACCOUNT: labo, "acme": acme}
    for _ in range(2):
        office.collect()
        assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)
    assert table.cost() == acme.total + labo.total


def test_a_key_replaced_by_another_organisation_s(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    office = Office(table, kind[0], {DEFAULT_ACCOUNT: acme})
    office.collect()
    before = dict(table.rows)
    office.accounts = {DEFAULT_ACCOUNT: labo}
    for _ in range(3):
        plan = office.collect()
        assert before.items() <= table.rows.items()
        assert office.cost_of(labo) == labo.total
        (outcome,) = plan.outcomes
        assert outcome.status is Status.SUCCES
        assert "organisation que cette clé ne voit pas" in outcome.log.fr
        left = [step for step in plan.steps if step.why == out_of_reach()]
        assert {step.page_id for step in left} == {
            row.page_id for row in before.values() if row.values.key != COLLECTION
        }
    office.accounts = {DEFAULT_ACCOUNT: acme}
    office.collect()
    assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)


def test_one_account_removed_and_the_other_renamed(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    for name in ("c", DEFAULT_ACCOUNT, "a"):
        office.accounts = {name: labo}
        office.collect()
        assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)
        assert table.cost() == acme.total + labo.total


def test_a_project_that_moves_between_two_accounts_that_both_see_it(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    acme.costs["shared"], labo.costs["shared"] = 0, 5
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    moved = [5, 0]
    for _ in range(2):
        acme.costs["shared"], labo.costs["shared"] = moved
        office.collect()
        (row,) = (row for row in table.rows.values() if row.values.key == "shared")
        assert row.values.cost in (0, 5)
        moved.reverse()


def test_labels_exchanged_where_both_see_one_project(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    acme.nobody = labo.nobody = 0
    acme.costs["shared"] = labo.costs["shared"] = 5
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    pages = {page for page, row in table.rows.items() if row.values.key != COLLECTION}
    for accounts in ({"a": labo, "b": acme}, {"a": acme, "b": labo}):
        office.accounts = accounts
        plan = office.collect()
        assert [outcome.status for outcome in plan.outcomes] == [Status.SUCCES] * 2
        assert table.cost() == acme.total + labo.total - 5
    assert {page for page, row in table.rows.items() if row.values.key != COLLECTION} == pages


def test_a_failed_attempt_after_an_exchange_touches_no_figures(kind: Any, two: Any, table: Table) -> None:
    acme, labo = two
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    office.accounts = {"a": labo, "b": acme}
    for failing in ("a", "b"):
        office.collect(failing=[failing])
        assert (office.cost_of(acme), office.cost_of(labo)) == (acme.total, labo.total)
    office.collect()
    assert sum(row.values.key == COLLECTION for row in table.rows.values()) == 2


def test_rows_without_receipts_are_told_by_their_ids(kind: Any, two: Any, table: Table) -> None:
    """As the versions before receipts have left them."""
    acme, labo = two
    office = Office(table, kind[0], {"a": acme, "b": labo})
    office.collect()
    for page, row in table.rows.items():
        if row.values.key == COLLECTION:
            table.rows[page] = replace(row, values=replace(row.values, breakdown=""))
    office.accounts = {"a": labo, "b": acme}
    for _ in range(2):
        office.collect()
        assert table.cost() == acme.total + labo.total


# -- less than before


def half(organisation: Organisation) -> None:
    organisation.costs = {key: cost // 2 for key, cost in organisation.costs.items()}
    organisation.nobody //= 2


def test_a_month_that_is_over_is_not_halved_without_a_word(kind: Any, two: Any, table: Table) -> None:
    acme, total = two[0], two[0].total
    office = Office(table, kind[0], {DEFAULT_ACCOUNT: acme})
    office.collect()
    half(acme)
    for _ in range(2):
        (outcome,) = office.collect().outcomes
        assert (outcome.status, outcome.rerun) == (Status.PARTIEL, True)
        assert f"collect --month 2026-01 --provider {kind[0]} --accept-lower" in outcome.reason.fr
        assert office.cost_of(acme) == total
    (outcome,) = office.collect(accept_lower=True).outcomes
    assert (outcome.status, office.cost_of(acme)) == (Status.SUCCES, acme.total)
    assert office.collect().outcomes[0].status is Status.SUCCES


def test_a_month_that_is_over_is_not_emptied_without_a_word(kind: Any, two: Any, table: Table) -> None:
    acme, total = two[0], two[0].total
    office = Office(table, kind[0], {DEFAULT_ACCOUNT: acme})
    office.collect()
    acme.nobody, kept = 0, dict(acme.costs)
    acme.costs = dict.fromkeys(kept, 0)
    (outcome,) = office.collect().outcomes
    assert (outcome.status, office.cost_of(acme)) == (Status.PARTIEL, total)
    office.collect(accept_lower=True)
    assert office.cost_of(acme) == 0


def test_a_small_correction_with_proof_is_followed(kind: Any, two: Any, table: Table) -> None:
    acme = two[0]
    office = Office(table, kind[0], {DEFAULT_ACCOUNT: acme})
    office.collect()
    acme.costs["acme-p1"] -= 1
    (outcome,) = office.collect().outcomes
    assert (outcome.status, office.cost_of(acme)) == (Status.SUCCES, acme.total)


def test_a_correction_that_the_total_does_not_confirm_is_not(made: Any, table: Table) -> None:
    table.collect(made.outcome(made.row("p1", 5)))
    at = READ_AT + timedelta(days=1)
    table.collect(made.outcome(made.row("p1", 4), attempted_at=at, control=None))
    assert table.values("p1").cost == 5
    # On the first day after the month there is no total to hold it against yet.
    table.collect(made.outcome(made.row("p1", 4), attempted_at=at, control=None, provisional=True))
    assert table.values("p1").cost == 4


def test_a_running_month_may_go_down(made: Any, table: Table) -> None:
    tenth = datetime(2026, 1, 10, tzinfo=UTC)
    table.collect(made.outcome(made.row("p1", 5), attempted_at=tenth))
    table.collect(made.outcome(made.row("p1", 1), attempted_at=tenth + timedelta(days=1), control=None))
    assert table.values("p1").cost == 1


# -- whose hand


def by(table: Table, page: str, author: str, editor: str) -> None:
    table.rows[page] = replace(table.rows[page], author=author, editor=editor)


def test_a_row_of_a_person_is_left_alone(made: Any, table: Table) -> None:
    mine = table.put(key="ChatGPT Team", cost=300.0, name="ChatGPT Team")
    bill = table.put(key="", title="Facture à vérifier - Erreur")
    for row in (mine, bill):
        by(table, row.page_id, "person", "person")
    before = dict(table.rows)
    for _ in range(2):
        plan = table.collect(made.outcome(made.row("p1", name="ChatGPT Team")), me="bot")
        assert before.items() <= table.rows.items()
        kept = {step.page_id: step.why for step in plan.steps if step.action is Action.KEEP and step.why}
        assert kept == {mine.page_id: somebodys(), bill.page_id: somebodys()}
        for page in set(table.rows) - set(before):
            by(table, page, "bot", "bot")


def test_a_row_of_ours_that_a_person_wrote_on_is_still_ours(made: Any, table: Table) -> None:
    table.collect(made.outcome(made.row("p1", 1)), me="bot")
    for page in list(table.rows):
        by(table, page, "bot", "person")
    table.collect(made.outcome(made.row("p1", 2), attempted_at=READ_AT + timedelta(days=1)), me="bot")
    assert table.values("p1").cost == 2


def test_a_row_of_somebody_else_in_the_place_of_ours_is_told(made: Any, table: Table) -> None:
    """A second row would count the project twice; to rewrite theirs is for heal, which asks first."""
    theirs = table.put(key="p1", cost=9.0)
    by(table, theirs.page_id, "person", "person")
    plan = table.collect(made.outcome(made.row("p1", 1), made.row("p2", 2)), me="bot")
    assert table.keys() == [COLLECTION, "p1", "p2"]
    assert table.values("p1").cost == 9
    (outcome,) = plan.outcomes
    assert (outcome.status, outcome.rerun) == (Status.PARTIEL, True)
    assert "llm-usage heal" in outcome.reason.fr


def test_a_row_that_was_taken_over_stays_ours(made: Any, table: Table) -> None:
    """Heal has written to it once; afterwards a person has."""
    theirs = table.put(key="p1", cost=9.0)
    by(table, theirs.page_id, "person", "bot")
    table.collect(made.outcome(made.row("p1", 10)), me="bot")
    by(table, theirs.page_id, "person", "person")
    table.collect(made.outcome(made.row("p1", 11), attempted_at=READ_AT + timedelta(days=1)), me="bot")
    assert table.values("p1").cost == 11


def test_rows_of_a_connection_that_was_replaced_are_ours(made: Any, table: Table) -> None:
    table.collect(made.outcome(made.row("p1", 1)))
    for page in list(table.rows):
        by(table, page, "old bot", "old bot")
    table.collect(made.outcome(made.row("p1", 2), attempted_at=READ_AT + timedelta(days=1)), me="bot")
    assert table.values("p1").cost == 2


def test_a_row_whose_title_and_month_differ_is_nobody_s_double(made: Any, table: Table) -> None:
    slipped = table.put(key="p1", cost=9.0, title="2026-02 - OpenAI - p1")
    for _ in range(2):
        plan = table.collect(made.outcome(made.row("p1", 1)))
        assert table.rows[slipped.page_id] == slipped
        assert table.cost() == 10
        assert misdated() in {step.why for step in plan.steps}


# -- any sequence of them


class Life(RuleBasedStateMachine):
    """Labels, keys, amounts and people change; after each collection Notion shows what the sources last told."""

    make_table: Callable[[], Table]

    @initialize(provider=st.sampled_from(list(ProviderName)), tells=st.booleans())
    def begin(self, provider: ProviderName, tells: bool) -> None:
        self.organisations = [
            organisation("acme", tells=tells),
            organisation("labo", tells=tells, p1=7, p2=11),
            organisation("zeta", tells=tells, nobody=0, p1=20, p2=1),
        ]
        self.office = Office(self.make_table(), provider, {DEFAULT_ACCOUNT: self.organisations[0]})
        self.told: dict[str, int] = {}
        self.persons: dict[str, Existing] = {}
        self.last: tuple[SourceOutcome, ...] = ()

    @rule(
        names=st.permutations([DEFAULT_ACCOUNT, "a", "b", "c"]), who=st.permutations([0, 1, 2]), count=st.integers(1, 3)
    )
    def configure(self, names: list[str], who: list[int], count: int) -> None:
        """Any keys under any labels."""
        pairs = zip(names[:count], who[:count], strict=True)
        self.office.accounts = {name: self.organisations[number] for name, number in pairs}

    @rule(number=st.integers(0, 2), cost=st.integers(1, 99), which=st.sampled_from(["p1", "p2"]))
    def restate(self, number: int, cost: int, which: str) -> None:
        one = self.organisations[number]
        one.costs[f"{one.name}-{which}"] = cost

    @rule(number=st.integers(0, 2), cost=st.integers(0, 9))
    def nobody(self, number: int, cost: int) -> None:
        self.organisations[number].nobody = cost

    @rule(month=st.sampled_from(["2026-01", "2026-02"]), cost=st.integers(1, 500))
    def person_adds_a_row(self, month: str, cost: int) -> None:
        table = self.office.table
        row = table.put(
            provider=self.office.provider,
            key=f"licence {len(self.persons)}",
            cost=float(cost),
            title=f"{month} licences",
        )
        by(table, row.page_id, "person", "person")
        self.persons[row.page_id] = table.rows[row.page_id]

    @rule(data=st.data())
    @precondition(lambda self: self.told)
    def person_touches_a_row(self, data: st.DataObject) -> None:
        """A note, or a fast clock's time."""
        table = self.office.table
        page = data.draw(st.sampled_from(sorted(set(table.rows) - set(self.persons))))
        table.rows[page] = replace(table.rows[page], editor="person")

    @rule(grain=st.sampled_from(list(Grain)))
    def another_grain(self, grain: Grain) -> None:
        self.office.grain = grain

    @rule(minutes=st.sampled_from([-15, 60]))
    def another_clock(self, minutes: int) -> None:
        """The next reading is of a worker whose clock is slow, or of an hour later."""
        self.office.at += timedelta(minutes=minutes)

    @rule()
    def collect_in_part(self) -> None:
        plan = self.office.collect(partial=True, me="bot")
        self._sign()
        for outcome in plan.outcomes:
            assert outcome.rerun
            # What stands there now is of two readings.
            self.told.pop(self.office.accounts[outcome.source.account].name, None)

    def _sign(self) -> None:
        for page, row in self.office.table.rows.items():
            if row.author is None:
                by(self.office.table, page, "bot", "bot")

    @rule(accept=st.booleans(), data=st.data())
    def collect(self, accept: bool, data: st.DataObject) -> None:
        names = sorted(self.office.accounts)
        only = data.draw(st.sampled_from([(), *((name,) for name in names)]))
        failing = data.draw(st.sampled_from([(), *((name,) for name in names)]))
        plan = self.office.collect(*only, failing=failing, accept_lower=accept, me="bot")
        self._sign()
        older = {step.source for step in plan.steps if step.why in (read_later(), old_grain())}
        for outcome in plan.outcomes:
            one = self.office.accounts[outcome.source.account]
            if outcome.source in older:
                # Newer figures stand there, and stay; each such row says so.
                self.told.pop(one.name, None)
            elif not outcome.failed and not outcome.rerun:
                self.told[one.name] = one.total
            elif not outcome.failed:
                assert any(word in outcome.reason.fr for word in ("restent", "disparu")), outcome.reason

    @invariant()
    def notion_shows_what_was_told(self) -> None:
        for one in getattr(self, "organisations", ()):
            shown = self.office.cost_of(one)
            assert shown == self.told.get(one.name, shown), one.name

    @invariant()
    def people_s_rows_are_as_they_were(self) -> None:
        for page, row in getattr(self, "persons", {}).items():
            assert self.office.table.rows[page].values == row.values

    @invariant()
    def nothing_else_is_counted(self) -> None:
        if not hasattr(self, "office"):
            return
        persons = sum(float(row.values.cost or 0) for row in self.persons.values())
        assert self.office.table.cost() == persons + sum(map(self.office.cost_of, self.organisations))


def test_any_sequence(make_table: Callable[[], Table]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Life", (Life,), {"make_table": staticmethod(make_table)})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=15))


def test_values_of_a_row_hold_no_label_of_another(made: Any, table: Table) -> None:
    """Where a service has several accounts, no two rows have one title, and no two bars of a chart one name."""
    table.labels[OPENAI] = ("a", "b")
    both = [
        made.outcome(made.row(f"{n}1", workspace=n, name="Production"), made.row(NO_PROJECT, workspace=n), account=n)
        for n in "ab"
    ]
    table.collect(*both)
    rows: list[Values] = [row.values for row in table.rows.values()]
    assert len({row.title for row in rows}) == len({row.name for row in rows}) == len(rows)
    assert table.values("a1").title == "2026-01 - OpenAI - Production (a)"
    assert table.values("a1").name == "Production (a)"
