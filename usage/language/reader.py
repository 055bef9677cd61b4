"""What the program says to whoever runs it, in their language."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from usage.language.choice import Language, of_the_reader

if TYPE_CHECKING:
    from usage.language.words import Words


def phrase(sentence: str, **values: object) -> str:
    """A sentence of the catalogue in the language of whoever runs the program, its places filled.

    Args:
        sentence: In English, as it stands in the code: the catalogue is searched for it.
        **values: What goes into its places, as people are to read it.

    Raises:
        LookupError: The catalogue lacks it.
    """
    if of_the_reader(os.environ) is Language.EN:
        # Nothing is to be looked up, and Babel is slow to import.
        return sentence.format_map(values)
    return reader_words()(sentence, **values)


def reader_words() -> Words:
    """Sentences, amounts and dates in that language."""
    from usage.language.words import Words  # noqa: PLC0415

    return Words(of_the_reader(os.environ))
