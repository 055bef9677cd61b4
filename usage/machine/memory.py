"""Python's cycle collector, kept out of the way of bulk work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_MANY: Final = 50_000
"""Objects; it takes a tenth of a second to walk through ten times as many."""


@contextmanager
def importing() -> Iterator[None]:
    """Keep the collector from running while modules come in, and from looking through them ever after.

    Modules stay: looking for garbage in them, again and again while they come in, takes a tenth of the time.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keep the collector from running.

    Decoding a large page and turning it into records makes millions of objects and not one cycle; the collector would
    walk through all of them time and again, which takes as long as the work itself.
    """
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            if gc.get_count()[0] > _MANY:
                # All of it counts as old from now on. Else the first thing to happen would be a walk through it.
                were_frozen = gc.get_freeze_count() > 0
                gc.freeze()
                if not were_frozen:
                    gc.unfreeze()
            gc.enable()
