"""The views that `setup` adds, as JSON: tables, a board and charts.

Nothing here filters, sorts or charts a formula: of one that was made through the API, Notion does not know the type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from notion.databases.found import Found
from usage.grain import COLLECTION
from usage.outcomes.story import RUNNING

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


@dataclass(frozen=True, slots=True)
class View:
    """One view. `needs` are the columns without which it can't be made, by their declared names."""

    name: str
    type: str
    needs: tuple[str, ...]
    configuration: Json
    filter: Json | None = None
    sorts: tuple[Json, ...] = ()

    @property
    def body(self) -> Json:
        """What creating and changing it have in common."""
        body: Json = {"name": self.name, "configuration": {"type": self.type, **self.configuration}}
        body |= {} if self.filter is None else {"filter": self.filter}
        return body | ({"sorts": list(self.sorts)} if self.sorts else {})


def services_views(found: Found) -> list[View]:
    """Views of *Services*; the first one takes the place of the view that comes with a new database."""
    return [View("Vue d’ensemble", "table", ("Nom",), {"properties": _columns(found, _SERVICES)})]


def usages_views(found: Found) -> list[View]:
    """Views of *Usages*; the first one takes the place of the view that comes with a new database."""
    make = _UsagesViews(found)
    return [make.all_rows(), make.running_month(), make.collections(), *make.charts()]


class _UsagesViews:
    def __init__(self, found: Found) -> None:
        self._found = found
        self._newest_first = (self._sort("Mois"), self._sort("Cout USD"))

    def all_rows(self) -> View:
        return View(
            "Toutes les lignes",
            "table",
            ("Mois", "Cout USD"),
            {"properties": _columns(self._found, _USAGES)},
            sorts=self._newest_first,
        )

    def running_month(self) -> View:
        """Rows that were read before their month had ended, by service.

        `Mois` is text, and a filter on one month would be wrong in the next. The log says which rows are of a running
        month; the limit on `Collecte Le` lets go of those that nobody has read again since.
        """
        read_while_running = self._where("Log Status", rich_text={"contains": RUNNING})
        lately = self._where("Collecte Le", date={"past_month": {}})
        return View(
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

    def collections(self) -> View:
        """How each source fared each month: the rows that tell its story."""
        shown = [{"property_id": self._id(name), "visible": True} for name in _CARDS if self._found.has(name)]
        return View(
            "Suivi des collectes",
            "board",
            ("Statut Collecte", "Projet/API Key", "Mois"),
            {"group_by": self._group("select", "Statut Collecte", "manual"), "properties": shown},
            filter=self._where("Projet/API Key", rich_text={"equals": COLLECTION}),
            sorts=(self._sort("Mois"),),
        )

    def charts(self) -> list[View]:
        month = self._group("text", "Mois") | {"group_by": "exact"}
        service = self._group("relation", "Service")
        project = self._group("text", "Nom Projet") | {"group_by": "exact"}
        dearest_first = {"sort": "y_descending", "show_data_labels": True}
        return [
            self._chart("Coût par mois", ("Mois", "Service"), "column", month, {"stack_by": service}),
            self._chart("Coût par service", ("Service",), "bar", service, dearest_first),
            self._chart("Projets les plus chers", ("Nom Projet",), "bar", project, dearest_first),
        ]

    def _chart(self, name: str, by: tuple[str, ...], kind: str, axis: Json, more: Json) -> View:
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
        return View(name, "chart", needs, configuration, filter=no_collections)

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
