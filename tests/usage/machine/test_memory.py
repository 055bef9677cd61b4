from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from usage.machine.memory import importing, without_garbage_collection


@pytest.fixture(autouse=True)
def nothing_is_frozen() -> Iterator[None]:
    """As in a new process, and afterwards, too."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_was_made_in_bulk_is_not_walked_through_and_the_collector_runs_again() -> None:
    assert gc.isenabled()
    with without_garbage_collection():
        made = [[number] for number in range(60_000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    young = {id(one) for generation in (0, 1) for one in gc.get_objects(generation)}
    assert not young & {id(one) for one in made}


def test_what_somebody_froze_stays_so() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with without_garbage_collection():
        made = [[number] for number in range(60_000)]
    # It joins them: to take it out would be to take them out, too.
    assert gc.get_freeze_count() >= frozen
    assert made


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with without_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_not_looked_through_again() -> None:
    with importing():
        made = [[number] for number in range(1000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)
