"""What a program finds when it starts: its three standard streams, and how many files it may open."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

from usage.errors import SettingsError
from usage.language.saying import say

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
    """Let nothing that is printed fail for the language of the machine: a letter that it does not have becomes `?`.

    Args:
        as_json: What is printed is for a program, and JSON is UTF-8 everywhere.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors="replace")


def require_enough_files() -> None:
    """Raise the number of files that may be open to what is allowed, and see whether that will do.

    Raises:
        SettingsError: It won't.
    """
    try:
        import resource  # noqa: PLC0415  # not on Windows, which counts otherwise
    except ImportError:
        return
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
