"""What a budget is about: everything, a provider, a project or key, or what people wrote in a column of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reports.ledger import LedgerRow
from usage.language.folding import folded
from usage.names import ProviderName


class Kind(StrEnum):
    """Of a subject."""

    TOTAL = "total"
    PROVIDER = "provider"
    PROJECT = "project"
    COLUMN = "column"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a budget is about."""

    kind: Kind
    name: str = ""
    """A provider's word, the name or id of a project or key, or a value of the column."""
    column: str = ""
    """People's own column, for its values."""

    @property
    def label(self) -> str:
        """As people tell it from the others; empty for the total."""
        if self.kind is Kind.PROVIDER:
            return ProviderName(self.name).label
        return f"{self.column}: {self.name}" if self.kind is Kind.COLUMN else self.name

    def takes(self, row: LedgerRow) -> bool:
        """Whether a row's cost counts. Names are compared without case and accents, ids as they are."""
        if self.kind is Kind.TOTAL:
            return True
        if self.kind is Kind.PROVIDER:
            return row.provider.value == self.name
        if self.kind is Kind.PROJECT:
            return self.name == row.key or folded(self.name) in (folded(row.name), folded(row.title))
        return folded(self.name) in map(folded, self._values(row))

    def _values(self, row: LedgerRow) -> Iterable[str]:
        return (value for one in row.own if folded(one.name) == folded(self.column) for value in one.values)
