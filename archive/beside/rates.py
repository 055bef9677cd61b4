"""Exchange rates that were asked for: each closed month's is kept, so that it is asked for once and stays the same."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from usage.month import Month

if TYPE_CHECKING:
    from archive.store import Store

_FOLDER: Final = "rates"
_log: Final = logging.getLogger(__name__)


class KeptRate(BaseModel):
    """One month's rate."""

    model_config = ConfigDict(frozen=True)

    month: Month
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    rate: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    """US dollars for one unit of the currency."""
    answer: str
    """What it was read from."""
    read_at: datetime


class RateBook:
    """Rates in an archive.

    Args:
        store: Where its files lie.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, currency: str, month: Month) -> KeptRate | None:
        """A month's rate; None where none is kept, or what is kept can't be read: then it is asked for anew.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        content = self._store.read(_path(currency, month))
        if content is None:
            return None
        try:
            kept = KeptRate.model_validate_json(content)
        except ValueError:
            _log.warning("%s: this rate in the archive can't be read; it is asked for anew.", _path(currency, month))
            return None
        return kept if (kept.currency, kept.month) == (currency, month) else None

    def keep(self, rate: KeptRate) -> None:
        """Keep a month's rate.

        Raises:
            ArchiveError: The disk is full, or the object store refuses.
        """
        self._store.write(_path(rate.currency, rate.month), rate.model_dump_json(indent=1).encode())


def _path(currency: str, month: Month) -> str:
    return f"{_FOLDER}/{currency}/{month}.json"
