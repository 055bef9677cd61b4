"""What matplotlib has to know before it is imported."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.machine.private import private_folder, state_folder

_VARIABLE: Final = "MPLCONFIGDIR"


def prepare() -> None:
    """Have matplotlib keep its own files, a list of the machine's fonts, in a folder of ours, and tell errors alone.

    Left to itself it writes into the user's home folder, and tells in words of its own where it can't.

    Raises:
        SettingsError: No folder can be written at all.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if not os.environ.get(_VARIABLE):
        os.environ[_VARIABLE] = str(_lasting() or _passing())


def _lasting() -> Path | None:
    """A folder that the next run finds again; None for a user without a home, or where it can't be written."""
    try:
        folder = private_folder(state_folder() / "matplotlib")
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _passing() -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix="llm-usage-"))
    except OSError as error:
        raise SettingsError(
            say("TMPDIR: no temporary folder can be written ({strerror}); name one", strerror=reason_of(error))
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
