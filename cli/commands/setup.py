"""`llm-usage setup`: create or check the two Notion databases."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import closing
from pathlib import Path

from dotenv import set_key

from cli.display import literal, noting_warnings
from notion.client.gateway import Gateway
from notion.setup.databases import SetupResult, rehearse, set_up
from notion.setup.rehearsal import Rehearsal
from usage.errors import SettingsError
from usage.language.reader import phrase
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.names import ProviderName
from usage.settings import Settings, load_settings
from usage.settings.files import is_file, setting_files


def run(arguments: argparse.Namespace) -> int:
    """Set up, or tell what would be done, and print the two ids; always 0."""
    settings = load_settings()
    if arguments.dry_run:
        with closing(Rehearsal(settings.notion)) as rehearsal:
            would = rehearse(rehearsal, settings.notion, _providers_with_keys(settings))
        _print_rehearsal(would, as_json=arguments.json)
        return 0
    with noting_warnings():
        result = set_up_databases(settings)
    file = _write_ids(result) if arguments.write_env else None
    if arguments.json:
        print(json.dumps(_ids(result)))
    else:
        print_setup(result)
        print()
        print(phrase("For .env:") if file is None else phrase("Written into {file}:", file=file))
        print(f"NOTION_SERVICES_DB_ID={result.services_db_id}")
        print(f"NOTION_USAGES_DB_ID={result.usages_db_id}")
    return 0


def _variables(result: SetupResult) -> dict[str, str]:
    return {
        "NOTION_SERVICES_DB_ID": str(result.services_db_id),
        "NOTION_USAGES_DB_ID": str(result.usages_db_id),
    }


def _write_ids(result: SetupResult) -> Path:
    """Put the two ids into the file of settings that counts: the first one that is there, else `.env` here.

    Raises:
        SettingsError: It can't be written.
    """
    files = setting_files(os.environ)
    file = next((one for one in files if is_file(one)), files[0])
    try:
        for name, value in _variables(result).items():
            # A link is followed: what it leads to is the file that is read.
            set_key(file, name, value, quote_mode="never", follow_symlinks=True)
    except OSError as error:
        raise SettingsError(
            say(
                "{file}: can't be written ({strerror}); the databases are there: run llm-usage setup for their ids",
                file=file,
                strerror=reason_of(error),
            )
        ) from None
    return file.absolute()


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
    for sentence in result.done or (phrase("Both databases are complete; nothing to do."),):
        print(literal(sentence))
    _print_warnings(result)


def _print_rehearsal(result: SetupResult, *, as_json: bool) -> None:
    steps = [str(sentence) for sentence in result.would]
    if as_json:
        print(json.dumps({**_ids(result), "would": steps}, ensure_ascii=False))
        return
    for sentence in steps or (phrase("Both databases are complete; nothing would be done."),):
        print(literal(sentence))
    _print_warnings(result)
    print()
    print(phrase("Nothing was written."))


def _print_warnings(result: SetupResult) -> None:
    for sentence in result.warnings:
        print(literal(sentence), file=sys.stderr)


def _ids(result: SetupResult) -> dict[str, str | None]:
    return {"services_db_id": result.services_db_id, "usages_db_id": result.usages_db_id}


def _providers_with_keys(settings: Settings) -> frozenset[ProviderName]:
    return frozenset(credential.source.provider for credential in settings.credentials)
