"""What is kept of sentences: both languages, what was kept before there were two, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from usage.language.choice import Language
from usage.language.sentence import Sentence
from usage.outcomes.report import Gap, GapKind
from usage.outcomes.result import KeptRow, NotionCounts


@given(st.text(), st.text())
def test_both_languages_are_kept(english: str, french: str) -> None:
    gap = Gap(kind=GapKind.MISSING, sentence=Sentence(en=english, fr=french))
    assert Gap.model_validate_json(gap.model_dump_json()) == gap


def test_plain_text_of_an_older_version_is_the_same_in_both_languages() -> None:
    kept = Gap.model_validate_json(json.dumps({"kind": "missing", "sentence": "Il manque {tout} à 5 %."}))
    assert kept.sentence == Sentence.of("Il manque {tout} à 5 %.")


@pytest.mark.parametrize("damaged", [None, 1, [], {}, {"en": "Only one."}, {"en": "One.", "fr": None}])
def test_what_is_no_sentence_is_refused(damaged: Any) -> None:
    with pytest.raises(ValidationError):
        Gap.model_validate({"kind": "missing", "sentence": damaged})


@pytest.mark.parametrize("language", Language)
def test_what_people_read_is_text_of_one_language(language: Language) -> None:
    why = Sentence(en="Why.", fr="Pourquoi.")
    counts = NotionCounts(kept=(KeptRow(row="a row", key="a key", why=why),))
    (kept,) = counts.model_dump(context=language)["kept"]
    (written,) = json.loads(counts.model_dump_json(context=language))["kept"]
    assert kept["why"] == written["why"] == why.told_in(language)
