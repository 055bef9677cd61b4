"""Whether the two databases are taken for each other: their ids exchanged in `.env`, or one id in both variables.

No one sign is enough, because people's databases have titles and columns of their own. In this order:

1. Columns that only one of the two has, and the names of relations between them. A few more on one side decide.
2. Titles, where they are those that `setup` gives.
3. The oldest rows: a set-up with exchanged ids has once given both databases the columns and the services of both, and
   what stood there before tells them apart.

Where nothing tells, nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from notion.client.gateway import Gateway
from notion.client.models import Page
from notion.databases.declared import SERVICES, USAGES, Database, Property, Type
from notion.databases.found import Found
from notion.databases.naming import quoted
from notion.text import letters
from usage.errors import NotionAccessError
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import ProviderName

_CLEAR: Final = 3
"""Columns more on one side that need no other sign: a person's own column may have a name of ours."""
_ROWS: Final = 25
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

Oldest = Callable[[Found], Sequence[Page]]
"""Gives the oldest rows of a database."""


def refuse_exchanged(gateway: Gateway, services: Found | None, usages: Found | None) -> None:
    """Stop where the databases are taken for each other; reads rows only where columns and titles leave doubt.

    Args:
        gateway: The connection.
        services: What is taken for *Services*; None where it does not exist yet.
        usages: Likewise for *Usages*.

    Raises:
        NotionAccessError: They are, or both are one; the sentence says which id belongs where.
        NotionError: Notion can't be read.
    """
    if services is not None and usages is not None and services.data_source_id == usages.data_source_id:
        raise NotionAccessError(
            say(
                "{services} and {usages} lead to the same database, {base}: put into each the address of its own, "
                "“{services_title}” and “{usages_title}”.",
                base=_name_of(services),
                **_NAMES,
            )
        )
    if not are_exchanged(services, usages, lambda found: _oldest(gateway, found)):
        return
    if services is not None and usages is not None:
        raise NotionAccessError(
            say(
                "{services} and {usages} are exchanged: the first leads to the database {first}, which is made like "
                "“{usages_title}”, and the second to {second}, made like “{services_title}”. Nothing was written. Put "
                "{services}={services_id} and {usages}={usages_id} into .env.",
                first=_name_of(services),
                second=_name_of(usages),
                services_id=usages.database_id,
                usages_id=services.database_id,
                **_NAMES,
            )
        )
    for found in (one for one in (services, usages) if one is not None):
        other = USAGES if found.declared is SERVICES else SERVICES
        raise NotionAccessError(
            say(
                "{variable} leads to the database {base}, which is made like “{other}”: put its id into "
                "{other_variable}. Nothing was written.",
                variable=found.declared.variable,
                base=_name_of(found),
                other=other.title,
                other_variable=other.variable,
            )
        )


def are_exchanged(services: Found | None, usages: Found | None, oldest: Oldest) -> bool:
    """Whether what is taken for the one database is the other one; see the module for what counts."""
    taken = [found for found in (services, usages) if found is not None]
    columns = sum(_weigh_columns(found, [other for other in taken if other is not found]) for found in taken)
    if abs(columns) >= _CLEAR:
        return columns < 0
    titles = sum(_sign(found, _by_title(found)) for found in taken)
    if titles:
        return titles < 0
    return sum(_sign(found, _witness(oldest(found))) for found in taken) < 0


_NAMES: Final = {
    "services": SERVICES.variable,
    "services_title": SERVICES.title,
    "usages": USAGES.variable,
    "usages_title": USAGES.title,
}


def _name_of(found: Found) -> Sentence:
    return quoted(found.title) if found.title.strip() else Sentence.of(found.database_id)


# -- signs: positive for a database in its own place, negative in the other's


def _sign(found: Found, seen: Database | None) -> int:
    return 0 if seen is None else 1 if seen is found.declared else -1


def _weigh_columns(found: Found, others: Sequence[Found]) -> int:
    own, other = (USAGES, SERVICES) if found.declared is USAGES else (SERVICES, USAGES)
    return _count_fitting(found, own, others) - _count_fitting(found, other, others)


def _count_fitting(found: Found, declared: Database, others: Sequence[Found]) -> int:
    """How many columns are of the kind that only the declared database has."""
    columns = found.schema.values()
    fitting = sum(any(_fits(item, column.name, column.type) for column in columns) for item in _TELLING[declared.title])
    sources = {other.data_source_id for other in others}
    link = next(item for item in declared.properties if item.type is Type.RELATION)
    return fitting + any(
        _fits(link, column.name, column.type)
        and column.relation is not None
        and column.relation.data_source_id in sources
        for column in columns
    )


def _fits(declared: Property, name: str, kind: str) -> bool:
    return kind == declared.type and declared.is_named(name)


def _by_title(found: Found) -> Database | None:
    """The database that has this title."""
    return next((one for one in (SERVICES, USAGES) if folded(found.title) == folded(one.title)), None)


def _witness(pages: Sequence[Page]) -> Database | None:
    """What the oldest row is that is of either kind."""
    return next((seen for page in pages if (seen := _kind(page)) is not None), None)


def _kind(page: Page) -> Database | None:
    title = next((value.text for value in page.properties.values() if value.type == "title"), "")
    month = _cell(page, USAGES.property("Mois"))
    if _MONTH.fullmatch(month) or re.match(rf"{_MONTH.pattern} - ", title.strip()):
        return USAGES
    names = {letters(_cell(page, SERVICES.property("ID Provider"))), letters(title)}
    return SERVICES if names & set(ProviderName) else None


def _cell(page: Page, declared: Property) -> str:
    cells = page.properties.items()
    return next((value.text.strip() for name, value in cells if _fits(declared, name, value.type)), "")


def _oldest(gateway: Gateway, found: Found) -> list[Page]:
    question = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
    first = next(gateway.query(found.data_source_id, question, _ROWS))
    return [page for page in first.results if not page.in_trash]


def _telling_columns(database: Database, other: Database) -> tuple[Property, ...]:
    """Columns whose names and types together can't be the other database's."""

    def is_shared(item: Property) -> bool:
        names = (item.name, *item.aliases)
        return any(item.type is one.type and any(one.is_named(name) for name in names) for one in other.properties)

    kinds = (Type.TITLE, Type.RELATION)
    return tuple(item for item in database.properties if item.type not in kinds and not is_shared(item))


_TELLING: Final = {SERVICES.title: _telling_columns(SERVICES, USAGES), USAGES.title: _telling_columns(USAGES, SERVICES)}
