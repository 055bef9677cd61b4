"""The command line: arguments, exit statuses, and one message for each thing that can go wrong.

Exit status: 0 all that can be had was collected; 1 a rerun or a better key would bring more, or Notion could not be
written; 2 wrong arguments or settings, nothing done; 130 and 143 after Ctrl-C and SIGTERM.

Little is imported before the signals are watched: whoever presses Ctrl-C at once gets a sentence, too.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from cli.prefect_server.ending import exit_quietly, watch_signals
from cli.surroundings import open_missing_streams, require_enough_files, take_every_letter

INCOMPLETE: Final = 1
REFUSED: Final = 2

_UNWRITABLE: Final = (errno.ENOSPC, errno.EFBIG, errno.EIO)
"""How a full disk behind `> file` shows itself, and the like."""


_Add = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command: its name, and what it does."""


class _Refused(Exception):
    """Arguments that can't be used."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing, so that `--json` can answer in JSON."""

    def error(self, message: str) -> NoReturn:
        raise _Refused(f"{message} (see `{self.prog} --help`)")


def entry() -> NoReturn:
    """What the `llm-usage` script calls."""
    open_missing_streams()
    take_every_letter(as_json="--json" in sys.argv)
    watch_signals()
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        exit_quietly(INCOMPLETE)
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        print(f"llm-usage: standard output can't be written ({error.strerror})", file=sys.stderr)
        exit_quietly(INCOMPLETE)
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status.

    Raises:
        SystemExit: After `--help`.
    """
    as_json = "--json" in arguments
    stranger = _stranger()
    if stranger is not None:
        return _fail(f"another package is in the way ({stranger}); use an own environment", REFUSED, as_json=as_json)
    if not arguments:
        parser().print_help()
        return REFUSED
    from usage.errors import LlmUsageError, NotionAccessError, SettingsError  # noqa: PLC0415
    from usage.machine.network import network  # noqa: PLC0415

    try:
        require_enough_files()
        with network(_addresses):
            return _run(arguments)
    except (_Refused, SettingsError, NotionAccessError) as error:
        return _fail(str(error), REFUSED, as_json=as_json)
    except LlmUsageError as error:
        return _fail(str(error), INCOMPLETE, as_json=as_json)


def _addresses() -> list[str]:
    """Addresses that a command may ask."""
    from cli.prefect_server.settings import prefect_settings  # noqa: PLC0415
    from usage.settings import BASE_URLS  # noqa: PLC0415

    values = prefect_settings()
    return [values[name] for name in (*BASE_URLS, "PREFECT_API_URL") if name in values]


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    root = _Parser(
        prog="llm-usage", description="What every project used and cost each month, in Notion.", allow_abbrev=False
    )
    commands = root.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="command")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, allow_abbrev=False)

    demo = add("demo", "The whole job against a sandbox on this machine: no key, no network.")
    demo.add_argument("--month", default="last", help="month like 2026-01, `last` (default) or `current`")
    setup = add("setup", "Create or check the two Notion databases; can be repeated.")
    setup.add_argument("--dry-run", action="store_true", help="print what would be added; write nothing")
    _json(setup)
    check = add("check", "Try each key, each scope, Notion's access and schema, and say what to do.")
    check.add_argument("--verbose", action="store_true", help="each thing that was looked at, not one line a source")
    _add_collecting(add)
    _add_showing(add)
    heal = add("heal", "Bring rows of older collectors in order: doubles, names in place of ids, error rows.")
    heal.add_argument("--month", help="only this month: like 2026-01, `last` or `current`")
    heal.add_argument("--dry-run", action="store_true", help="print what would be done; write nothing")
    heal.add_argument("--yes", action="store_true", help="write without asking first")
    _json(heal)
    deploy = add("deploy", "Take schedules, limits and alerts to a Prefect server; can be repeated.")
    deploy.add_argument("--alert-url-file", help="file with a webhook's address that alerts go to (Slack or any other)")
    return root


def _add_collecting(add: _Add) -> None:
    """Commands that bring figures to Notion."""
    collect = add("collect", "Collect one month into Notion.")
    collect.add_argument("--month", default="last", help="month like 2026-01, `last` (default) or `current`")
    _providers(collect, action="extend", nargs="+")
    collect.add_argument("--account", help="only this account")
    collect.add_argument("--dry-run", action="store_true", help="print what would be written; write nothing")
    collect.add_argument(
        "--accept-lower", action="store_true", help="follow figures that take from a month that is over, without proof"
    )
    collect.add_argument(
        "--scheduled", action="store_true", help="leave a month alone that is closed, as scheduled runs do; for cron"
    )
    _json(collect)
    backfill = add("backfill", "Collect each month of a range, both ends included.")
    backfill.add_argument("first", help="first month, like 2025-01")
    backfill.add_argument("last", help="last month, like 2025-12")
    # The months may stand behind it; see `_apart`.
    _providers(backfill, action="append")
    _json(backfill)
    replay = add("replay", "One month again from the answers that are kept of it: no provider is asked.")
    replay.add_argument("month", help="month like 2026-01, `last` or `current`")
    # The month may stand behind it; see `_apart`.
    _providers(replay, action="append")
    replay.add_argument("--account", help="only this account")
    replay.add_argument("--dry-run", action="store_true", help="print what would be written; write nothing")
    replay.add_argument(
        "--accept-lower", action="store_true", help="follow figures that take from a month that is over, without proof"
    )
    _json(replay)


def _add_showing(add: _Add) -> None:
    """Commands that show what is known of the figures."""
    status = add("status", "What Notion holds: month x provider, state, status, cost; or what is proven of it.")
    status.add_argument("--month", help="only this month: like 2026-01, `last` or `current`")
    status.add_argument(
        "--proof", action="store_true", help="days, pages, control totals, freshness, and what can't be proven and why"
    )
    _json(status)
    archive = add("archive", "Readings that are kept: month, source, when, cost, status, size; or take old ones away.")
    archive.add_argument("action", nargs="?", choices=["prune"], help="say which months are old, ask, take them away")
    archive.add_argument("--keep", help="with prune: how many months stay beside the running one, like 24m")
    archive.add_argument("--yes", action="store_true", help="with prune: take away without asking first")
    archive.add_argument("--month", help="only this month: like 2026-01, `last` or `current`")
    _providers(archive, action="extend", nargs="+")
    _json(archive)
    history = add("history", "Which figures changed from one kept reading to the next, when, and what moved most.")
    history.add_argument("--month", help="only this month: like 2026-01, `last` or `current`")
    history.add_argument("--project", help="only this project, workspace or API key, by its id at the provider")
    _providers(history, action="extend", nargs="+")
    _json(history)
    diff = add("diff", "Ask the providers again; what differs from Notion and from the last reading. Writes nothing.")
    diff.add_argument("month", help="month like 2026-01, `last` or `current`")
    # The month may stand behind it; see `_apart`.
    _providers(diff, action="append")
    diff.add_argument("--account", help="only this account")
    _json(diff)


def _providers(command: argparse.ArgumentParser, **how: Any) -> None:
    from usage.names import ProviderName  # noqa: PLC0415

    names = [name.value for name in ProviderName]
    command.add_argument(
        "--provider", default=[], type=str.lower, choices=names, help="only this provider; can be repeated", **how
    )


def _apart(arguments: Sequence[str]) -> list[str]:
    """`--provider openai anthropic` with an option for each, where months that follow must not be taken, too."""
    from usage.names import ProviderName  # noqa: PLC0415

    names, found = set(ProviderName), list[str]()
    listing = False
    for argument in arguments:
        is_name = argument.lower() in names
        if arguments[0] in ("backfill", "diff", "replay") and listing and is_name and found[-1] != "--provider":
            found.append("--provider")
        found.append(argument)
        listing = argument.startswith("--provider") or (listing and is_name)
    return found


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


def _run(arguments: Sequence[str]) -> int:
    parsed = parser().parse_args(_apart(arguments))
    # Each command is a module of its name, imported when it is called.
    run: Callable[[argparse.Namespace], int] = import_module(f"cli.commands.{parsed.command}").run
    return run(parsed)


def _fail(message: str, status: int, *, as_json: bool) -> int:
    from notion.text import one_line  # noqa: PLC0415

    # It may quote an argument or the name of a column: other people's text.
    lines = [one_line(line, 2000) for line in message.splitlines()]
    if as_json:
        print(json.dumps({"error": "\n".join(lines)}, ensure_ascii=False))
    else:
        print("llm-usage:", "\n".join(lines), file=sys.stderr)
    return status


def _stranger() -> str | None:
    """Where a package is that bears one of our common names and isn't ours."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in ("archive", "flows", "notion", "providers", "sandbox", "tasks", "usage"):
        path = import_module(name).__file__ or ""
        if os.path.dirname(os.path.dirname(os.path.abspath(path))) != ours:
            return path or name
    return None


if __name__ == "__main__":
    entry()
