"""Both databases, declared once: names, types, options, and the names that people have given the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from usage.language.folding import folded
from usage.names import Status


class Type(StrEnum):
    """Notion's property types that are used here."""

    TITLE = "title"
    TEXT = "rich_text"
    NUMBER = "number"
    SELECT = "select"
    DATE = "date"
    URL = "url"
    RELATION = "relation"
    FORMULA = "formula"
    ROLLUP = "rollup"


class Statut(StrEnum):
    """`Statut` of a service."""

    ACTIF = "Actif"
    INACTIF = "Inactif"
    EN_ATTENTE = "En attente API"


@dataclass(frozen=True, slots=True)
class Rollup:
    """A rollup: which relation it follows, which property it takes, and how."""

    relation: str
    target: str
    function: str


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `aliases` are other names it is known under; accents and case never matter."""

    name: str
    type: Type
    aliases: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    """Of a select: names and colours."""
    number_format: str = "number"
    expression: str = ""
    rollup: Rollup | None = None
    optional: bool = False
    """Filled where it exists; its absence hinders nothing."""
    for_people: bool = False
    """Only people look at it: the job neither reads nor writes it."""

    def is_named(self, name: str) -> bool:
        """Whether a column of that name is this property."""
        return folded(name) in {folded(known) for known in (self.name, *self.aliases)}


@dataclass(frozen=True, slots=True)
class Database:
    """One database and its properties, in the order in which people see them."""

    title: str
    variable: str
    """Setting that holds its id."""
    properties: tuple[Property, ...]

    def property(self, name: str) -> Property:
        """The property declared under that name."""
        return next(item for item in self.properties if item.name == name)


SERVICES: Final = Database(
    title="Services LLM",
    variable="NOTION_SERVICES_DB_ID",
    properties=(
        Property("Nom", Type.TITLE, ("Name", "Nom du service", "Service")),
        Property(
            "Statut",
            Type.SELECT,
            ("Status",),
            options=((Statut.ACTIF, "green"), (Statut.INACTIF, "gray"), (Statut.EN_ATTENTE, "yellow")),
        ),
        Property("URL Console", Type.URL, ("Console", "URL"), for_people=True),
        Property("ID Provider", Type.TEXT, ("ID Fournisseur", "Provider ID", "Provider")),
        Property("Notes", Type.TEXT, ("Note",), for_people=True),
        # Tells whether a service has rows. The job writes the relation from the other side and can do without this one.
        Property("Usages", Type.RELATION, ("Usages LLM", "Usage"), optional=True),
        Property(
            "Total Cout USD",
            Type.ROLLUP,
            ("Cout Total USD", "Total Cout"),
            rollup=Rollup("Usages", "Cout USD", "sum"),
            for_people=True,
        ),
        Property(
            "Total Tokens",
            Type.ROLLUP,
            ("Tokens Total",),
            rollup=Rollup("Usages", "Tokens Total", "sum"),
            for_people=True,
        ),
        Property(
            "Nombre Collectes",
            Type.ROLLUP,
            ("Nb Collectes", "Nombre de Collectes"),
            rollup=Rollup("Usages", "Identifiant", "count"),
            for_people=True,
        ),
        Property(
            "Derniere Collecte",
            Type.ROLLUP,
            ("Derniere Collecte Le",),
            rollup=Rollup("Usages", "Collecte Le", "latest_date"),
            for_people=True,
        ),
    ),
)

USAGES: Final = Database(
    title="Usages LLM",
    variable="NOTION_USAGES_DB_ID",
    properties=(
        Property("Identifiant", Type.TITLE, ("Name", "Nom", "ID")),
        Property("Service", Type.RELATION, ("Services", "Services LLM")),
        Property("Mois", Type.TEXT, ("Month",)),
        Property("Projet/API Key", Type.TEXT, ("Projet / API Key", "Projet", "API Key", "Projet/Cle API")),
        Property("Workspace", Type.TEXT, ("Espace de travail",)),
        Property("Modeles", Type.TEXT, ("Modele", "Models")),
        Property("Tokens Input", Type.NUMBER, ("Tokens In", "Tokens Entree"), number_format="number_with_commas"),
        Property("Tokens Output", Type.NUMBER, ("Tokens Out", "Tokens Sortie"), number_format="number_with_commas"),
        Property(
            "Tokens Total",
            Type.FORMULA,
            ("Total Tokens",),
            expression='prop("Tokens Input") + prop("Tokens Output")',
            for_people=True,
        ),
        Property("Cout USD", Type.NUMBER, ("Cout", "Cost USD", "Cout ($)"), number_format="dollar"),
        Property(
            "Requetes", Type.NUMBER, ("Nb Requetes", "Nombre Requetes", "Requests"), number_format="number_with_commas"
        ),
        Property("Breakdown JSON", Type.TEXT, ("Breakdown", "Detail JSON")),
        Property("Collecte Le", Type.DATE, ("Date Collecte", "Date de Collecte")),
        Property(
            "Statut Collecte",
            Type.SELECT,
            ("Statut",),
            options=(
                (Status.SUCCES, "green"),
                (Status.ECHEC, "red"),
                (Status.PARTIEL, "orange"),
                (Status.DONNEES_INDISPONIBLES, "gray"),
            ),
        ),
        Property("Log Status", Type.TEXT, ("Log", "Logs")),
        # Not in the contract's list: for charts, in which an id is no label. `collect` fills it where it exists.
        Property("Nom Projet", Type.TEXT, ("Nom du Projet",), optional=True),
    ),
)
