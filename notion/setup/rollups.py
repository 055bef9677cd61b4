"""The rollups of *Services*: for people, and so never a reason to stop.

A rollup follows a relation and calculates with a column, both by their ids: where one of them is deleted and made anew,
it has nothing any more, and has to be led to the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from notion.client.gateway import Gateway
from notion.client.models import Page, PropertySchema
from notion.databases.declared import USAGES, Property, Type
from notion.databases.found import ColumnState, Databases, Found, judge_relation, value_of
from notion.setup.columns import Json, change_columns, is_about_columns, rollup_column
from notion.setup.log import SetupLog
from notion.setup.steps import added, mended
from usage.errors import NotionAccessError
from usage.language.saying import say
from usage.language.sentence import Sentence

_NO_VALUE = ("unsupported", "incomplete")


def add_rollups(gateway: Gateway, services: Found, usages: Found, log: SetupLog) -> Found:
    """Add the rollups that are missing, mend those without their relation or column; *Services* as it is then."""
    columns: Json = {}
    for match in services.matches:
        if match.declared.type is not Type.ROLLUP:
            continue
        is_lost = match.state is ColumnState.OK and (
            has_lost_its_relation(services, match.found[0]) or has_lost_its_column(usages, match.found[0])
        )
        if not is_lost and match.state is not ColumnState.MISSING:
            continue
        column = rollup_column(match.declared, services, usages)
        if column is None:
            log.warnings.append(
                say("The rollup “{rollup}” waits for its columns to be in order.", rollup=match.declared.name)
            )
        elif is_lost:
            columns[match.declared.name] = _keep_choices(column, match.found[0], usages)
        else:
            columns[match.declared.name] = column
    return _change(gateway, Databases(services, usages), columns, log) if columns else services


def _keep_choices(column: Json, old: PropertySchema, usages: Found) -> Json:
    """The rollup with what a person chose to calculate, as far as that can still be seen."""
    if old.rollup is None:
        return column
    wanted = unquote(old.rollup.rollup_property_id or "")
    targets = [one.name for one in usages.schema.values() if unquote(one.id) == wanted]
    kept = {"function": old.rollup.function} if old.rollup.function else {}
    return {"rollup": {**column["rollup"], **kept, **({"rollup_property_name": targets[0]} if targets else {})}}


def _change(gateway: Gateway, both: Databases, columns: Json, log: SetupLog) -> Found:
    """Add or change rollups by their declared names: all at once, or one by one where Notion refuses that."""
    there = {name: both.services.columns[name] for name in columns if both.services.has(name)}
    keyed = {there[name].id if name in there else name: column for name, column in columns.items()}
    try:
        changed = change_columns(gateway, both.services, keyed)
    except NotionAccessError as error:
        if not is_about_columns(error, both.services):
            raise
        if len(columns) == 1:
            log.warnings += [_refused(both.services.declared.property(name), error) for name in columns]
            return both.services
        for name, column in columns.items():
            both = replace(both, services=_change(gateway, both, {name: column}, log))
        return both.services
    services = judge_relation(changed, both.usages).services
    for name in columns:
        # Notion passes over what it does not understand, and says nothing.
        if name not in there:
            log.steps += [added(services.declared.title, [name])] if services.has(name) else []
        elif has_lost_its_relation(services, services.match(name).found[0]):
            log.warnings.append(
                say(
                    "The rollup “{rollup}” follows a relation that is deleted: delete it in Notion, then run llm-usage "
                    "setup again.",
                    rollup=there[name].name,
                )
            )
        elif has_lost_its_column(both.usages, services.match(name).found[0]):
            log.warnings.append(
                say(
                    "The rollup “{rollup}” calculates with a column that is deleted: delete it in Notion, then run "
                    "llm-usage setup again.",
                    rollup=there[name].name,
                )
            )
        else:
            log.steps.append(mended(services.declared.title, there[name].name))
    return services


def _refused(declared: Property, refusal: NotionAccessError) -> Sentence:
    formula = _formula_under(declared)
    if formula is None:
        return say("Notion refuses the rollup “{rollup}”: {why}", rollup=declared.name, why=refusal.sentence)
    return say(
        "Notion refuses the rollup “{rollup}”: open the formula “{formula}” of “{database}”, save it once, then run "
        "llm-usage setup again.",
        rollup=declared.name,
        formula=formula,
        database=USAGES.title,
    )


def has_lost_its_relation(services: Found, column: PropertySchema) -> bool:
    """Whether a rollup follows a relation that is no column any more."""
    if column.rollup is None:
        return False
    relations = [one for one in services.schema.values() if one.type == Type.RELATION]
    wanted, name = unquote(column.rollup.relation_property_id or ""), column.rollup.relation_property_name
    return not any(unquote(one.id) == wanted or one.name == name for one in relations)


def has_lost_its_column(usages: Found, column: PropertySchema) -> bool:
    """Whether a rollup calculates with a column of *Usages* that is deleted."""
    if column.rollup is None:
        return False
    # One over another database, which a person made, still tells the name of its column.
    wanted, name = unquote(column.rollup.rollup_property_id or ""), column.rollup.rollup_property_name
    return not name and all(unquote(one.id) != wanted for one in usages.schema.values())


def unread_rollups(services: Found, pages: Iterable[Page]) -> list[Sentence]:
    """What to do about rollups to which Notion gives no value."""
    rows = list(pages)
    sentences = []
    for declared in services.declared.properties:
        match = services.match(declared.name)
        if match.state is ColumnState.OK and has_lost_its_relation(services, match.found[0]):
            # Told already, and no formula would help.
            continue
        values = [value_of(services, page, declared.name) for page in rows]
        if not any(
            value is not None and value.rollup is not None and value.rollup.type in _NO_VALUE for value in values
        ):
            continue
        sentences.append(_unread(declared))
    return sentences


def _unread(declared: Property) -> Sentence:
    formula = _formula_under(declared)
    if formula is None:
        return say("The rollup “{rollup}” stays empty: Notion does not calculate it.", rollup=declared.name)
    return say(
        "The rollup “{rollup}” stays empty: open the formula “{formula}” of “{database}” and save it once.",
        rollup=declared.name,
        formula=formula,
        database=USAGES.title,
    )


def _formula_under(declared: Property) -> str | None:
    """The formula that a rollup adds up, if it is one."""
    if declared.rollup is None:
        return None
    target = USAGES.property(declared.rollup.target)
    return target.name if target.type is Type.FORMULA else None
