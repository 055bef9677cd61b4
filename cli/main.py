"""The command line: arguments, exit statuses, and one message for each thing that can go wrong.

Exit status: 0 all that can be had was collected; 1 a rerun or a better key would bring more, or Notion could not be
written; 2 wrong arguments or settings, nothing done; 130 and 143 after Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from usage.errors import LlmUsageError, NotionAccessError, SettingsError
from usage.names import ProviderName

INCOMPLETE: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143

_COMMANDS: Final = {
    "demo": "cli.demo",
    "setup": "cli.setup",
    "check": "cli.check",
    "collect": "cli.collect",
    "backfill": "cli.backfill",
    "status": "cli.status",
}
"""Module of each command; it is imported when it is called, and has `run(arguments) -> int`."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing, so that `--json` can answer in JSON."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see `{self.prog} --help`)")


def entry() -> NoReturn:
    """What the `llm-usage` script calls."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    _check_packages()
    as_json = "--json" in arguments
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(arguments)
    except SettingsError as error:
        return _fail(str(error), REFUSED, as_json=as_json)
    except NotionAccessError as error:
        return _fail(str(error), REFUSED, as_json=as_json)
    except LlmUsageError as error:
        return _fail(str(error), INCOMPLETE, as_json=as_json)
    except KeyboardInterrupt:
        print("Stopped. What is written stays; the next collection completes it.", file=sys.stderr)
        _leave(INTERRUPTED)
    except SystemExit as end:
        if end.code == TERMINATED:
            _leave(TERMINATED)
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    root = _Parser(prog="llm-usage", description="What every project used and cost each month, in Notion.")
    commands = root.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="command")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    demo = add("demo", "The whole job against a sandbox on this machine: no key, no network.")
    demo.add_argument("--month", default="last", help="month like 2026-01, `last` (default) or `current`")
    setup = add("setup", "Create or check the two Notion databases; can be repeated.")
    _json(setup)
    add("check", "Try each key, each scope, Notion's access and schema, and say what to do.")
    collect = add("collect", "Collect one month into Notion.")
    collect.add_argument("--month", default="last", help="month like 2026-01, `last` (default) or `current`")
    _sources(collect)
    collect.add_argument("--account", help="only this account")
    collect.add_argument("--dry-run", action="store_true", help="print what would be written; write nothing")
    _json(collect)
    backfill = add("backfill", "Collect each month of a range, both ends included.")
    backfill.add_argument("first", help="first month, like 2025-01")
    backfill.add_argument("last", help="last month, like 2025-12")
    _sources(backfill)
    _json(backfill)
    status = add("status", "What Notion holds: month x provider, status, cost, last collection.")
    status.add_argument("--month", help="only this month: like 2026-01, `last` or `current`")
    _json(status)
    return root


def _sources(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--provider",
        action="append",
        default=[],
        choices=[name.value for name in ProviderName],
        help="only this provider; can be repeated",
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


def _run(arguments: Sequence[str]) -> int:
    parsed = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = import_module(_COMMANDS[parsed.command]).run
    return run(parsed)


def _fail(message: str, status: int, *, as_json: bool) -> int:
    if as_json and status == REFUSED:
        print(json.dumps({"error": message}, ensure_ascii=False))
    else:
        print(f"llm-usage: {message}", file=sys.stderr)
    return status


def _terminate(_signum: int, _frame: Any) -> NoReturn:
    sys.exit(TERMINATED)


def _leave(status: int) -> NoReturn:
    """End at once. Fetching threads may be waiting for a provider; nothing they do is needed any more, and what they
    have read is not lost: it is read again."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _check_packages() -> None:
    """Refuse to run with a stranger's package under one of our common names."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in ("flows", "notion", "providers", "sandbox", "tasks", "usage"):
        path = import_module(name).__file__ or ""
        if os.path.dirname(os.path.dirname(os.path.abspath(path))) != ours:
            raise SystemExit(
                f"llm-usage: another package called `{name}` is in the way ({path}); use an own environment"
            )


if __name__ == "__main__":
    entry()
