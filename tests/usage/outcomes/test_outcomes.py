from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from usage.grain import NO_API_KEY, NO_PROJECT
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import Grain, Kind, ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome, build_outcomes, failed_outcome
from usage.outcomes.report import Gap, GapKind, SourceReport, Thing
from usage.outcomes.rows import LabelledReport, Totals
from usage.records.record import UsageRecord

MakeReport = Callable[..., SourceReport]
OPENAI, ANTHROPIC, ELEVENLABS = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.ELEVENLABS
OPENROUTER = ProviderName.OPENROUTER
MISSING = Gap(kind=GapKind.MISSING, sentence="Il manque une partie.")
UNAVAILABLE = Gap(kind=GapKind.UNAVAILABLE, sentence="Les jours avant le 5 peuvent manquer.")


def one(cost: int = 1, **ids: Any) -> UsageRecord:
    return UsageRecord(cost=Decimal(cost), model="m", **ids)


def reading(make_report: MakeReport, account: str, *records: UsageRecord, **more: object) -> LabelledReport:
    provider = more.pop("provider", OPENAI)
    grain = more.pop("grain", Grain.PROJECT if provider is OPENAI else Grain.API_KEY)
    assert isinstance(provider, ProviderName)
    assert isinstance(grain, Grain)
    return LabelledReport(
        make_report(*records, source=Source(provider=provider, account=account), **more), grain, account
    )


def cut(outcome: SourceOutcome) -> list[tuple[str, str]]:
    return [(row.key, row.workspace) for row in outcome.rows]


def things(kind: Kind, *ids: str) -> tuple[Thing, ...]:
    return tuple(Thing(kind=kind, id=an_id) for an_id in ids)


# -- one source


def test_what_an_outcome_takes_from_its_report(make_report: MakeReport) -> None:
    report = make_report(one(2, project="p1"), one(3, project="p2"), things=things(Kind.PROJECT, "p1"))
    (outcome,) = build_outcomes([LabelledReport(report, Grain.PROJECT, "")], [])
    assert outcome.source == report.source
    assert outcome.attempted_at == report.read_at
    assert outcome.totals == Totals(cost=Decimal(5))
    assert (outcome.status, outcome.rerun, outcome.reason, outcome.failed) == (Status.SUCCES, False, SILENCE, False)
    assert cut(outcome) == [("p1", ""), ("p2", "")]
    assert outcome.things == report.things
    assert outcome.complete


@pytest.mark.parametrize(
    ("records", "more", "complete"),
    [
        ([one(project="p1")], {}, True),
        ([one(project="p1")], {"gaps": (MISSING,)}, False),
        # Days out of reach: what is not in the answer may well have been used.
        ([one(project="p1")], {"gaps": (UNAVAILABLE,)}, False),
        ([one(project="p1")], {"coarse": True}, False),
        ([UsageRecord(project="p1", missing_amounts=1)], {}, False),
        ([], {}, False),
        ([], {"empty_proven": True}, True),
        ([], {"empty_proven": True, "gaps": (MISSING,)}, False),
        ([], {"empty_proven": True, "gaps": (UNAVAILABLE,)}, False),
    ],
)
def test_when_absence_is_zero(
    make_report: MakeReport, records: list[UsageRecord], more: dict[str, object], complete: bool
) -> None:
    (outcome,) = build_outcomes([LabelledReport(make_report(*records, **more), Grain.PROJECT, "")], [])
    assert outcome.complete is complete


def test_what_is_missing_is_the_reason_to_rerun(make_report: MakeReport) -> None:
    (outcome,) = build_outcomes(
        [LabelledReport(make_report(one(), gaps=(MISSING, UNAVAILABLE)), Grain.PROJECT, "")], []
    )
    assert (outcome.status, outcome.rerun, outcome.reason) == (Status.PARTIEL, True, MISSING.sentence)
    assert str(MISSING.sentence) in str(outcome.log)
    assert str(UNAVAILABLE.sentence) in str(outcome.log)


def test_a_failure_has_no_rows_and_says_why() -> None:
    at = datetime(2026, 2, 5, 8, tzinfo=UTC)
    source = Source(provider=OPENAI, account="labo")
    failure = failed_outcome(
        source, Month(2026, 1), "labo", Grain.PROJECT, at=at, sentence=Sentence.of("La clé est refusée.")
    )
    (outcome,) = build_outcomes([], [failure])
    assert (outcome.failed, outcome.status, outcome.rerun) == (True, Status.ECHEC, True)
    assert (outcome.rows, outcome.complete, outcome.totals) == ((), False, Totals())
    assert outcome.attempted_at == at
    assert str(outcome.reason) == "La clé est refusée."
    assert "La clé est refusée." in str(outcome.log)
    assert "--account labo" in str(outcome.log)


def test_sources_are_in_order(make_report: MakeReport) -> None:
    at = datetime(2026, 2, 5, 8, tzinfo=UTC)
    readings = [reading(make_report, name, one(project=name)) for name in ("c", "a")]
    failure = failed_outcome(
        Source(provider=OPENAI, account="b"), Month(2026, 1), "b", Grain.PROJECT, at=at, sentence=Sentence.of("Échec.")
    )
    assert [outcome.source.account for outcome in build_outcomes(readings, [failure])] == ["a", "b", "c"]


def test_usage_of_no_workspace_is_the_account_s(make_report: MakeReport) -> None:
    readings = [reading(make_report, name, one(), one(api_key="k" + name), provider=ANTHROPIC) for name in "ab"]
    a, b = build_outcomes(readings, [])
    assert cut(a) == [(NO_API_KEY, "a"), ("ka", "a")]
    assert cut(b) == [(NO_API_KEY, "b"), ("kb", "b")]


# -- two accounts that reach the same


def test_an_id_that_two_accounts_reach_is_counted_once(make_report: MakeReport) -> None:
    a = reading(make_report, "a", one(1, project="p1"), one(2))
    b = reading(make_report, "b", one(1, project="p1"), one(2), one(4, project="p2"))
    first, second = build_outcomes([b, a], [])
    assert cut(first) == [(NO_PROJECT, "a"), ("p1", "a")]
    assert cut(second) == [("p2", "b")]
    assert second.totals.cost == 4
    assert "Les comptes a et b voient les mêmes éléments" in str(second.log)
    assert "comptes" not in str(first.log)


def test_what_is_the_other_account_s_can_t_vanish_from_this_one(make_report: MakeReport) -> None:
    both = things(Kind.PROJECT, "p1", "p2")
    a = reading(make_report, "a", one(project="p1"), things=both)
    b = reading(make_report, "b", one(project="p3"), things=(*both, *things(Kind.PROJECT, "p3")))
    _, second = build_outcomes([a, b], [])
    assert [thing.id for thing in second.things] == ["p3"]
    assert "comptes" not in str(second.log)


def test_all_of_it_is_the_other_account_s(make_report: MakeReport) -> None:
    first, second = build_outcomes([reading(make_report, name, one(project="p1")) for name in "ab"], [])
    assert first.totals.cost == 1
    assert (second.rows, second.totals) == ((), Totals())
    assert second.complete


def test_three_accounts(make_report: MakeReport) -> None:
    a = reading(make_report, "a", one(1, project="p1"))
    b = reading(make_report, "b", one(2, project="p2"))
    c = reading(make_report, "c", one(1, project="p1"), one(2, project="p2"), one(4, project="p3"))
    assert cut(build_outcomes([c, b, a], [])[2]) == [("p3", "c")]


def test_accounts_of_two_providers_have_nothing_in_common(make_report: MakeReport) -> None:
    a = reading(make_report, "a", one(api_key="k1"), provider=ANTHROPIC)
    b = reading(make_report, "b", one(api_key="k1"), provider=ELEVENLABS)
    assert [len(outcome.rows) for outcome in build_outcomes([a, b], [])] == [1, 1]


def test_a_name_in_an_id_s_place_is_no_shared_id(make_report: MakeReport) -> None:
    def lost(account: str, place: str) -> LabelledReport:
        record = one(api_key="label:prod", workspace=place)
        return reading(make_report, account, record, provider=OPENROUTER, things=things(Kind.API_KEY, "label:prod"))

    first, second = build_outcomes([lost("a", "w1"), lost("b", "w2")], [])
    assert [cut(first), cut(second)] == [[("label:prod", "w1")], [("label:prod", "w2")]]


def test_names_within_a_shared_workspace_are_shared(make_report: MakeReport) -> None:
    record = one(api_key="label:prod", workspace="w1")
    both = [
        reading(make_report, name, record, provider=OPENROUTER, things=things(Kind.WORKSPACE, "w1")) for name in "ab"
    ]
    assert [len(outcome.rows) for outcome in build_outcomes(both, [])] == [1, 0]


def test_rows_of_whole_accounts_that_see_the_same_keys(make_report: MakeReport) -> None:
    both = [
        reading(
            make_report,
            name,
            one(api_key="k1"),
            provider=ELEVENLABS,
            grain=Grain.PROJECT,
            things=things(Kind.API_KEY, "k1"),
        )
        for name in "ab"
    ]
    assert [cut(outcome) for outcome in build_outcomes(both, [])] == [[("a", "a")], []]


def test_rows_of_whole_accounts_that_have_nothing_in_common(make_report: MakeReport) -> None:
    both = [reading(make_report, name, one(), provider=ELEVENLABS, grain=Grain.PROJECT) for name in "ab"]
    assert [cut(outcome) for outcome in build_outcomes(both, [])] == [[("a", "a")], [("b", "b")]]


def test_usage_of_nobody_is_its_organisation_s(make_report: MakeReport) -> None:
    """Two organisations may reach one project; the provider tells which is which."""
    records = one(1, project="p1"), one(2)
    two = [reading(make_report, name, *records, organisation=f"org-{name}") for name in "ab"]
    assert [cut(outcome) for outcome in build_outcomes(two, [])] == [
        [(NO_PROJECT, "a"), ("p1", "a")],
        [(NO_PROJECT, "b")],
    ]
    same = [reading(make_report, name, *records, organisation="org") for name in "ab"]
    assert [len(outcome.rows) for outcome in build_outcomes(same, [])] == [2, 0]


def test_what_the_first_account_could_not_read_is_the_second_s(make_report: MakeReport) -> None:
    both = things(Kind.PROJECT, "p1", "p2")
    a = reading(make_report, "a", one(1, project="p1"), things=both, gaps=(MISSING,))
    b = reading(make_report, "b", one(1, project="p1"), one(2, project="p2"), one(4), things=both)
    _, second = build_outcomes([a, b], [])
    assert cut(second) == [(NO_PROJECT, "b"), ("p2", "b")]


@pytest.mark.parametrize("coarse", ["a", "b"])
def test_a_workspace_and_its_keys_are_counted_once(make_report: MakeReport, coarse: str) -> None:
    """One account's key may read the finer reports, the other's not."""
    both = [
        reading(
            make_report,
            name,
            one(3, api_key="k1", workspace="w1"),
            provider=ANTHROPIC,
            coarse=name == coarse,
            things=things(Kind.WORKSPACE, "w1"),
            gaps=(MISSING,),
        )
        for name in "ab"
    ]
    first, second = build_outcomes(both, [])
    assert (first.totals.cost, second.rows) == (Decimal(3), ())
