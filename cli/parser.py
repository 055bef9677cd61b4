"""What can be typed: commands, their options, and the module of each command.

It is read before anything else: no import here takes time.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn, Protocol

from usage.language.marks import to_say
from usage.language.reader import phrase

_ROOMS: Final = {
    "evidence": ("archive", "diff", "history", "replay"),
    "reporting": ("digest", "export", "reconcile", "report"),
}
"""Commands that lie together, by the room of `cli/commands` they lie in; the others lie in it themselves."""


BEGINNINGS: Final = {
    "archive": to_say("Reading the archive"),
    "backfill": to_say("Asking Notion and the providers"),
    "check": to_say("Trying the keys and Notion"),
    "collect": to_say("Asking Notion and the providers"),
    "demo": to_say("Starting the sandbox"),
    "deploy": to_say("Asking the Prefect server"),
    "diff": to_say("Asking the providers and Notion"),
    "digest": to_say("Reading what was collected"),
    "export": to_say("Reading what was collected"),
    "heal": to_say("Reading Notion"),
    "history": to_say("Reading the archive"),
    "reconcile": to_say("Reading what was collected"),
    "replay": to_say("Reading the archive and Notion"),
    "report": to_say("Reading what was collected"),
    "setup": to_say("Asking Notion"),
    "status": to_say("Asking Notion"),
}
"""What a command says first."""


class _Add(Protocol):
    """Adds a command: its name, what it does, and examples of it without the program's name."""

    def __call__(self, name: str, text: str, *examples: str) -> argparse.ArgumentParser: ...


_ONE_MONTH: Final = to_say("month in UTC: like 2026-01, `last` (the last closed one) or `current`")
_MONTHS: Final = to_say("only these months: like 2026-01, 2026-01..2026-06, `last`, `current` or last-3")
_ALL_THERE: Final = to_say("all that can be had was collected")
_RERUN: Final = to_say(
    "a rerun or a better key would bring more, or Notion could not be written; what succeeded is kept"
)
_ENDINGS: Final = {
    "archive": (
        to_say("the archive was read, or cleared"),
        to_say("it could not be read or written, or nobody said yes to what is to be taken away"),
    ),
    "backfill": (_ALL_THERE, _RERUN),
    "check": (to_say("everything that the job needs works"), to_say("something has to be put right first")),
    "collect": (_ALL_THERE, _RERUN),
    "diff": (
        to_say("nothing differs"),
        to_say("something differs, or could not be read or compared"),
    ),
    "digest": (to_say("it was printed or sent"), to_say("an address could not be reached, or Notion not read")),
    "heal": (
        to_say("nothing is left to bring in order"),
        to_say("something is left that only you can decide, has changed meanwhile, or was declined"),
    ),
    "replay": (_ALL_THERE, _RERUN),
}
"""What 0 and 1 mean after a command, where they mean more than in `_OTHERWISE`."""
_OTHERWISE: Final = (to_say("it was done"), to_say("it could not be done, or not all of it; run it again"))
_REFUSED: Final = (2, to_say("wrong arguments or settings; nothing was done"))
_STOPPED: Final = (130, to_say("stopped by Ctrl-C; 143: by SIGTERM"))


class Refused(Exception):
    """Arguments that can't be used."""


_PYTHON_SAYS: Final = (
    (r"the following arguments are required: (?P<names>.*)", to_say("this is missing: {names}")),
    (r"expected (one|1|at least one) argument", to_say("a value is missing behind it")),
    (r"invalid choice: (?P<value>.*) \(choose from (?P<choices>.*)\)", to_say("{value} is none of {choices}")),
    (r"invalid int value: (?P<value>.*)", to_say("{value} is not a whole number")),
    (r"ignored explicit argument (?P<value>.*)", to_say("it takes no value, and got {value}")),
)
"""How Python's parser refuses arguments, and what we say in its place."""


def _told(message: str) -> str:
    """What Python's parser says, as a sentence of the catalogue; one that is not known here stays as it is."""
    about = re.fullmatch(r"argument (?P<name>[^:]+): (?P<message>.*)", message, re.DOTALL)
    if about is not None:
        return phrase("{name}: {message}", name=about["name"], message=_told(about["message"]))
    for pattern, sentence in _PYTHON_SAYS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found is not None:
            return phrase(sentence, **found.groupdict())
    return message


class _Help(argparse.HelpFormatter):
    """Begins with `usage` in the reader's language; what stands in lines of its own stays so, wrapped at words."""

    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, phrase("usage: ") if prefix is None else prefix)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import wrap  # noqa: PLC0415

        filled = list[str]()
        for line in text.splitlines():
            # An example is one line, to be copied; what goes on below a number stands beside it.
            beside = re.match(r" *(\d+  )?", line)
            hanging = " " * (beside.end() if beside is not None else 0)
            is_example = line.startswith("  llm-usage ")
            filled += [line] if is_example or not line else wrap(line, width, subsequent_indent=hanging)
        return "\n".join(indent + line for line in filled)


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing, so that `--json` can answer in JSON; what Python itself says is in our words."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how, add_help=False, formatter_class=_Help)
        self._positionals.title, self._optionals.title = phrase("arguments"), phrase("options")
        self.add_argument("-h", "--help", action="help", help=phrase("show this help and exit"))

    def error(self, message: str) -> NoReturn:
        raise Refused(phrase("{message} (see `{command}`)", message=_told(message), command=f"{self.prog} --help"))

    def _print_message(self, message: str, file: Any = None) -> None:
        # `argparse` says nothing of a disk that is full.
        print(message, end="", file=file)


def _statuses(ended: Sequence[str]) -> str:
    """What each exit status means; the first two as told."""
    lines = (*enumerate(ended), _REFUSED, _STOPPED)
    return "\n".join((phrase("exit status:"), *(f"{number:>5}  {phrase(meaning)}" for number, meaning in lines)))


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415

        print(f"llm-usage {version('llm-usage')}")
        parser.exit()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the arguments say.

    Raises:
        Refused: They can't be used.
        SystemExit: After `--help` and `--version`.
    """
    root = parser()
    _require_command(root, arguments)
    parsed, strangers = root.parse_known_args(_apart(arguments))
    if strangers:
        raise Refused(_unknown(commands_of(root)[parsed.command], strangers))
    if hasattr(parsed, "provider"):
        # Lists with commas, names one after the other, and the option repeated: any of them.
        parsed.provider = list(dict.fromkeys(name for names in parsed.provider for name in names))
    return parsed


def _unknown(command: argparse.ArgumentParser, strangers: Sequence[str]) -> str:
    """What to do about arguments that a command does not know: the option that was probably meant, or its help."""
    words, help_ = " ".join(strangers), f"{command.prog} --help"
    option = strangers[0].partition("=")[0]
    known = [name for action in command._actions for name in action.option_strings if name.startswith("--")]
    close = _closest(option, known) if option.startswith("--") else ""
    if not close:
        return phrase("{command} does not know {words} (see `{help}`)", command=command.prog, words=words, help=help_)
    return phrase(
        "{command} does not know {words}: did you mean {close}? (see `{help}`)",
        command=command.prog,
        words=words,
        close=close,
        help=help_,
    )


def named_file(arguments: Sequence[str]) -> str | None:
    """The file of settings that arguments name, which need not be right otherwise."""
    for number, argument in enumerate(arguments):
        if argument == "--env-file":
            return next(iter(arguments[number + 1 :]), None)
        if argument.startswith("--env-file="):
            return argument.partition("=")[2] or None
    return None


def _require_command(root: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Say which command was probably meant.

    Raises:
        Refused: The first word is no command, nor an option that needs none.
    """
    word = arguments[0] if arguments else ""
    known = commands_of(root)
    if not word or word in known or word in root._option_string_actions:
        return
    if word.startswith("-"):
        example = phrase("COMMAND")
        raise Refused(
            phrase(
                "{word}: options stand behind the command, like `llm-usage {example} {word}` (see `{help}`)",
                word=word,
                example=example,
                help=f"{root.prog} --help",
            )
        )
    close, help_ = _closest(word, known), f"{root.prog} --help"
    if not close:
        raise Refused(phrase("there is no command {word} (see `{command}`)", word=repr(word), command=help_))
    raise Refused(
        phrase(
            "there is no command {word}: did you mean {close}? (see `{command}`)",
            word=repr(word),
            close=close,
            command=help_,
        )
    )


def commands_of(root: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of all commands, by name."""
    (action,) = (one for one in root._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


def _closest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415

    return next(iter(get_close_matches(word.lower(), list(known), 1, 0.6)), "")


def module_of(command: str) -> str:
    """The module of a command; it is imported when the command is called."""
    room = next((f"{room}." for room, commands in _ROOMS.items() if command in commands), "")
    return f"cli.commands.{room}{command}"


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    more = phrase("`llm-usage COMMAND --help` tells more, with examples.")
    root = _Parser(
        prog="llm-usage",
        description=phrase("What every project used and cost each month, in Notion."),
        epilog=f"{more}\n\n{_statuses((_ALL_THERE, _RERUN))}",
        allow_abbrev=False,
    )
    root.add_argument("--version", action=_Version, nargs=0, help=phrase("print the version"))
    commands = root.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar=phrase("COMMAND"))

    def add(name: str, text: str, *examples: str) -> argparse.ArgumentParser:
        lines = "".join(f"\n  llm-usage {example}" for example in examples)
        shown = f"\n\n{phrase('examples:')}{lines}" if examples else ""
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_statuses(_ENDINGS.get(name, _OTHERWISE)) + shown,
            allow_abbrev=False,
        )
        command.add_argument("--env-file", metavar="FILE", help=phrase("settings from this file, in place of .env"))
        return command

    _add_beginning(add)
    _add_collecting(add)
    _add_showing(add)
    _add_reporting(add)
    _add_figures(add)
    return root


def _add_beginning(add: _Add) -> None:
    """Commands that set something up, or bring it in order."""
    demo = add("demo", phrase("The whole job against a sandbox on this machine: no key, no network."))
    demo.add_argument("--month", default="last", help=phrase(_ONE_MONTH))
    demo.add_argument(
        "--awkward", action="store_true", help=phrase("names and habits that are awkward, as some real ones are")
    )
    setup = add(
        "setup", phrase("Create or check the two Notion databases; can be repeated."), "setup", "setup --write-env"
    )
    setup.add_argument("--dry-run", action="store_true", help=phrase("print what would be added; write nothing"))
    setup.add_argument("--write-env", action="store_true", help=phrase("write the two ids into the file of settings"))
    _json(setup)
    check = add("check", phrase("Try each key, each scope, Notion's access and schema, and say what to do."))
    check.add_argument(
        "--verbose", action="store_true", help=phrase("each thing that was looked at, not one line a source")
    )
    _json(check)
    heal = add("heal", phrase("Bring rows of older collectors in order: doubles, names in place of ids, error rows."))
    heal.add_argument("--month", help=phrase(_ONE_MONTH))
    heal.add_argument("--dry-run", action="store_true", help=phrase("print what would be done; write nothing"))
    heal.add_argument("--yes", action="store_true", help=phrase("write without asking first"))
    _json(heal)
    deploy = add("deploy", phrase("Take schedules, limits and alerts to a Prefect server; can be repeated."))
    deploy.add_argument(
        "--alert-url-file", help=phrase("file with a webhook's address that alerts go to (Slack or any other)")
    )
    deploy.add_argument(
        "--write-files",
        action="store_true",
        help=phrase("write prefect.yaml and its like into this folder, to be changed"),
    )
    _json(deploy)
    completion = add("completion", phrase("Print what makes a shell complete commands and options."), "completion bash")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help=phrase("which shell"))


def _add_collecting(add: _Add) -> None:
    """Commands that bring figures to Notion."""
    collect = add(
        "collect",
        phrase("Collect one month into Notion."),
        "collect",
        "collect --month 2026-01 --provider openai,deepgram",
        "collect --month current --dry-run",
    )
    collect.add_argument("--month", default="last", help=phrase(_ONE_MONTH))
    _providers(collect, action="extend", nargs="+")
    collect.add_argument("--account", help=phrase("only this account"))
    _writing(collect)
    collect.add_argument(
        "--scheduled",
        action="store_true",
        help=phrase("leave a month alone that is closed, as scheduled runs do; for cron"),
    )
    _json(collect)
    backfill = add(
        "backfill",
        phrase("Collect each month of a range, both ends included."),
        "backfill 2025-01 2025-12",
        "backfill last-6",
    )
    backfill.add_argument(
        "first", help=phrase("first month, like 2025-01; or a range, like 2025-01..2025-12 or last-6")
    )
    backfill.add_argument("last", nargs="?", help=phrase("last month, like 2025-12"))
    # The months may stand behind it; see `_apart`.
    _providers(backfill, action="append")
    _json(backfill)
    replay = add("replay", phrase("One month again from the answers that are kept of it: no provider is asked."))
    replay.add_argument("month", help=phrase(_ONE_MONTH))
    # The month may stand behind it; see `_apart`.
    _providers(replay, action="append")
    replay.add_argument("--account", help=phrase("only this account"))
    _writing(replay)
    _json(replay)


def _add_showing(add: _Add) -> None:
    """Commands that show what is known of the figures."""
    status = add("status", phrase("What Notion holds: month x provider, state, status, cost; or what is proven of it."))
    status.add_argument("--month", help=phrase(_MONTHS))
    status.add_argument(
        "--proof",
        action="store_true",
        help=phrase("days, pages, control totals, freshness, and what can't be proven and why"),
    )
    _json(status)
    archive = add(
        "archive", phrase("Readings that are kept: month, source, when, cost, status, size; or take old ones away.")
    )
    archive.add_argument(
        "action", nargs="?", choices=["prune"], help=phrase("say which months are old, ask, take them away")
    )
    archive.add_argument("--keep", help=phrase("with prune: how many months stay beside the running one, like 24m"))
    archive.add_argument("--yes", action="store_true", help=phrase("with prune: take away without asking first"))
    archive.add_argument("--month", help=phrase(_MONTHS))
    _providers(archive, action="extend", nargs="+")
    _json(archive)
    history = add(
        "history", phrase("Which figures changed from one kept reading to the next, when, and what moved most.")
    )
    history.add_argument("--month", help=phrase(_MONTHS))
    history.add_argument("--project", help=phrase("only this project, workspace or API key, by its id at the provider"))
    _providers(history, action="extend", nargs="+")
    _json(history)
    diff = add(
        "diff", phrase("Ask the providers again; what differs from Notion and from the last reading. Writes nothing.")
    )
    diff.add_argument("month", help=phrase(_ONE_MONTH))
    # The month may stand behind it; see `_apart`.
    _providers(diff, action="append")
    diff.add_argument("--account", help=phrase("only this account"))
    _json(diff)


def _add_reporting(add: _Add) -> None:
    """Commands that say what the figures mean."""
    report = add(
        "report",
        phrase("One month as a page: a file that a browser shows, or a page in Notion."),
        "report --month last -o january.html",
        "report --by Client --lang fr",
    )
    report.add_argument("--month", default="last", help=phrase(_ONE_MONTH))
    report.add_argument(
        "--months", type=int, default=12, help=phrase("months that are shown side by side (default 12)")
    )
    _telling(report, phrase("a column of yours in Usages; can be repeated"))
    report.add_argument("-o", "--output", metavar="FILE", help=phrase("where to write it; - is standard output"))
    report.add_argument(
        "--notion", action="store_true", help=phrase("as a page under the parent page in Notion, not a file")
    )
    _json(report)
    digest = add(
        "digest",
        phrase("A month in ten lines: total, change, budget, surprises, what is missing. Prints or sends it."),
        "digest --month current --by Client",
        "digest --send",
    )
    digest.add_argument("--month", default="last", help=phrase(_ONE_MONTH))
    _telling(digest, phrase("a column of yours in Usages; up to three times"))
    digest.add_argument(
        "--send", action="store_true", help=phrase("send it to LLM_USAGE_NOTIFY_FILE, once for each state")
    )
    digest.add_argument("--again", action="store_true", help=phrase("with --send: also to those who had it"))
    digest.add_argument("--markdown", action="store_true", help=phrase("print Markdown"))
    _json(digest)


def _add_figures(add: _Add) -> None:
    """Commands that hand the figures on, or hold them against others."""
    reconcile = add(
        "reconcile", phrase("A month's bill beside its tokens at public prices: an estimate; needs the extra `prices`.")
    )
    reconcile.add_argument("--month", default="last", help=phrase(_ONE_MONTH))
    _providers(reconcile, action="extend", nargs="+")
    _json(reconcile)
    export = add(
        "export",
        phrase("Months as files: csv, parquet, xlsx of our own records, or FinOps FOCUS 1.2."),
        "export xlsx --month 2026-01..2026-03",
        "export focus --month last -o focus.csv",
    )
    export.add_argument(
        "format", choices=["csv", "parquet", "xlsx", "focus"], help=phrase("focus: as CSV and as Parquet")
    )
    export.add_argument("--month", default="last", help=phrase(_MONTHS))
    export.add_argument("--grain", choices=["day", "month"], help=phrase("what a line stands for (default: day)"))
    export.add_argument(
        "-o", "--output", metavar="FILE", help=phrase("folder or file (default: here); `-`: csv to the screen")
    )
    _json(export)


def _providers(command: argparse.ArgumentParser, **how: Any) -> None:
    text = phrase("only this provider; several with commas, one after the other, or by repeating the option")
    command.add_argument("--provider", default=[], type=_provider_names, metavar="NAME", help=text, **how)


def _provider_names(text: str) -> list[str]:
    """The names in `openai,deepgram`."""
    from usage.language.reader import phrase  # noqa: PLC0415
    from usage.names import ProviderName  # noqa: PLC0415

    names, found = [name.value for name in ProviderName], []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in names:
            close = _closest(word, names)
            known = ", ".join(names)
            raise argparse.ArgumentTypeError(
                phrase("no provider is called {word}: did you mean {close}?", word=repr(word), close=close)
                if close
                else phrase("no provider is called {word}: there are {known}", word=repr(word), known=known)
            )
        found.append(word)
    return found


def _apart(arguments: Sequence[str]) -> list[str]:
    """`--provider openai anthropic` with an option for each, where months that follow must not be taken, too."""
    if not any(argument.startswith("--provider") for argument in arguments):
        # The names take a tenth of a second to import.
        return list(arguments)
    from usage.names import ProviderName  # noqa: PLC0415

    names, found = set(ProviderName), list[str]()
    listing = False
    for argument in arguments:
        parts = [part.strip().lower() for part in argument.split(",") if part.strip()]
        is_name = bool(parts) and names.issuperset(parts)
        if arguments[0] in ("backfill", "diff", "replay") and listing and is_name and found[-1] != "--provider":
            found.append("--provider")
        found.append(argument)
        listing = argument.startswith("--provider") or (listing and is_name)
    return found


def _writing(command: argparse.ArgumentParser) -> None:
    """What commands have that write a month's rows."""
    command.add_argument("--dry-run", action="store_true", help=phrase("print what would be written; write nothing"))
    command.add_argument(
        "--accept-lower",
        action="store_true",
        help=phrase("follow figures that take from a month that is over, without proof"),
    )


def _telling(command: argparse.ArgumentParser, by: str) -> None:
    """What commands have that tell a month in words.

    Args:
        command: Which one.
        by: What there is to say of `--by`.
    """
    command.add_argument("--by", action="append", default=[], metavar="COLUMN", help=by)
    command.add_argument("--lang", choices=["fr", "en"], help=phrase("in place of LLM_USAGE_LANG"))


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help=phrase("print one JSON object on standard output, nothing else")
    )
