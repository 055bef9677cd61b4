"""Folders that no other user of the machine can read or prepare."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def state_folder() -> Path:
    """Where this user's programs keep what they have to remember, created where it is missing.

    Raises:
        OSError: There is none, or others can get at it.
    """
    return private_folder(_at_home(platformdirs.user_state_path))


def data_folder() -> Path:
    """Where this user's programs keep what they have made, created where it is missing.

    Raises:
        OSError: There is none, or others can get at it.
    """
    return private_folder(_at_home(platformdirs.user_data_path))


def _at_home(place: Callable[..., Path]) -> Path:
    try:
        folder = place("llm-usage", appauthor=False)
    except RuntimeError:
        folder = Path("~")
    # Some versions give back what they can't expand.
    if not folder.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "this user has no home folder", str(folder))
    return folder


def private_folder(path: Path) -> Path:
    """Create a folder with mode 0700, or see to it that it is one and this user's own.

    Raises:
        OSError: It can't be created, belongs to another user, or is a link, which may lead anywhere.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(path, is_kind=stat.S_ISDIR, kind="folder")
    if path.lstat().st_mode & _OTHERS:
        path.chmod(0o700)
    return path


def private_file(path: Path) -> Path:
    """Create an empty file with mode 0600, or see to it that it is one and this user's own.

    Raises:
        OSError: It can't be created, belongs to another user, or is a link or anything else that is no file.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        _require_own(path, is_kind=stat.S_ISREG, kind="file")
        keep_from_others(path)
    return path


def keep_from_others(path: Path) -> None:
    """Take away what others may do with a file or folder of this user; what is missing or another's stays as it is."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if status.st_mode & _OTHERS and _is_own(status) and not stat.S_ISLNK(status.st_mode):
        path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)


def _require_own(path: Path, *, is_kind: Callable[[int], bool], kind: str) -> None:
    status = path.lstat()
    if not is_kind(status.st_mode):
        raise FileExistsError(errno.EEXIST, f"it is no {kind} but something else, like a link", str(path))
    if not _is_own(status):
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))


def _is_own(status: os.stat_result) -> bool:
    # Windows tells no number of a user: there a user's folders are closed to others by themselves.
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
