from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.grain import (
    BRACKETED,
    COLLECTION,
    NO_API_KEY,
    NO_PROJECT,
    Rule,
    canonical_workspace,
    is_bracketed,
)
from usage.names import DEFAULT_ACCOUNT, Grain, Kind, ProviderName
from usage.records.record import UsageRecord

A, K, P, W = "account", "api_key", "project", "workspace"


@pytest.mark.parametrize(
    ("provider", "default", "project", "api_key", "coarse"),
    [
        (ProviderName.OPENAI, Grain.PROJECT, (P, A), (K, P), (P, P)),
        (ProviderName.ANTHROPIC, Grain.API_KEY, (W, W), (K, W), (W, W)),
        (ProviderName.ELEVENLABS, Grain.API_KEY, (A, A), (K, A), (A, A)),
        (ProviderName.DEEPGRAM, Grain.PROJECT, (P, A), (K, P), (P, P)),
        (ProviderName.OPENROUTER, Grain.API_KEY, (W, W), (K, W), (W, W)),
    ],
)
def test_what_a_row_stands_for(
    provider: ProviderName,
    default: Grain,
    project: tuple[str, str],
    api_key: tuple[str, str],
    coarse: tuple[str, str],
) -> None:
    grains = provider.spec.grains
    found = [(rule.key, rule.workspace) for rule in (grains.project, grains.api_key, grains.coarse)]
    assert (grains.default, found) == (default, [project, api_key, coarse])
    assert grains.rule(Grain.PROJECT) is grains.project
    assert grains.rule(Grain.API_KEY) is grains.api_key
    assert grains.rule(Grain.PROJECT, coarse=True) is grains.rule(Grain.API_KEY, coarse=True) is grains.coarse


def test_usage_of_nobody_has_a_name() -> None:
    assert Rule("project", "account").nobody == Rule("workspace", "workspace").nobody == NO_PROJECT
    assert Rule("api_key", "project").nobody == NO_API_KEY
    assert all(is_bracketed(key) for key in BRACKETED)
    assert COLLECTION in BRACKETED
    assert not is_bracketed("(ma clé)")


def test_what_kind_of_id_a_key_is() -> None:
    assert [Rule(word, "account").kind for word in (W, P, K, A)] == [Kind.WORKSPACE, Kind.PROJECT, Kind.API_KEY, None]  # type: ignore[arg-type]


def test_an_account_without_a_name_is_the_default_one() -> None:
    assert canonical_workspace("") == canonical_workspace(DEFAULT_ACCOUNT) == DEFAULT_ACCOUNT
    assert canonical_workspace("labo") == "labo"


IDS = st.text("abc_1", min_size=1, max_size=6)


@given(
    provider=st.sampled_from(ProviderName),
    grain=st.sampled_from(Grain),
    coarse=st.booleans(),
    workspace=IDS,
    project=IDS,
    key=IDS,
    label=IDS | st.just(""),
)
def test_a_row_tells_the_rule_it_was_written_by(
    *, provider: ProviderName, grain: Grain, coarse: bool, workspace: str, project: str, key: str, label: str
) -> None:
    """As long as ids of different kinds differ, which the providers' prefixes see to."""
    values = {W: "w" + workspace, P: "p" + project, K: "k" + key}
    rule = provider.spec.grains.rule(grain, coarse=coarse)
    shown = values | {A: "a" + label if label else ""}
    written = provider.spec.grains.rule_of_row(
        canonical_workspace(shown[A]) if rule.key == A else values[rule.key],
        shown[rule.workspace],
        frozenset({values[P]}),
    )
    assert written == rule


def test_a_row_of_usage_without_a_key() -> None:
    projects = frozenset({"proj_1"})
    grains = ProviderName.OPENAI.spec.grains
    assert grains.rule_of_row(NO_API_KEY, "proj_1", projects) == grains.api_key
    assert grains.rule_of_row(NO_PROJECT, "labo", projects) == grains.project
    assert grains.rule_of_row(NO_PROJECT, "", projects) == grains.project


def test_the_row_of_a_record() -> None:
    record = UsageRecord(workspace="w", api_key="k", model="m")
    nobody = UsageRecord(model="m")
    grains = ProviderName.ANTHROPIC.spec.grains
    assert record.row_under(grains.api_key) == ("k", "w")
    assert nobody.row_under(grains.api_key) == (NO_API_KEY, "")
    assert record.row_under(grains.project) == ("w", "w")
    assert nobody.row_under(ProviderName.OPENAI.spec.grains.project) == (NO_PROJECT, None)
    assert record.row_under(ProviderName.ELEVENLABS.spec.grains.project) == (None, None)
