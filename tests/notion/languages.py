"""What is told in both languages is told in each of them alone."""

from __future__ import annotations

from collections.abc import Iterable

from usage.language.sentence import Sentence


def are_told_in_both(sentences: Iterable[Sentence]) -> bool:
    """Whether each sentence says something in both languages, with the punctuation of each."""
    return all(one.en != one.fr and is_english(one.en) and is_french(one.fr) for one in sentences)


def is_english(text: str) -> bool:
    """Whether a sentence has none of the marks that only French has."""
    return not any(mark in text for mark in ("«", "»", " :", " ;"))


def is_french(text: str) -> bool:
    """Whether a sentence has none of the marks that only English has."""
    return not any(mark in text for mark in ("“", "”", "{"))
