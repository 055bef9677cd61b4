from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.language.choice import Language
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source, Status, overall, worst
from usage.outcomes.result import KeptRow, MonthResult, NotionCounts, SourceResult, ToRerun

LATER, PERSON = "Lue plus tard que ces chiffres.", "Écrite par une personne."
DEEPGRAM = ToRerun(source=Source(provider=ProviderName.DEEPGRAM), reason=Sentence.of("x"))


def source(status: Status, provider: ProviderName = ProviderName.OPENAI) -> SourceResult:
    figures: dict[str, Any] = dict.fromkeys(("cost_usd", "tokens_input", "tokens_output", "requests"))
    return SourceResult(provider=provider, account="default", status=status, rows=0, log="", **figures)


def result(*statuses: Status, **more: Any) -> MonthResult:
    sources = tuple(source(status) for status in statuses)
    fields = {"month": Month(2026, 1), "status": overall(statuses), "notion": NotionCounts(created=3)} | more
    return MonthResult(sources=sources, **fields)


@given(st.lists(st.sampled_from(Status)))
def test_the_word_for_several_sources(statuses: list[Status]) -> None:
    word = overall(statuses)
    unread = statuses.count(Status.ECHEC)
    if unread or Status.PARTIEL in statuses:
        assert word is (Status.ECHEC if unread == len(statuses) else Status.PARTIEL)
    else:
        assert word is worst(statuses)


@pytest.mark.parametrize(
    ("made", "heading"),
    [
        (result(*[Status.SUCCES] * 7), "2026-01 : Succès"),
        (result(*[Status.SUCCES] * 6, Status.ECHEC), "2026-01 : Partiel, 6 sources sur 7"),
        (result(Status.SUCCES, Status.PARTIEL, Status.ECHEC), "2026-01 : Partiel, 1 source sur 3"),
        (result(Status.SUCCES, Status.DONNEES_INDISPONIBLES), "2026-01 : Données indisponibles"),
        (result(Status.ECHEC, Status.ECHEC), "2026-01 : Échec"),
        (result(), "2026-01 : Succès"),
        (result(Status.SUCCES, problem="Notion ne répond pas."), "2026-01 : Échec, Notion incomplet"),
        (result(Status.SUCCES, running="en cours, jour 28/31"), "2026-01 : Succès, en cours, jour 28/31"),
    ],
)
def test_the_heading(made: MonthResult, heading: str) -> None:
    assert made.heading.fr == heading


def test_sources_that_are_left_alone_count_as_unchanged_rows() -> None:
    kept = source(Status.DONNEES_INDISPONIBLES, ProviderName.ANTHROPIC).model_copy(update={"rows": 4})
    whole = result(Status.SUCCES, notion=NotionCounts(created=3, unchanged=2)).together_with([kept])
    assert [one.provider for one in whole.sources] == [ProviderName.ANTHROPIC, ProviderName.OPENAI]
    assert (whole.status, whole.notion) == (Status.DONNEES_INDISPONIBLES, NotionCounts(created=3, unchanged=7))


def test_rows_left_alone_are_told_by_reason() -> None:
    kept = tuple(KeptRow(row="r", key=key, why=why) for key, why in (("a", LATER), ("b", PERSON), ("c", LATER)))
    made = result(Status.SUCCES, notion=NotionCounts(created=3, kept=kept))
    assert [one.en for one in made.left_alone] == [f"2 rows left alone: {LATER}", f"1 row left alone: {PERSON}"]
    assert made.summary.en == (
        f"2026-01: 3 created, 0 updated, 0 unchanged; {'; '.join(one.en for one in made.left_alone)}"
    )


def test_the_summary_names_what_failed_and_what_may_be_missed() -> None:
    made = result(Status.SUCCES, Status.ECHEC, to_rerun=(DEEPGRAM,), warnings=("ANTROPIC_ADMIN_KEY is not read",))
    assert made.summary.en == (
        "2026-01: deepgram: x (1 source of 2; 3 created, 0 updated, 0 unchanged); ANTROPIC_ADMIN_KEY is not read"
    )


def test_the_object_of_json_has_the_fields_that_are_promised_and_no_other() -> None:
    made = result(Status.SUCCES, warnings=("x",), running="y", problem="z", to_rerun=(DEEPGRAM,))
    assert list(json.loads(made.to_json(Language.FR))) == ["month", "status", "sources", "notion"]
