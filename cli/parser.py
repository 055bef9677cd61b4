"""What can be typed: commands, their options, and the module of each command.

It is read before anything else: no import here takes time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

_ROOMS: Final = {
    "evidence": ("archive", "diff", "history", "replay"),
    "reporting": ("digest", "export", "reconcile", "report"),
}
"""Commands that lie together, by the room of `cli/commands` they lie in; the others lie in it themselves."""

_Add = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command: its name, and what it does."""


class Refused(Exception):
    """Arguments that can't be used."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing, so that `--json` can answer in JSON."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message} (see `{self.prog} --help`)")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the arguments say.

    Raises:
        Refused: They can't be used.
    """
    return parser().parse_args(_apart(arguments))


def module_of(command: str) -> str:
    """The module of a command; it is imported when the command is called."""
    room = next((f"{room}." for room, commands in _ROOMS.items() if command in commands), "")
    return f"cli.commands.{room}{command}"


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
    _add_reporting(add)
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


def _add_reporting(add: _Add) -> None:
    """Commands that tell people what a month says."""
    report = add("report", "One month as a page: a file that a browser shows, or a page in Notion.")
    report.add_argument("--month", default="last", help="month like 2026-01, `last` (default) or `current`")
    report.add_argument("--months", type=int, default=12, help="months that are shown side by side (default 12)")
    report.add_argument(
        "--by", action="append", default=[], metavar="COLUMN", help="a column of yours in Usages; can be repeated"
    )
    report.add_argument("--lang", choices=["fr", "en"], help="in place of LLM_USAGE_LANG")
    report.add_argument("-o", "--output", metavar="FILE", help="where to write it; - is standard output")
    report.add_argument("--notion", action="store_true", help="as a page under the parent page in Notion, not a file")


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
