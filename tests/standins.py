"""The five providers' stand-ins, as tests see all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sandbox.shared.bill import Bill


class Account(Protocol):
    """One organisation at a provider."""

    @property
    def key(self) -> str: ...

    @property
    def inference_key(self) -> str: ...

    def facts(self, month: str) -> list[Any]: ...

    def clear(self, month: str) -> None: ...


class StandIn(Protocol):
    """One provider."""

    @property
    def name(self) -> str: ...

    @property
    def accounts(self) -> Sequence[Any]: ...

    def bill(self, account: Any, month: str) -> Bill: ...
