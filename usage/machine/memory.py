"""Python's cycle collector, kept out of the way of bulk work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
            gc.enable()
