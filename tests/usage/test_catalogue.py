from __future__ import annotations

import pytest

from usage.catalogue import CATALOGUE, looks_like
from usage.names import ProviderName


def test_every_provider_has_a_row_and_no_variable_is_two_s() -> None:
    assert list(CATALOGUE) == list(ProviderName)
    names = [
        name
        for spec in CATALOGUE.values()
        for name in (*spec.key_variables, *spec.ordinary_names, spec.address_variable, spec.grain_variable)
    ]
    assert len(names) == len(set(names))


def test_rows_name_what_their_provider_is_called() -> None:
    for name, spec in CATALOGUE.items():
        assert name.spec is spec
        assert spec.name is name
        assert spec.label.lower() == name.label.lower() == name
        assert spec.address_variable.startswith(name.upper())
        assert spec.address.startswith("https://")


@pytest.mark.parametrize(
    ("key", "provider", "owner"),
    [
        ("sk-ant-api03-x", ProviderName.OPENAI, "Anthropic"),
        ("sk-ant-admin01-x", ProviderName.ANTHROPIC, None),
        ("sk-ant-api03-x", ProviderName.ANTHROPIC, None),
        ("sk-or-v1-x", ProviderName.OPENAI, "OpenRouter"),
        ("sk-admin-x", ProviderName.ANTHROPIC, "OpenAI"),
        ("sk-proj-x", ProviderName.DEEPGRAM, "OpenAI"),
        ("sk_0123", ProviderName.DEEPGRAM, "ElevenLabs"),
        ("ntn_0123", ProviderName.OPENAI, "Notion"),
        ("sk-0123", ProviderName.ANTHROPIC, None),
        ("0123456789abcdef", ProviderName.OPENAI, None),
    ],
)
def test_whose_a_key_seems_to_be(key: str, provider: ProviderName, owner: str | None) -> None:
    assert looks_like(key, provider) == owner
