"""Why the system refuses a file, in the reader's language."""

from __future__ import annotations

from typing import Final

from usage.language.marks import to_say
from usage.language.saying import say
from usage.language.sentence import Sentence

_REASONS: Final = frozenset(
    {
        to_say("Permission denied"),
        to_say("Operation not permitted"),
        to_say("No such file or directory"),
        to_say("Not a directory"),
        to_say("Is a directory"),
        to_say("File exists"),
        to_say("Read-only file system"),
        to_say("No space left on device"),
        to_say("Disk quota exceeded"),
        to_say("File too large"),
        to_say("Input/output error"),
        to_say("Too many open files"),
        to_say("File name too long"),
    }
)
"""In the system's own words."""


def reason_of(error: OSError) -> Sentence:
    """What the system says of an error; a reason that is not known here stays as the system puts it."""
    told = error.strerror or type(error).__name__
    return say(told) if told in _REASONS else Sentence.of(told)
