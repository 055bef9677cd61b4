"""The words everything else uses: providers, sources, grains, statuses."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from usage.catalogue import ProviderName
from usage.grain import DEFAULT_ACCOUNT, Grain, Kind

__all__ = [
    "DEFAULT_ACCOUNT",
    "FINAL",
    "Grain",
    "Kind",
    "ProviderName",
    "Source",
    "Status",
    "overall",
    "worst",
]


class Source(BaseModel):
    """A provider and one of its accounts: what is fetched, retried and reported as one."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str = DEFAULT_ACCOUNT

    @property
    def name(self) -> str:
        """`openai/memoways`; just `openai` for the account without a name."""
        return self.provider.value if self.account == DEFAULT_ACCOUNT else f"{self.provider.value}/{self.account}"

    def __str__(self) -> str:
        return self.name


class Status(StrEnum):
    """`Statut Collecte` in Notion, from best to worst."""

    SUCCES = "Succes"
    DONNEES_INDISPONIBLES = "Donnees indisponibles"
    PARTIEL = "Partiel"
    ECHEC = "Echec"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Status).index(self)


FINAL: Final = (Status.SUCCES, Status.DONNEES_INDISPONIBLES)
"""A rerun would bring no more."""


def worst(statuses: list[Status]) -> Status:
    """The worst of several statuses; `Succes` for none."""
    return max(statuses, key=lambda status: status.rank, default=Status.SUCCES)


def overall(statuses: Iterable[Status]) -> Status:
    """The one word for several sources; `Succes` for none.

    `Echec` only where none could be read; `Partiel` where one of them failed or lacks something; else their worst.
    """
    known = list(statuses)
    if known and all(status is Status.ECHEC for status in known):
        return Status.ECHEC
    return min(worst(known), Status.PARTIEL, key=lambda status: status.rank)
