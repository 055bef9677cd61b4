"""What a program finds when it starts: its three standard streams, and how many files it may open."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Final
from unicodedata import normalize

from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say

_NEAREST: Final = "llm-usage-nearest"
"""Name under which Python knows `_nearest`."""
_PLAIN: Final = {
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”", '"'),
    "«": '"',
    "»": '"',
    "–": "-",
    "…": "...",
    "→": "->",
    "×": "x",
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    **dict.fromkeys("━─╭╮╰╯├┤┬┴┼", "-"),
    "│": "|",
}
"""Of letters that Unicode itself does not take apart."""
ENOUGH_FILES: Final = 128
"""Open files that a collection with some dozen sources and its own Prefect server get along with."""


def open_missing_streams() -> None:
    """Put `/dev/null` where a standard stream is closed.

    Otherwise the next file that is opened takes its number, and what is printed ends up in it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            # Closed by whoever started us, so that nobody looks at it; and never by us.
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def take_every_letter(*, as_json: bool) -> None:
    """Let nothing that is printed fail for the language of the machine: a letter that it does not have becomes the
    nearest one that every machine has, else `?`.

    Args:
        as_json: What is printed is for a program, and JSON is UTF-8 everywhere.
    """
    codecs.register_error(_NEAREST, _nearest)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors=_NEAREST)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors=_NEAREST)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """What `codecs` asks where a text has letters that the machine does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = ""
    for letter in error.object[error.start : error.end]:
        plain = _PLAIN.get(letter) or normalize("NFKD", letter).encode("ascii", "ignore").decode()
        found += plain or "?"
    return found, error.end


def require_current_folder() -> None:
    """See whether the current folder is still there.

    Raises:
        SettingsError: It was taken away, or can't be entered.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise SettingsError(
            say("the current folder can't be found ({reason}): go to another one, like `cd ~`", reason=reason_of(error))
        ) from None


def require_enough_files() -> None:
    """Raise the number of files that may be open to what is allowed, and see whether that will do.

    Raises:
        SettingsError: It won't.
    """
    if sys.platform == "win32":
        return  # it counts otherwise
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard):
        return
    if soft < ENOUGH_FILES <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ENOUGH_FILES, hard))
    elif soft < ENOUGH_FILES:
        raise SettingsError(
            say(
                "ulimit -n: {soft} open files are too few; allow {enough_files} or more",
                soft=soft,
                enough_files=ENOUGH_FILES,
            )
        )
