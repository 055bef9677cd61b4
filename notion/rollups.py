"""The rollups of *Services*: for people, and so never a reason to stop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from notion.columns import change_columns, rollup_column
from notion.found import Found, Verdict, related, value_of
from notion.gateway import Gateway
from notion.schema import USAGES, Property, Type
from notion.wire import Page
from usage.errors import NotionAccessError

_NO_VALUE = ("unsupported", "incomplete")


class Rollups:
    """Adds the rollups that are missing. `done` says in English what was added, `warnings` in French what was not."""

    def __init__(self, gateway: Gateway, services: Found, usages: Found) -> None:
        self._gateway, self._services, self._usages = gateway, services, usages
        self.done: list[str] = []
        self.warnings: list[str] = []

    def add(self) -> Found:
        """Add what is missing, all at once, or one by one when Notion refuses that; *Services* as it is then."""
        columns: dict[str, Any] = {}
        for match in self._services.matches:
            if match.declared.type is not Type.ROLLUP or match.verdict is not Verdict.MISSING:
                continue
            column = rollup_column(match.declared, self._services, self._usages)
            if column is not None:
                columns[match.declared.name] = column
            else:
                self.warnings.append(f"Le cumul « {match.declared.name} » attend que ses colonnes soient en ordre.")
        if columns:
            self._add(columns)
        return self._services

    def unread(self, pages: Iterable[Page]) -> list[str]:
        """Sentences about rollups that have no value in these rows of *Services*."""
        return unread_rollups(self._services, pages)

    def _add(self, columns: dict[str, Any]) -> None:
        try:
            services = change_columns(self._gateway, self._services, columns)
        except NotionAccessError as error:
            if error.status != 400 or self._services.locked:
                raise
            if len(columns) == 1:
                self.warnings += [self._refused(self._services.declared.property(name), error) for name in columns]
            else:
                for name, column in columns.items():
                    self._add({name: column})
            return
        self._services = related(services, self._usages).services
        # Notion passes over what it does not understand, and says nothing.
        self.done += [f"Added to “{services.declared.title}”: {name}." for name in columns if services.has(name)]

    def _refused(self, declared: Property, refusal: NotionAccessError) -> str:
        formula = _formula_under(declared)
        if formula is None:
            return f"Notion refuse le cumul « {declared.name} » : {refusal}"
        return (
            f"Notion refuse le cumul « {declared.name} » : ouvrez la formule « {formula} » de « {USAGES.title} », "
            "enregistrez-la une fois, puis relancez llm-usage setup."
        )


def unread_rollups(services: Found, pages: Iterable[Page]) -> list[str]:
    """Sentences about rollups to which Notion gives no value."""
    rows = list(pages)
    sentences = []
    for declared in services.declared.properties:
        values = [value_of(services, page, declared.name) for page in rows]
        if not any(
            value is not None and value.rollup is not None and value.rollup.type in _NO_VALUE for value in values
        ):
            continue
        formula = _formula_under(declared)
        sentences.append(
            f"Le cumul « {declared.name} » reste vide : Notion ne le calcule pas."
            if formula is None
            else f"Le cumul « {declared.name} » reste vide : ouvrez la formule « {formula} » de « {USAGES.title} » et "
            "enregistrez-la une fois."
        )
    return sentences


def _formula_under(declared: Property) -> str | None:
    """The formula that a rollup adds up, if it is one."""
    if declared.rollup is None:
        return None
    target = USAGES.property(declared.rollup.target)
    return target.name if target.type is Type.FORMULA else None
