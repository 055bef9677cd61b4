"""The steps that a set-up takes, as it tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from usage.language.saying import say
from usage.language.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a set-up has done, told once it is done, and by a rehearsal."""

    done: Sentence
    would: Sentence


def created(database: str) -> Step:
    """A new database."""
    return Step(
        say("Created the database “{database}”.", database=database),
        say("Would create the database “{database}”.", database=database),
    )


def added(database: str, columns: Iterable[str]) -> Step:
    """New columns of a database."""
    return added_to(database, Sentence.of(", ".join(columns)))


def added_to(database: str, what: Sentence) -> Step:
    """Something new in a database."""
    return Step(
        say("Added to “{database}”: {what}.", database=database, what=what),
        say("Would add to “{database}”: {what}.", database=database, what=what),
    )


def added_options(database: str, column: str) -> Step:
    """New options of a select."""
    return Step(
        say("Added options to “{column}” of “{database}”.", column=column, database=database),
        say("Would add options to “{column}” of “{database}”.", column=column, database=database),
    )


def renamed(database: str, column: str, name: str) -> Step:
    """A column that got its declared name."""
    return Step(
        say("Renamed “{column}” of “{database}” to “{name}”.", column=column, database=database, name=name),
        say("Would rename “{column}” of “{database}” to “{name}”.", column=column, database=database, name=name),
    )


def mended(database: str, rollup: str) -> Step:
    """A rollup that follows its relation again."""
    return Step(
        say("Mended “{rollup}” of “{database}”.", rollup=rollup, database=database),
        say("Would mend “{rollup}” of “{database}”.", rollup=rollup, database=database),
    )


def added_service(service: str) -> Step:
    """A provider's new row."""
    return Step(
        say("Added the service {service}.", service=service), say("Would add the service {service}.", service=service)
    )


def filled(service: str, columns: Iterable[str]) -> Step:
    """Cells of a provider's row that were empty."""
    names = ", ".join(columns)
    return Step(
        say("Filled in {columns} of the service {service}.", columns=names, service=service),
        say("Would fill in {columns} of the service {service}.", columns=names, service=service),
    )
