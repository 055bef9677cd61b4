"""What `-o` names."""

from __future__ import annotations

import os
from pathlib import Path

from reports.export.whole import try_place
from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import Sentence


def named(wanted: str) -> Path:
    """The file or folder that somebody names; the folder that it is in is there.

    Raises:
        SettingsError: No file can have that name, or its folder is not there.
    """
    try:
        if "\0" in wanted:
            raise SettingsError(say("-o {wanted}: no file can have that name", wanted=repr(wanted)))
        path = Path(wanted).expanduser()
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except (OSError, RuntimeError) as error:
        # A name that is too long, a folder that can't be entered, a home that nobody has.
        raise SettingsError(
            say("-o {wanted}: no file can have that name ({error})", wanted=wanted, error=error)
        ) from None
    # The name of a folder ends with a slash, and no file's does.
    folder = path if wanted.endswith(("/", os.sep)) else path.parent
    if not is_folder and (folder is path or not has_folder):
        raise SettingsError(
            say(
                "-o {wanted}: there is no folder {folder}; make it, or name another place", wanted=wanted, folder=folder
            )
        )
    return path


def folder_of(wanted: str) -> Path | None:
    """The folder that is meant; None where it is a file. One that is still to be made has a name without an ending.

    Raises:
        SettingsError: No folder can have that name, or the one that it is to be in is not there.
    """
    # With a slash it is no file's name, which would be refused.
    path = named(wanted.rstrip("/" + os.sep) or wanted)
    is_new = not os.path.lexists(path) and (wanted.endswith(("/", os.sep)) or not path.suffix)
    return path if is_new or path.is_dir() else None


def require_place(path: Path) -> None:
    """Refuse a place where no file can be written, before anything is read for it.

    A folder that is still to be made is tried as a file.

    Raises:
        SettingsError: The folder or the file has no right for it, or the like.
    """
    try:
        try_place(path if path.parent.is_dir() else path.parent)
    except OSError as error:
        raise SettingsError(refusal(path, error)) from error


def refusal(path: Path, error: OSError) -> Sentence:
    """Why a file can't be written, and what to do."""
    return say(
        "-o {path}: the file can't be written ({strerror}); name another place", path=path, strerror=reason_of(error)
    )
