from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from providers.shared.together import consecutive
from usage.month import Month

MONTHS = st.builds(Month, st.integers(2024, 2026), st.integers(1, 12))


@given(st.lists(MONTHS, unique=True))
def test_consecutive(months: list[Month]) -> None:
    runs = consecutive(months)
    assert [month for run in runs for month in run] == sorted(months)
    assert all(list(run[0].until(run[-1])) == run for run in runs)
    assert all(one[-1].next() < following[0] for one, following in pairwise(runs))
