"""Options of selects: ours by their declared names, and by the names that they have in a database.

People write them with accents and in capitals, as they do with columns: `SUCCES`, `Succès`.
"""

from __future__ import annotations

from collections.abc import Iterable

from notion.client.models import Page, Select
from notion.databases.declared import Property
from notion.databases.found import Found, value_of
from usage.language.folding import folded


def option_here(found: Found, column: str, name: str) -> str:
    """The name that an option of ours has in a database; its declared name where it is not there yet."""
    match = next((match for match in found.matches if match.declared.name == column), None)
    options = [option for one in (match.found if match else ()) if one.select for option in one.select.options]
    names = [option.name for option in options if folded(option.name) == folded(name)]
    return name if name in names else next(iter(names), name)


def lacking_options(declared: Property, existing: Iterable[Select]) -> list[tuple[str, str]]:
    """The declared options, names and colours, that a select has under no spelling."""
    there = {folded(option.name) for option in existing}
    return [(str(name), color) for name, color in declared.options if folded(name) not in there]


def chosen_option(found: Found, page: Page, column: str) -> str | None:
    """A row's option in a declared select: by its declared name, where it is one of ours; None where none is chosen."""
    value = value_of(found, page, column)
    if value is None or value.select is None:
        return None
    name, options = value.select.name, found.declared.property(column).options
    return next((str(ours) for ours, _ in options if folded(ours) == folded(name)), name)


def option_value(found: Found, column: str, name: str | None) -> dict[str, object]:
    """The JSON that chooses an option of ours; None empties the cell."""
    return {"select": None if name is None else {"name": option_here(found, column, name)}}
