"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside the one that is meant; it takes its place when all has gone well, else it is taken away.

    Args:
        path: The file that is meant; one that is there stays until then.

    Raises:
        OSError: It can't take its place.
    """
    # As long a name as the one that is meant may be too long.
    draft = path.with_name(f".{token_hex(8)}.part")
    try:
        yield draft
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
