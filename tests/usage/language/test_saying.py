"""Sentences are put together from others in both languages at once."""

from __future__ import annotations

from usage.language.saying import listed
from usage.language.sentence import SILENCE, Sentence


def test_a_list_has_the_signs_of_its_language() -> None:
    parts = [Sentence(en="one", fr="un"), Sentence(en="two", fr="deux"), Sentence.of("3")]
    assert listed(parts) == Sentence(en="one; two; 3", fr="un ; deux ; 3")
    assert listed(parts[:1]) == parts[0]
    assert listed([]) == SILENCE
