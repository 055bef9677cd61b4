"""Adding the views that are missing, for people: never a reason to stop.

A view is known by its name, and one that is there is never changed, whoever made it. The one exception is the view that
comes with a new database, as long as nobody but this connection has touched it: it becomes the first table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from notion.client.gateway import Gateway, create_once
from notion.client.models import View as Shown
from notion.databases.found import Found
from notion.setup.viewshapes import View, services_views, usages_views
from notion.text import folded
from usage.errors import NotionAccessError

_BY_DEFAULT: Final = "Default view"
"""Name of the view that Notion gives a new database."""


@dataclass(frozen=True, slots=True)
class ViewsResult:
    """`done` says in English what was added, `warnings` in French what Notion refused."""

    done: tuple[str, ...]
    warnings: tuple[str, ...]


def set_up_views(
    gateway: Gateway, services: Found, usages: Found, *, sleep: Callable[[float], None] = time.sleep
) -> ViewsResult:
    """Add the views that are missing. With nothing to add, it costs one request per database and one per view.

    Args:
        gateway: The connection.
        services: *Services*, complete.
        usages: *Usages*, complete.
        sleep: Replaced in tests; seconds.

    Raises:
        NotionBusyError: Notion did not answer usably; running it again goes on from there.
        NotionError: Notion's answers can't be read.
    """
    views = _Views(gateway, sleep)
    try:
        views.add(services, services_views(services))
        views.add(usages, usages_views(usages))
    except NotionAccessError as error:
        # Not about one view: the views can't even be listed.
        views.refused.append(f"Notion ne montre pas ses vues, elles restent à faire à la main : {error}")
    return ViewsResult(tuple(views.done), tuple(views.warnings()))


class _Views:
    def __init__(self, gateway: Gateway, sleep: Callable[[float], None]) -> None:
        self._gateway, self._sleep = gateway, sleep
        self.done: list[str] = []
        self.refused: list[str] = []
        self._charts: list[str] = []
        """Names of charts that the plan does not allow."""
        self._misread: dict[str, NotionAccessError] = {}
        """Charts that Notion refuses for another reason."""

    def add(self, found: Found, wanted: list[View]) -> None:
        names = {folded(view.name) for view in wanted}
        there = self._read(found, names)
        for index, view in enumerate(wanted):
            if any(folded(shown.name) == folded(view.name) for shown in there):
                continue
            if not all(found.has(column) for column in view.needs):
                # What is wrong with the columns is told already, and set-up is run again once that is mended.
                continue
            untouched = self._untouched(there) if index == 0 else None
            self._try(found, view, untouched)

    def warnings(self) -> Iterator[str]:
        yield from self.refused
        if self._misread:
            # Whatever it is, it is the same for all of them: told once, with Notion's own words.
            names, error = ", ".join(f"« {name} »" for name in self._misread), next(iter(self._misread.values()))
            yield f"Notion refuse {names}, le reste n’en dépend pas : {error}"
        if self._charts:
            names = ", ".join(f"« {name} »" for name in self._charts)
            yield (
                f"Notion n’accepte pas ces graphiques ({names}) : l’offre de l’espace les limite, ou la connexion n’en "
                "a pas le droit. Le reste n’en dépend pas."
            )

    def _try(self, found: Found, view: View, untouched: Shown | None) -> None:
        if view.type == "chart" and self._charts:
            # The plan that has no room for one has none for the next.
            self._charts.append(view.name)
            return
        try:
            if untouched is not None:
                self._gateway.update_view(untouched.id, view.body)
            else:
                create_once(partial(self._create, found, view), partial(self._find, found, view), self._sleep)
        except NotionAccessError as error:
            if view.type == "chart" and error.status == 403:
                self._charts.append(view.name)
            elif view.type == "chart":
                # How Notion says that a plan has no charts has never been recorded: it may well be with a 400.
                self._misread[view.name] = error
            else:
                self.refused.append(f"Notion refuse la vue « {view.name} » de « {found.declared.title} » : {error}")
            return
        self.done.append(f"Added to “{found.declared.title}”: the {view.type} “{view.name}”.")

    def _create(self, found: Found, view: View) -> Shown:
        return self._gateway.create_view(found.database_id, found.data_source_id, view.type, view.body)

    def _find(self, found: Found, view: View, _: str | None) -> Shown | None:
        there = self._read(found, {folded(view.name)})
        return next((shown for shown in there if folded(shown.name) == folded(view.name)), None)

    def _read(self, found: Found, names: set[str]) -> list[Shown]:
        """The views of a database, read one by one until all these names have been seen."""
        there: list[Shown] = []
        for listed in self._gateway.views_of(found.database_id):
            if names <= {folded(shown.name) for shown in there}:
                break
            there.append(self._gateway.view(listed.id))
        return there

    def _untouched(self, there: Iterable[Shown]) -> Shown | None:
        """The view that came with the database, where it is as this connection's creation of the database left it."""
        fresh = [
            view
            for view in there
            if view.name == _BY_DEFAULT and view.type == "table" and view.created_by == view.last_edited_by
        ]
        if not fresh:
            return None
        me = self._gateway.me()
        return next((view for view in fresh if view.created_by is not None and view.created_by.id == me), None)
