"""The views that set-up adds for people: tables, a board and charts. They are never a reason to stop.

A view is known by its name, and one that is there is never changed, whoever made it. The one exception is the view that
comes with a new database, as long as nobody but this connection has touched it: it becomes the first table.

Nothing here filters, sorts or charts a formula: of one that was made through the API, Notion does not know the type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from notion.client.gateway import Gateway
from notion.client.models import View
from notion.databases.found import Found
from notion.databases.naming import listed
from notion.setup.log import SetupLog
from notion.setup.steps import added_to
from usage.errors import NotionAccessError
from usage.grain import COLLECTION
from usage.language.choice import Language
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.outcomes.story import running

Json = dict[str, Any]
Widths = Mapping[str, int | None]
"""Columns from the left, by the names they are declared under, with their width in pixels; None hides a column."""

_USAGES: Final[Widths] = {
    "Identifiant": 320,
    "Service": 110,
    "Cout USD": 110,
    "Tokens Total": 120,
    "Requetes": 100,
    "Modeles": 240,
    "Statut Collecte": 130,
    "Log Status": 420,
    "Mois": 90,
    "Workspace": 140,
    "Tokens Input": 120,
    "Tokens Output": 120,
    "Collecte Le": 160,
    "Projet/API Key": None,
    "Nom Projet": None,
    "Breakdown JSON": None,
}
_SERVICES: Final[Widths] = {
    "Nom": 160,
    "Statut": 130,
    "Total Cout USD": 140,
    "Total Tokens": 140,
    "Nombre Collectes": 130,
    "Derniere Collecte": 170,
    "URL Console": 240,
    "Notes": 320,
    "ID Provider": None,
    "Usages": None,
}
_CARDS: Final = ("Mois", "Workspace", "Collecte Le", "Log Status")


_BY_DEFAULT: Final = "Default view"
"""Name of the view that Notion gives a new database."""


def set_up_views(gateway: Gateway, services: Found, usages: Found, log: SetupLog) -> None:
    """Add the views that are missing. With nothing to add, it costs one request per database and one per view.

    Args:
        gateway: The connection.
        services: *Services*, complete.
        usages: *Usages*, complete.
        log: Is told what was added, and what Notion refused.

    Raises:
        NotionBusyError: Notion did not answer usably; running it again goes on from there.
        NotionError: Notion's answers can't be read.
    """
    views = _Views(gateway, log)
    try:
        views.add(services, services_views(services))
        views.add(usages, usages_views(usages))
    except NotionAccessError as error:
        # Not about one view: the views can't even be listed.
        log.warnings.append(
            say("Notion does not show its views, they remain to be made by hand: {why}", why=error.sentence)
        )
    views.warn_of_charts()


class _Views:
    def __init__(self, gateway: Gateway, log: SetupLog) -> None:
        self._gateway, self._log = gateway, log
        self._charts: list[str] = []
        """Names of charts that the plan does not allow."""
        self._misread: dict[str, NotionAccessError] = {}
        """Charts that Notion refuses for another reason."""

    def add(self, found: Found, wanted: list[ViewDesign]) -> None:
        there = self._read(found, {folded(view.name) for view in wanted})
        for index, view in enumerate(wanted):
            if any(folded(shown.name) == folded(view.name) for shown in there):
                continue
            if not all(found.has(column) for column in view.needs):
                # What is wrong with the columns is told already, and set-up is run again once that is mended.
                continue
            untouched = self._untouched(there) if index == 0 else None
            self._try(found, view, untouched)

    def warn_of_charts(self) -> None:
        if self._misread:
            # Whatever it is, it is the same for all of them: told once, with Notion's own words.
            error = next(iter(self._misread.values()))
            self._log.warnings.append(
                say(
                    "Notion refuses {names}, the rest does not depend on it: {why}",
                    names=listed(self._misread),
                    why=error.sentence,
                )
            )
        if self._charts:
            self._log.warnings.append(
                say(
                    "Notion does not accept these charts ({names}): the workspace’s plan limits them, or the "
                    "connection may not make them. The rest does not depend on them.",
                    names=listed(self._charts),
                )
            )

    def _try(self, found: Found, view: ViewDesign, untouched: View | None) -> None:
        if view.type == "chart" and self._charts:
            # The plan that has no room for one has none for the next.
            self._charts.append(view.name)
            return
        try:
            if untouched is not None:
                self._gateway.update_view(untouched.id, view.body)
            else:
                self._gateway.create_once(partial(self._create, found, view), partial(self._find, found, view))
        except NotionAccessError as error:
            if view.type == "chart" and error.status == 403:
                self._charts.append(view.name)
            elif view.type == "chart":
                # How Notion says that a plan has no charts has never been recorded: it may well be with a 400.
                self._misread[view.name] = error
            else:
                self._log.warnings.append(
                    say(
                        "Notion refuses the view “{view}” of “{database}”: {why}",
                        view=view.name,
                        database=found.declared.title,
                        why=error.sentence,
                    )
                )
            return
        self._log.steps.append(added_to(found.declared.title, view.sentence))

    def _create(self, found: Found, view: ViewDesign) -> View:
        return self._gateway.create_view(found.database_id, found.data_source_id, view.type, view.body)

    def _find(self, found: Found, view: ViewDesign, _: str | None) -> View | None:
        there = self._read(found, {folded(view.name)})
        return next((shown for shown in there if folded(shown.name) == folded(view.name)), None)

    def _read(self, found: Found, names: set[str]) -> list[View]:
        """The views of a database, read one by one until all these names have been seen."""
        there: list[View] = []
        for entry in self._gateway.views_of(found.database_id):
            if names <= {folded(shown.name) for shown in there}:
                break
            there.append(self._gateway.view(entry.id))
        return there

    def _untouched(self, there: Iterable[View]) -> View | None:
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


# -- their designs


@dataclass(frozen=True, slots=True)
class ViewDesign:
    """A view as it is made. `needs` are the columns without which it can't be made, by their declared names."""

    name: str
    type: str
    needs: tuple[str, ...]
    configuration: Json
    filter: Json | None = None
    sorts: tuple[Json, ...] = ()

    @property
    def sentence(self) -> Sentence:
        """What it is, as a part of a sentence."""
        match self.type:
            case "chart":
                return say("the chart “{view}”", view=self.name)
            case "board":
                return say("the board “{view}”", view=self.name)
        return say("the table “{view}”", view=self.name)

    @property
    def body(self) -> Json:
        """What creating and changing it have in common."""
        body: Json = {"name": self.name, "configuration": {"type": self.type, **self.configuration}}
        body |= {} if self.filter is None else {"filter": self.filter}
        return body | ({"sorts": list(self.sorts)} if self.sorts else {})


def services_views(found: Found) -> list[ViewDesign]:
    """Views of *Services*; the first one takes the place of the view that comes with a new database."""
    return [ViewDesign("Vue d’ensemble", "table", ("Nom",), {"properties": _columns(found, _SERVICES)})]


def usages_views(found: Found) -> list[ViewDesign]:
    """Views of *Usages*; the first one takes the place of the view that comes with a new database."""
    make = _UsagesViews(found)
    return [make.all_rows(), make.running_month(), make.collections(), *make.charts()]


class _UsagesViews:
    def __init__(self, found: Found) -> None:
        self._found = found
        self._newest_first = (self._sort("Mois"), self._sort("Cout USD"))

    def all_rows(self) -> ViewDesign:
        return ViewDesign(
            "Toutes les lignes",
            "table",
            ("Mois", "Cout USD"),
            {"properties": _columns(self._found, _USAGES)},
            sorts=self._newest_first,
        )

    def running_month(self) -> ViewDesign:
        """Rows that were read before their month had ended, by service.

        `Mois` is text, and a filter on one month would be wrong in the next. The log says which rows are of a running
        month, in the language that `NOTION_LANG` named when they were written; the limit on `Collecte Le` lets go of
        those that nobody has read again since.
        """
        told = [running().told_in(language) for language in Language]
        read_while_running = {"or": [self._where("Log Status", rich_text={"contains": words}) for words in told]}
        lately = self._where("Collecte Le", date={"past_month": {}})
        return ViewDesign(
            "Mois en cours",
            "table",
            ("Service", "Mois", "Cout USD", "Log Status", "Collecte Le"),
            {
                "properties": _columns(self._found, {**_USAGES, "Service": None}),
                "group_by": self._group("relation", "Service") | {"hide_empty_groups": True},
            },
            filter={"and": [read_while_running, lately]},
            sorts=self._newest_first,
        )

    def collections(self) -> ViewDesign:
        """How each source fared each month: the rows that tell its story."""
        shown = [{"property_id": self._id(name), "visible": True} for name in _CARDS if self._found.has(name)]
        return ViewDesign(
            "Suivi des collectes",
            "board",
            ("Statut Collecte", "Projet/API Key", "Mois"),
            {"group_by": self._group("select", "Statut Collecte", "manual"), "properties": shown},
            filter=self._where("Projet/API Key", rich_text={"equals": COLLECTION}),
            sorts=(self._sort("Mois"),),
        )

    def charts(self) -> list[ViewDesign]:
        month = self._group("text", "Mois") | {"group_by": "exact"}
        service = self._group("relation", "Service")
        project = self._group("text", "Nom Projet") | {"group_by": "exact"}
        dearest_first = {"sort": "y_descending", "show_data_labels": True}
        return [
            self._chart("Coût par mois", ("Mois", "Service"), "column", month, {"stack_by": service}),
            self._chart("Coût par service", ("Service",), "bar", service, dearest_first),
            self._chart("Projets les plus chers", ("Nom Projet",), "bar", project, dearest_first),
        ]

    def _chart(self, name: str, by: tuple[str, ...], kind: str, axis: Json, more: Json) -> ViewDesign:
        configuration = {
            "chart_type": kind,
            "x_axis": axis,
            "y_axis": {"aggregator": "sum", "property_id": self._id("Cout USD")},
            "hide_empty_groups": True,
            "height": "large",
            **more,
        }
        needs = (*by, "Cout USD", "Projet/API Key")
        no_collections = self._where("Projet/API Key", rich_text={"does_not_equal": COLLECTION})
        return ViewDesign(name, "chart", needs, configuration, filter=no_collections)

    def _group(self, kind: str, column: str, order: str = "ascending") -> Json:
        return {"type": kind, "property_id": self._id(column), "sort": {"type": order}}

    def _where(self, column: str, **condition: Json) -> Json:
        return {"property": self._id(column), **condition}

    def _sort(self, column: str) -> Json:
        return {"property": self._id(column), "direction": "descending"}

    def _id(self, column: str) -> str:
        # Of a column that is not there, the view is not made.
        return self._found.columns[column].id if self._found.has(column) else ""


def _columns(found: Found, widths: Widths) -> list[Json]:
    """Columns from the left; those of other people follow as Notion likes."""
    return [
        {"property_id": found.columns[name].id, "visible": width is not None}
        | ({} if width is None else {"width": width})
        for name, width in widths.items()
        if found.has(name)
    ]
