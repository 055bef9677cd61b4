from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.language.sentence import Sentence
from usage.names import DEFAULT_ACCOUNT, Kind, ProviderName, Source, Status, worst
from usage.outcomes.report import Control, Gap, GapKind, RowNote, SourceReport, Thing
from usage.records.record import UsageRecord, cost_unit

MakeReport = Callable[..., SourceReport]
MISSING = Gap(kind=GapKind.MISSING, sentence="Il manque les coûts.", passing=True)
UNAVAILABLE = Gap(kind=GapKind.UNAVAILABLE, sentence="Pas de coûts.")


@pytest.mark.parametrize(
    ("gaps", "missing_amounts", "status", "sentences"),
    [
        ((), 0, Status.SUCCES, ()),
        ((UNAVAILABLE,), 0, Status.DONNEES_INDISPONIBLES, ()),
        ((UNAVAILABLE, MISSING), 0, Status.PARTIEL, ("Il manque les coûts.",)),
        ((UNAVAILABLE,), 3, Status.PARTIEL, ("Des montants manquent dans la réponse.",)),
        ((MISSING,), 1, Status.PARTIEL, ("Il manque les coûts.", "Des montants manquent dans la réponse.")),
    ],
)
def test_the_status_follows_from_what_is_missing(
    make_report: MakeReport, gaps: tuple[Gap, ...], missing_amounts: int, status: Status, sentences: tuple[str, ...]
) -> None:
    report = make_report(UsageRecord(missing_amounts=missing_amounts), UsageRecord(), gaps=gaps)
    assert (report.status, tuple(map(str, report.missing)), report.missing_amounts) == (
        status,
        sentences,
        missing_amounts,
    )


@given(data=st.data())
def test_a_report_is_plain_data(
    data: st.DataObject, record_lists: st.SearchStrategy[list[UsageRecord]], make_report: MakeReport
) -> None:
    report = make_report(
        *data.draw(record_lists),
        things=(Thing(kind=Kind.PROJECT, id="p", name="مساعد 🤖"),),
        gaps=(MISSING,),
        data_until=datetime(2026, 1, 31, 12, tzinfo=UTC),
        control=Control(total=Decimal("1E-38"), summed=Decimal(0), agrees=False),
    )
    again = SourceReport.model_validate_json(report.model_dump_json())
    assert again == report
    assert [str(record.cost) for record in again.records] == [str(record.cost) for record in report.records]


def test_the_worst_status() -> None:
    assert worst([]) is Status.SUCCES
    order = [Status.SUCCES, Status.DONNEES_INDISPONIBLES, Status.PARTIEL, Status.ECHEC]
    for number, status in enumerate(order):
        assert worst(order[: number + 1]) is worst(order[number::-1]) is status


def test_names_of_sources() -> None:
    assert str(Source(provider=ProviderName.OPENAI)) == "openai"
    assert str(Source(provider=ProviderName.OPENAI, account="labo")) == "openai/labo"
    assert Source(provider=ProviderName.OPENAI).account == DEFAULT_ACCOUNT
    assert [provider.label for provider in ProviderName] == [
        "OpenAI",
        "Anthropic",
        "ElevenLabs",
        "Deepgram",
        "OpenRouter",
    ]


def test_units_of_other_currencies() -> None:
    assert cost_unit(" EUR ") == "cost_eur"


@pytest.mark.parametrize(
    ("key", "workspace", "notes"),
    [("k", "w", ["a", "b", "c"]), ("k", "other", ["a"]), ("other", "w", ["b"]), ("x", "y", [])],
)
def test_a_note_is_for_the_rows_that_it_names(
    make_report: MakeReport, key: str, workspace: str, notes: list[str]
) -> None:
    report = make_report(
        row_notes=(
            RowNote(sentence=Sentence.of("a"), key="k"),
            RowNote(sentence=Sentence.of("b"), workspace="w"),
            RowNote(sentence=Sentence.of("c"), key="k", workspace="w"),
        )
    )
    assert [str(note.sentence) for note in report.of_row(key, workspace).row_notes] == notes
