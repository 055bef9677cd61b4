from __future__ import annotations

import pytest

from usage.month import Month
from usage.outcomes.progress import RowsWritten, say_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "about 0 s"),
        (89, "about 89 s"),
        (90, "about 2 min"),
        (672, "about 11 min"),
        (3599, "about 1 h 00 min"),
        (7500, "about 2 h 05 min"),
    ],
)
def test_how_long_it_takes_for_people(seconds: float, words: str) -> None:
    assert say_duration(seconds).en == words


@pytest.mark.parametrize(
    ("done", "words"),
    [(1, "1 of 2,000 rows written, about 11 min left at Notion’s rate"), (2000, "2,000 of 2,000 rows written")],
)
def test_how_far_the_writing_is_for_people(done: int, words: str) -> None:
    assert RowsWritten(Month(2026, 1), done, 2000, seconds_left=672).sentence.en == words
