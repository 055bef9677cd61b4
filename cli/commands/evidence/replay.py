"""`llm-usage replay`: one month again from what is kept of it; no provider is asked."""

from __future__ import annotations

import argparse

from cli.commands.collect import run_request, tell
from cli.prefect_server.server import prefect_server
from tasks.session import Request
from usage.month import Month
from usage.names import ProviderName
from usage.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Replay and report; 0 or 1.

    Raises:
        SettingsError: The archive is off, empty or out of reach, or has nothing of what was asked for.
        LlmUsageError: As a collection.
    """
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now())
    providers = tuple(ProviderName(name) for name in arguments.provider)
    request = Request(str(month), providers, arguments.account, arguments.accept_lower, replays=True)
    with prefect_server() as server:
        result = run_request(server, request, dry_run=arguments.dry_run, quiet=arguments.json)
    return tell(result, settings, as_json=arguments.json)
