"""`llm-usage setup`: create or check the two Notion databases."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from typing import Final

from cli.display import literal
from notion.client.gateway import Gateway
from notion.setup.databases import SetupResult, rehearse, set_up
from notion.setup.rehearsal import Rehearsal
from usage.names import ProviderName
from usage.settings import Settings, load_settings

_WOULD: Final = {
    "Created": "Would create",
    "Added": "Would add",
    "Renamed": "Would rename",
    "Mended": "Would mend",
    "Filled": "Would fill",
}
"""How what was done begins, and what would be."""


def run(arguments: argparse.Namespace) -> int:
    """Set up, or tell what would be done, and print the two ids; always 0."""
    settings = load_settings()
    if arguments.dry_run:
        with closing(Rehearsal(settings.notion)) as rehearsal:
            would = rehearse(rehearsal, settings.notion, _providers_with_keys(settings))
        _print_rehearsal(would, as_json=arguments.json)
        return 0
    result = set_up_databases(settings)
    if arguments.json:
        print(json.dumps(_ids(result)))
    else:
        print_setup(result)
        print(f"\nFor .env:\nNOTION_SERVICES_DB_ID={result.services_db_id}")
        print(f"NOTION_USAGES_DB_ID={result.usages_db_id}")
    return 0


def set_up_databases(settings: Settings) -> SetupResult:
    """Create or complete both databases.

    Raises:
        NotionError: A person has to do something first, or Notion can't be reached.
    """
    with closing(Gateway(settings.notion)) as gateway:
        return set_up(gateway, settings.notion, _providers_with_keys(settings))


def print_setup(result: SetupResult) -> None:
    """What was done, and what a person has to settle."""
    # Both may quote names of columns and databases: other people's text.
    for sentence in result.done or ("Both databases are complete; nothing to do.",):
        print(literal(sentence))
    _print_warnings(result)


def in_conditional(sentence: str) -> str:
    """What would be done, from a sentence about what was."""
    first, _, rest = sentence.partition(" ")
    return f"{_WOULD[first]} {rest}"


def _print_rehearsal(result: SetupResult, *, as_json: bool) -> None:
    steps = [in_conditional(sentence) for sentence in result.done]
    if as_json:
        print(json.dumps({**_ids(result), "would": steps}, ensure_ascii=False))
        return
    for sentence in steps or ("Both databases are complete; nothing would be done.",):
        print(literal(sentence))
    _print_warnings(result)
    print("\nNothing was written.")


def _print_warnings(result: SetupResult) -> None:
    for sentence in result.warnings:
        print(literal(sentence), file=sys.stderr)


def _ids(result: SetupResult) -> dict[str, str | None]:
    return {"services_db_id": result.services_db_id, "usages_db_id": result.usages_db_id}


def _providers_with_keys(settings: Settings) -> frozenset[ProviderName]:
    return frozenset(credential.source.provider for credential in settings.credentials)
