"""`llm-usage setup`: create or check the two Notion databases."""

from __future__ import annotations

import argparse
import json
import sys

from cli.display import shown
from notion.gateway import Gateway
from notion.setup import SetupResult, set_up
from usage.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    """Set up and print the two ids as lines for `.env`; always 0."""
    result = set_up_databases(load_settings())
    if arguments.json:
        print(json.dumps({"services_db_id": result.services_db_id, "usages_db_id": result.usages_db_id}))
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
    gateway = Gateway(settings.notion)
    try:
        configured = frozenset(credential.source.provider for credential in settings.credentials)
        return set_up(gateway, settings.notion, configured)
    finally:
        gateway.close()


def print_setup(result: SetupResult) -> None:
    """What was done, and what a person has to settle."""
    # Both may quote names of columns and databases: other people's text.
    for sentence in result.done or ("Both databases are complete; nothing to do.",):
        print(shown(sentence))
    for sentence in result.warnings:
        print(shown(sentence), file=sys.stderr)
