"""All that is fixed about a provider, one row each: names, key, address, what a row stands for, reach, colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from usage.grain import Grain, Grains, Kind, Rule
from usage.language.marks import to_say
from usage.peers.reach import Limit, Reach

NOTION_ADDRESS: Final = "https://api.notion.com"


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
    """One provider.

    Raises:
        ValueError: A field that every provider needs is empty.
    """

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
    grains: Grains
    """What a row stands for."""
    reach: Reach
    """How far back and how fresh it can be read."""
    colour: str
    """In charts. Told apart also by people who don't see all colours (the palette of Okabe and Ito)."""

    def __post_init__(self) -> None:
        needed = [field.name for field in fields(self) if field.default is MISSING]
        empty = [name for name in needed if not getattr(self, name)]
        if empty:
            raise ValueError(f"usage/catalogue.py: the row of {self.name or 'a provider'} lacks {', '.join(empty)}")

    @property
    def key_variables(self) -> tuple[str, ...]:
        """All variables of the key, the documented one first."""
        return (self.key_variable, *self.second_names)

    @property
    def grain_variable(self) -> str:
        """Variable that says what a row stands for."""
        return f"{self.name.upper()}_GRAIN"


def _by_name(*specs: ProviderSpec) -> Mapping[ProviderName, ProviderSpec]:
    """The table.

    Raises:
        ValueError: A provider has no row, or two share a variable or a host, so that a key could be sent to another's.
    """
    named = [spec.name for spec in specs]
    wrong = [f"{name} has no row" for name in ProviderName if name not in named]
    variables = [name for spec in specs for name in (*spec.key_variables, *spec.ordinary_names, spec.address_variable)]
    hosts = [urlsplit(address).hostname for address in (NOTION_ADDRESS, *(spec.address for spec in specs))]
    for shared in (named, variables, [spec.label for spec in specs], hosts):
        wrong += [f"{what} stands there {count} times" for what, count in Counter(shared).items() if count > 1]
    if wrong:
        raise ValueError(f"usage/catalogue.py: {'; '.join(wrong)}")
    return {spec.name: spec for spec in specs}


_BY_PROJECT: Final = Grains(
    default=Grain.PROJECT,
    project=Rule("project", "account"),
    api_key=Rule("api_key", "project"),
    # Without key figures the project takes the key's place.
    coarse=Rule("project", "project"),
)
_BY_WORKSPACE: Final = Grains(
    default=Grain.API_KEY,
    project=Rule("workspace", "workspace"),
    api_key=Rule("api_key", "workspace"),
    coarse=Rule("workspace", "workspace"),
)
_BY_KEY: Final = Grains(
    default=Grain.API_KEY,
    project=Rule("account", "account"),
    api_key=Rule("api_key", "account"),
    coarse=Rule("account", "account"),
)

CATALOGUE: Final = _by_name(
    ProviderSpec(
        name=ProviderName.OPENAI,
        label="OpenAI",
        console="https://platform.openai.com",
        key_variable="OPENAI_ADMIN_KEY",
        second_names=("OPENAI_ADMIN_API_KEY",),
        ordinary_names=("OPENAI_API_KEY",),
        key_kind=to_say("an admin key"),
        job_prefixes=("sk-admin-",),
        prefixes=("sk-admin-", "sk-proj-", "sk-svcacct-"),
        # Not OPENAI_BASE_URL: it often points to a proxy for model calls, which must never see an admin key.
        address_variable="OPENAI_ADMIN_BASE_URL",
        address="https://api.openai.com/v1",
        # Archived projects are listed for ever.
        grains=replace(_BY_PROJECT, kept=frozenset({Kind.PROJECT})),
        # How far back is not published. Refusals of usage reports that others saw in October 2026 speak of the past
        # year; costs were refused by key, and not by project, before 2025-12-06. Nor is it published when figures are
        # final: costs of a day were seen to change for some hours after it ends.
        reach=Reach(
            settling=timedelta(days=1),
            limits=(
                Limit(what=(to_say("tokens"), to_say("requests")), days=365, sure=False),
                Limit(what=(to_say("costs by key"),), since=date(2025, 12, 6), sure=False, by_key=True),
            ),
        ),
        colour="#009e73",
    ),
    ProviderSpec(
        name=ProviderName.ANTHROPIC,
        label="Anthropic",
        console="https://console.anthropic.com",
        key_variable="ANTHROPIC_ADMIN_KEY",
        second_names=("ANTHROPIC_ADMIN_API_KEY",),
        ordinary_names=("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"),
        key_kind=to_say("an admin key"),
        job_prefixes=("sk-ant-admin",),
        prefixes=("sk-ant-",),
        address_variable="ANTHROPIC_ADMIN_BASE_URL",
        address="https://api.anthropic.com",
        # So are archived workspaces; whether archived keys are is not certain.
        grains=replace(_BY_WORKSPACE, kept=frozenset({Kind.WORKSPACE})),
        # Of the newer reports (the official Python package `anthropic` 2.12.0): `starting_at` lies within 365 days and
        # not before 2026. The older ones, whose retention is not published, give what comes before in less detail. Up
        # to a day late, open to revision for 30 days: said of the reports for Enterprise, taken to be true of these.
        reach=Reach(
            settling=timedelta(days=1),
            revised=timedelta(days=30),
            limits=(Limit(what=(to_say("requests"), to_say("figures by key")), since=date(2026, 1, 1), days=365),),
        ),
        colour="#d55e00",
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
        key_kind=to_say("a service-account key"),
        prefixes=("sk_",),
        address_variable="ELEVENLABS_BASE_URL",
        address="https://api.elevenlabs.io",
        grains=_BY_KEY,
        # Analytics refuse instants before 2020 (published description); how long months are kept is not said. Days were
        # seen to change for three days.
        reach=Reach(settling=timedelta(days=3), limits=(Limit(since=date(2020, 1, 1)),)),
        colour="#cc79a7",
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
        key_kind=to_say("a key of the role admin"),
        address_variable="DEEPGRAM_BASE_URL",
        address="https://api.deepgram.com/v1",
        grains=_BY_PROJECT,
        # Summarised usage has no published limit. Billing came with the description of September 2025; how far back its
        # data goes is not said. Nor is when figures are final: three days are caution.
        reach=Reach(
            settling=timedelta(days=3), limits=(Limit(what=(to_say("costs"),), since=date(2025, 9, 1), sure=False),)
        ),
        colour="#0072b2",
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
        key_kind=to_say("a management key"),
        prefixes=("sk-or-",),
        address_variable="OPENROUTER_BASE_URL",
        address="https://openrouter.ai/api/v1",
        grains=_BY_WORKSPACE,
        # Analytics have 365 days, by OpenRouter's own guide of July 2026. Whether that bounds the look back or the
        # length of a range is not said: a month that is served all the same is taken. Requests are counted under the
        # day they began on, and long ones arrive later: a closed month wants a day's patience.
        reach=Reach(settling=timedelta(days=1), limits=(Limit(days=365),)),
        colour="#e69f00",
    ),
)

_NOTION_TOKENS: Final = ("ntn_", "secret_")
"""How Notion's tokens begin."""


def looks_like(key: str, provider: ProviderName) -> str | None:
    """Whose key it seems to be where it is another one's than the provider's: `Anthropic`; None where nothing tells."""
    owner = next((spec for spec in CATALOGUE.values() if key.startswith(spec.prefixes)), None)
    if owner is not None:
        return owner.label if owner.name is not provider else None
    return "Notion" if key.startswith(_NOTION_TOKENS) else None
