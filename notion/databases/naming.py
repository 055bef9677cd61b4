"""Names of columns, rows and views within sentences: each language has its own quotation marks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from usage.language.saying import say, together
from usage.language.sentence import Sentence


def quoted(name: str) -> Sentence:
    """One name: `“Mois”`, `« Mois »`."""
    return say("“{name}”", name=name)


def listed(names: Iterable[str]) -> Sentence:
    """Several names one after another, each of them once."""
    return together(map(quoted, names), between=", ")


def joined(names: Iterable[str]) -> Sentence:
    """As `listed`, with an “and” between them."""
    return reduce(lambda first, second: say("{first} and {second}", first=first, second=second), map(quoted, names))
