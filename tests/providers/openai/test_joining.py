from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.openai.joining import count_requests_once, list_some, models_without_usage, without_known_tokens
from usage.records.record import UsageRecord

IMAGES = (("images", Decimal(3)),)


def billed(model: str | None, project: str | None = "p", cost: str = "1", **more: int) -> UsageRecord:
    return UsageRecord(project=project, model=model, cost=Decimal(cost), **more)  # type: ignore[arg-type]


def used(model: str, project: str | None = "p") -> UsageRecord:
    return UsageRecord(project=project, model=model, requests=1)


@pytest.mark.parametrize(
    ("bill", "usage", "same"),
    [
        ("gpt-5", "gpt-5", True),
        ("gpt-5", "gpt-5-2025-08-07", True),
        ("gpt-5-2025-08-07", "gpt-5", True),
        ("text-embedding-ada-002", "text-embedding-ada-002-v2", True),
        ("ft-gpt-4o-2024-08-06", "ft:gpt-4o-2024-08-06:acme::AbC", True),
        ("ft:gpt-4o:acme::AbC", "ft:gpt-4o:acme::AbC", True),
        ("gpt-5-codex", "gpt-5", False),
        ("gpt-5", "gpt-5-codex", False),
        ("gpt-5-mini-2025-08-07", "gpt-5", False),
        ("gpt-4.1", "gpt-401", False),
    ],
)
def test_one_model_by_two_names(bill: str, usage: str, *, same: bool) -> None:
    cost = billed(bill, tokens_input=5)
    (kept,) = without_known_tokens([cost], [used(usage)], usage_is_whole=True)
    assert kept.tokens_input == (None if same else 5)
    assert models_without_usage([cost], [used(usage)]) == ({} if same else {"p": [bill]})


def test_a_model_that_another_project_used_is_not_this_one_s() -> None:
    costs = [billed("gpt-5", "a", tokens_output=7), billed("gpt-5", None, tokens_output=8)]
    kept = without_known_tokens(costs, [used("gpt-5", "a")], usage_is_whole=True)
    assert [record.tokens_output for record in kept] == [None, 8]
    assert models_without_usage(costs, [used("gpt-5", "a")]) == {None: ["gpt-5"]}


def test_tokens_of_the_bill_are_none_while_usage_may_tell_them() -> None:
    (kept,) = without_known_tokens([billed("gpt-5", tokens_input=5)], [], usage_is_whole=False)
    assert kept == billed("gpt-5")


def test_corrections_below_nothing_are_no_count() -> None:
    (kept,) = without_known_tokens([billed("gpt-5", tokens_input=-5)], [], usage_is_whole=True)
    assert kept == billed("gpt-5")


def test_what_costs_nothing_or_has_no_model_is_not_missed() -> None:
    assert models_without_usage([billed("gpt-5", cost="0"), billed(None)], []) == {}


RECORDS = st.lists(
    st.builds(
        UsageRecord,
        project=st.sampled_from(["p", "q", None]),
        api_key=st.sampled_from(["k", None]),
        model=st.sampled_from(["gpt-image-2", "dall-e-3"]),
        tokens_output=st.sampled_from([None, 40]),
        requests=st.integers(0, 9),
        units=st.sampled_from([(), IMAGES]),
    ).filter(lambda record: (record.tokens_output is None) == bool(record.units)),
    max_size=12,
)


@given(RECORDS)
def test_requests_of_images_are_counted_once(records: list[UsageRecord]) -> None:
    told = count_requests_once(records)
    for place in {(r.project, r.api_key, r.model) for r in records}:
        here = [r for r in records if (r.project, r.api_key, r.model) == place]
        of_images = sum(r.requests or 0 for r in here if r.units)
        of_completions = sum(r.requests or 0 for r in here if not r.units)
        found = sum(r.requests or 0 for r in told if (r.project, r.api_key, r.model) == place)
        assert found == max(of_images, of_completions)
    assert [(r.units, r.tokens_output) for r in told] == [(r.units, r.tokens_output) for r in records]


@pytest.mark.parametrize(
    ("models", "words"),
    [(["a"], "a"), (list("abcde"), "a, b, c, d, e"), (list("abcdefg"), "a, b, c, d, e et 2 autres")],
)
def test_a_few_models_by_name(models: list[str], words: str) -> None:
    assert list_some(models).fr == words
