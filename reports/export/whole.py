"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside the one that is meant; it takes its place when all has gone well, else it is taken away.

    Args:
        path: The file that is meant; one that is there stays until then. A link stays, and what it leads to is renewed.
            What is no file, as `/dev/stdout`, is written as it is.

    Raises:
        OSError: It can't take its place.
    """
    if _is_no_file(path):
        yield path
        return
    place = _place(path)
    draft = _draft(place)
    try:
        yield draft
        if place.exists():
            # Who may read it stays, too.
            shutil.copymode(place, draft)
        os.replace(draft, place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def try_place(path: Path) -> None:
    """See whether `whole_file` will find room for a file, and leave everything as it is.

    Raises:
        OSError: It won't.
    """
    if _is_no_file(path):
        return
    if path.exists():
        # Taking its place needs no right to write it; whoever took that away wants it kept.
        os.close(os.open(path, os.O_WRONLY))
    draft = _draft(_place(path))
    draft.touch(exist_ok=False)
    draft.unlink()


def _place(path: Path) -> Path:
    # Unlike `Path.resolve`, this bears links that lead to each other.
    return Path(os.path.realpath(path))


def _draft(place: Path) -> Path:
    # As long a name as the one that is meant may be too long.
    return place.with_name(f".{token_hex(8)}.part")


def _is_no_file(path: Path) -> bool:
    return path.exists() and not path.is_file()
