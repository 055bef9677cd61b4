"""Sentences of the catalogue, in both languages at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache, reduce
from typing import TYPE_CHECKING

from usage.language.choice import Language
from usage.language.sentence import SILENCE, Sentence

if TYPE_CHECKING:
    from usage.language.words import Words


def say(sentence: str, **values: object) -> Sentence:
    """A sentence of the catalogue, its places filled as each language writes them.

    Args:
        sentence: In English, as it stands in the code: the catalogue is searched for it.
        **values: What goes into its places. A `Sentence` is told in the same language; a `Decimal` is an amount,
            an `int` a count, an instant its day (UTC); anything else is its text, as an HTTP status should be.

    Raises:
        LookupError: The catalogue lacks it.
    """
    return _in_both(lambda words: words(sentence, **_for(words, values)))


def say_count(one: str, many: str, number: int, **values: object) -> Sentence:
    """A sentence about `{number}` things; `one` is that about a single thing. The other values are as in `say`.

    Raises:
        LookupError: The catalogue lacks it.
    """
    return _in_both(lambda words: words.count(one, many, number, **_for(words, values)))


def together(sentences: Iterable[Sentence], between: str = " ") -> Sentence:
    """Sentences one after another, each of them once, without the empty ones."""
    told = dict.fromkeys(filter(None, sentences))
    return Sentence(en=between.join(one.en for one in told), fr=between.join(one.fr for one in told))


def listed(sentences: Iterable[Sentence]) -> Sentence:
    """Parts of a sentence as a list, `one; another`."""
    parts = list(sentences)
    return reduce(lambda one, other: say("{one}; {other}", one=one, other=other), parts) if parts else SILENCE


def decimal(text: str) -> Sentence:
    """A decimal number whose digits stay as they are: `45.501`, `45,501`."""
    return _in_both(lambda words: words.decimal(text))


def _in_both(tell: Callable[[Words], str]) -> Sentence:
    english, french = _words()
    return Sentence(en=tell(english), fr=tell(french))


@cache
def _words() -> tuple[Words, Words]:
    # Babel is slow to import, and most of what is said is said late.
    from usage.language.words import Words  # noqa: PLC0415

    return Words(Language.EN), Words(Language.FR)


def _for(words: Words, values: dict[str, object]) -> dict[str, object]:
    return {name: _written(words, value) for name, value in values.items()}


def _written(words: Words, value: object) -> object:
    match value:
        case Sentence():
            return value.told_in(words.language)
        case Decimal():
            return words.figure(value)
        case int():
            return words.whole(value)
        case datetime():
            return value.date()
    return value
