"""All that is fixed about a provider, one row each: its names, where its key and its address come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ProviderName(StrEnum):
    """The five providers; the value is the `ID Provider` in Notion and the name on the command line."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    ELEVENLABS = "elevenlabs"
    DEEPGRAM = "deepgram"
    OPENROUTER = "openrouter"

    @property
    def spec(self) -> ProviderSpec:
        """All that is fixed about the provider."""
        return CATALOGUE[self]

    @property
    def label(self) -> str:
        """The provider's name as people write it."""
        return self.spec.label


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """One provider."""

    name: ProviderName
    label: str
    """As people write it."""
    console: str
    """Address of its pages, as *Services* shows it."""
    key_variable: str
    """Variable of the key; a suffix names a further account."""
    second_names: tuple[str, ...] = ()
    """Other variables in which people keep a key of the kind that is needed; read like the first."""
    ordinary_names: tuple[str, ...] = ()
    """Variables in which other programs keep keys that won't do here; never read."""
    key_kind: str
    """What the key is called."""
    job_prefixes: tuple[str, ...] = ()
    """How a key of the kind that is needed begins, where that tells it from the others."""
    prefixes: tuple[str, ...] = ()
    """How any of the provider's keys begin; empty where they have no mark."""
    address_variable: str
    address: str
    """Where the API is, unless the variable says otherwise."""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """All variables of the key, the documented one first."""
        return (self.key_variable, *self.second_names)

    @property
    def grain_variable(self) -> str:
        """Variable that says what a row stands for."""
        return f"{self.name.upper()}_GRAIN"


CATALOGUE: Final[Mapping[ProviderName, ProviderSpec]] = {
    spec.name: spec
    for spec in (
        ProviderSpec(
            name=ProviderName.OPENAI,
            label="OpenAI",
            console="https://platform.openai.com",
            key_variable="OPENAI_ADMIN_KEY",
            second_names=("OPENAI_ADMIN_API_KEY",),
            ordinary_names=("OPENAI_API_KEY",),
            key_kind="an admin key",
            job_prefixes=("sk-admin-",),
            prefixes=("sk-admin-", "sk-proj-", "sk-svcacct-"),
            # Not OPENAI_BASE_URL: it often points to a proxy for model calls, which must never see an admin key.
            address_variable="OPENAI_ADMIN_BASE_URL",
            address="https://api.openai.com/v1",
        ),
        ProviderSpec(
            name=ProviderName.ANTHROPIC,
            label="Anthropic",
            console="https://console.anthropic.com",
            key_variable="ANTHROPIC_ADMIN_KEY",
            second_names=("ANTHROPIC_ADMIN_API_KEY",),
            ordinary_names=("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"),
            key_kind="an admin key",
            job_prefixes=("sk-ant-admin",),
            prefixes=("sk-ant-",),
            address_variable="ANTHROPIC_ADMIN_BASE_URL",
            address="https://api.anthropic.com",
        ),
        ProviderSpec(
            name=ProviderName.ELEVENLABS,
            label="ElevenLabs",
            console="https://elevenlabs.io",
            key_variable="ELEVENLABS_API_KEY",
            # The header's name; those who take it from there have the same kind of key.
            second_names=("XI_API_KEY",),
            # What voice agents and older clients call theirs.
            ordinary_names=("ELEVEN_API_KEY", "ELEVEN_LABS_API_KEY"),
            key_kind="a service-account key",
            prefixes=("sk_",),
            address_variable="ELEVENLABS_BASE_URL",
            address="https://api.elevenlabs.io",
        ),
        ProviderSpec(
            name=ProviderName.DEEPGRAM,
            label="Deepgram",
            console="https://console.deepgram.com",
            key_variable="DEEPGRAM_API_KEY",
            second_names=(
                "DEEPGRAM_ADMIN_KEY",
                "DEEPGRAM_ADMIN_API_KEY",
                "DEEPGRAM_MANAGEMENT_KEY",
                "DEEPGRAM_MANAGEMENT_API_KEY",
            ),
            key_kind="a key of the role admin",
            address_variable="DEEPGRAM_BASE_URL",
            address="https://api.deepgram.com/v1",
        ),
        ProviderSpec(
            name=ProviderName.OPENROUTER,
            label="OpenRouter",
            console="https://openrouter.ai",
            key_variable="OPENROUTER_MANAGEMENT_KEY",
            # "Provisioning key" is what management keys were called before.
            second_names=(
                "OPENROUTER_MANAGEMENT_API_KEY",
                "OPENROUTER_ADMIN_KEY",
                "OPENROUTER_PROVISIONING_KEY",
                "OPENROUTER_PROVISIONING_API_KEY",
            ),
            ordinary_names=("OPENROUTER_API_KEY",),
            key_kind="a management key",
            prefixes=("sk-or-",),
            address_variable="OPENROUTER_BASE_URL",
            address="https://openrouter.ai/api/v1",
        ),
    )
}

_NOTION_TOKENS: Final = ("ntn_", "secret_")
"""How Notion's tokens begin."""


def looks_like(key: str, provider: ProviderName) -> str | None:
    """Whose key it seems to be where it is another one's than the provider's: `Anthropic`; None where nothing tells."""
    owner = next((spec for spec in CATALOGUE.values() if key.startswith(spec.prefixes)), None)
    if owner is not None:
        return owner.label if owner.name is not provider else None
    return "Notion" if key.startswith(_NOTION_TOKENS) else None
