"""What people at the agency add to *Usages*: for whom a row's project is, and which teams work on it."""

from __future__ import annotations

from sandbox.agency.projects import PROJECTS
from sandbox.notion.store import Store

CLIENT, TEAM = "Client", "Équipe"


def add_columns(store: Store, usages: str) -> None:
    """Add the two columns to the database of this title."""
    clients = [{"name": name} for name in dict.fromkeys(one.client for one in PROJECTS)]
    teams = [{"name": name} for name in dict.fromkeys(team for one in PROJECTS for team in one.teams)]
    columns = {CLIENT: {"select": {"options": clients}}, TEAM: {"multi_select": {"options": teams}}}
    store.change_schema(store.database(usages), columns)


def fill_columns(store: Store, usages: str) -> None:
    """Fill them in wherever a row's title ends with a project's name and nobody has filled them in."""
    for row in store.database(usages).rows():
        for one in PROJECTS:
            if row.title.endswith(f" - {one.name}") and row.value(CLIENT) is None:
                store.edit(row, {CLIENT: one.client, TEAM: one.teams})
