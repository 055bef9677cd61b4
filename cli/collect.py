"""`llm-usage collect`: one month through the flow, with progress on a terminal and a table at the end."""

from __future__ import annotations

import argparse
import threading

from cli.display import Display, print_result
from cli.server import PrefectServer, prefect_server
from usage.errors import LlmUsageError
from usage.names import ProviderName
from usage.progress import Event, MonthEnded, listening
from usage.result import MonthResult


def run(arguments: argparse.Namespace) -> int:
    """Collect and report; 0 or 1."""
    providers = tuple(ProviderName(name) for name in arguments.provider)
    with prefect_server() as server:
        result = collect_month(
            server, arguments.month, providers, arguments.account, dry_run=arguments.dry_run, quiet=arguments.json
        )
    if arguments.json:
        print(result.to_json())
    else:
        print_result(result)
    return 0 if result.succeeded else 1


def collect_month(
    server: PrefectServer,
    month: str,
    providers: tuple[ProviderName, ...] = (),
    account: str | None = None,
    *,
    dry_run: bool = False,
    quiet: bool = False,
) -> MonthResult:
    """Run the flow for one month in this process.

    Raises:
        SettingsError: Wrong settings or arguments; nothing was done.
        NotionError: Notion can't be reached or used; nothing was done.
        LlmUsageError: The run ended without a result.
    """
    # Prefect takes its time to import; Notion can answer meanwhile.
    importing = threading.Thread(target=_import_flow, daemon=True)
    importing.start()
    from tasks.prepare import Request, finish, prepare  # noqa: PLC0415

    request = Request(month, providers, account)
    try:
        prepare(request)
        importing.join()
        server.wait()
        return _run_flow(month, list(providers), account, dry_run=dry_run, quiet=quiet)
    finally:
        finish(request)


def _import_flow() -> None:
    import flows.collect  # noqa: F401, PLC0415


def _run_flow(
    month: str, providers: list[ProviderName], account: str | None, *, dry_run: bool, quiet: bool
) -> MonthResult:
    from flows.collect import collect  # noqa: PLC0415

    ended: list[MonthResult] = []

    def keep(event: Event) -> None:
        if isinstance(event, MonthEnded):
            ended.append(event.result)

    with listening(keep), Display(quiet=quiet):
        state = collect(month, providers, account, dry_run, return_state=True)
    if not ended:
        raise LlmUsageError(f"the run ended without a result: {state.message}")
    return ended[-1]
