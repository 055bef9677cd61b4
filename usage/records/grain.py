"""Which project, key or workspace a row stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from usage.names import DEFAULT_ACCOUNT, Grain, Kind, ProviderName
from usage.records.record import UsageRecord

Dimension = Literal["workspace", "project", "api_key", "account"]
"""What a key or a workspace is taken from: one of a record's ids, or the account's label."""

NO_PROJECT: Final = "(sans projet)"
NO_API_KEY: Final = "(sans clé API)"
COLLECTION: Final = "(collecte)"
"""Key of the row that tells a source's own story."""


LABEL: Final = "label:"
"""Starts the key of usage of which the provider gives a key's name but not its id."""
BRACKETED: Final = (NO_PROJECT, NO_API_KEY, COLLECTION)
"""Keys of ours; they repeat from one workspace to the next."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the key and the workspace of a row come from."""

    key: Dimension
    workspace: Dimension

    @property
    def nobody(self) -> str:
        """Key of usage that the provider attributes to no id."""
        return NO_PROJECT if self.key in ("project", "workspace") else NO_API_KEY

    @property
    def kind(self) -> Kind | None:
        """Kind of the ids that the key holds; None for the account."""
        return None if self.key == "account" else Kind(self.key)

    def row_of(self, record: UsageRecord) -> tuple[str | None, str | None]:
        """Key and workspace of the row that a record goes to; None where that is the account."""
        key = None if self.key == "account" else getattr(record, self.key) or self.nobody
        return key, None if self.workspace == "account" else getattr(record, self.workspace) or ""


@dataclass(frozen=True, slots=True)
class Grains:
    """One provider's rules.

    `coarse` is for months that can only be read by workspace or account, whatever the chosen grain. `kept` are the
    kinds whose registry goes on listing what was archived or deleted: of any other kind, what is gone from the registry
    may have been deleted.
    """

    default: Grain
    project: Rule
    api_key: Rule
    coarse: Rule
    kept: frozenset[Kind] = frozenset()

    def rule(self, grain: Grain, *, coarse: bool = False) -> Rule:
        """The rule in force."""
        if coarse:
            return self.coarse
        return self.project if grain is Grain.PROJECT else self.api_key


_BY_PROJECT = Grains(
    default=Grain.PROJECT,
    project=Rule("project", "account"),
    api_key=Rule("api_key", "project"),
    # Without key figures the project takes the key's place.
    coarse=Rule("project", "project"),
)
_BY_WORKSPACE = Grains(
    default=Grain.API_KEY,
    project=Rule("workspace", "workspace"),
    api_key=Rule("api_key", "workspace"),
    coarse=Rule("workspace", "workspace"),
)

GRAINS: Final[dict[ProviderName, Grains]] = {
    # Archived projects are listed for ever.
    ProviderName.OPENAI: replace(_BY_PROJECT, kept=frozenset({Kind.PROJECT})),
    # So are archived workspaces; whether archived keys are is not certain.
    ProviderName.ANTHROPIC: replace(_BY_WORKSPACE, kept=frozenset({Kind.WORKSPACE})),
    ProviderName.ELEVENLABS: Grains(
        default=Grain.API_KEY,
        project=Rule("account", "account"),
        api_key=Rule("api_key", "account"),
        coarse=Rule("account", "account"),
    ),
    ProviderName.DEEPGRAM: _BY_PROJECT,
    ProviderName.OPENROUTER: _BY_WORKSPACE,
}


def is_bracketed(key: str) -> bool:
    """Whether a key is one of ours and not a provider's id."""
    return key in BRACKETED


def is_ours(key: str) -> bool:
    """Whether a key is a word or a name in an id's place: such keys repeat from one workspace to the next."""
    return is_bracketed(key) or key.startswith(LABEL)


def canonical_workspace(workspace: str) -> str:
    """The workspace as it counts for a row's identity: an account without a name is the default one."""
    return workspace or DEFAULT_ACCOUNT


def row_rule(provider: ProviderName, key: str, workspace: str, projects: frozenset[str]) -> Rule:
    """The rule that an existing row was written by, read off its key and workspace.

    Args:
        provider: The row's provider.
        key: Its `Projet/API Key`.
        workspace: Its `Workspace`.
        projects: Project ids that the account knows.
    """
    grains = GRAINS[provider]
    if key in (workspace, canonical_workspace(workspace)) and not is_bracketed(key):
        return grains.coarse
    if grains.api_key.workspace != "project":
        return grains.api_key
    if key == NO_API_KEY or workspace in projects:
        return grains.api_key
    return grains.project
