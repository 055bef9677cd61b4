"""The command line: arguments, exit statuses, and one message for each thing that can go wrong.

Exit status: 0 all that can be had was collected; 1 a rerun or a better key would bring more, or Notion could not be
written; 2 wrong arguments or settings, nothing done; 130 and 143 after Ctrl-C and SIGTERM.

Little is imported before the signals are watched: whoever presses Ctrl-C at once gets a sentence, too.
"""

from __future__ import annotations

import argparse
import errno
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final, NoReturn

from cli.parser import BEGINNINGS, Refused, module_of, named_file, parse, parser
from cli.prefect_server.ending import exit_quietly, give_way, watch_signals
from cli.surroundings import open_missing_streams, require_current_folder, require_enough_files, take_every_letter
from usage.language.choice import LANGUAGE
from usage.language.reader import phrase
from usage.language.reasons import reason_of

INCOMPLETE: Final = 1
REFUSED: Final = 2

_UNWRITABLE: Final = (errno.ENOSPC, errno.EFBIG, errno.EIO)
"""How a full disk behind `> file` shows itself, and the like."""


def entry() -> NoReturn:
    """What the `llm-usage` script calls."""
    open_missing_streams()
    take_every_letter(as_json="--json" in sys.argv)
    watch_signals()
    try:
        _end_with(sys.argv[1:])
    finally:
        give_way()


def _end_with(arguments: Sequence[str]) -> NoReturn:
    """Run one command, and end with its exit status."""
    try:
        status = _flushed(arguments)
    except BrokenPipeError:
        exit_quietly(INCOMPLETE)
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        refusal = phrase("standard output can't be written ({reason})", reason=reason_of(error))
        print(f"llm-usage: {refusal}", file=sys.stderr)
        exit_quietly(INCOMPLETE)
    # At its end Python looks for garbage among all that was imported, which takes a third of a second.
    gc.freeze()
    sys.exit(status)


def _flushed(arguments: Sequence[str]) -> int:
    """Run one command, and have all that it printed written: what is left to Python's end fails without a word."""
    try:
        status = main(arguments)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status.

    Raises:
        SystemExit: After `--help` and `--version`.
    """
    as_json = "--json" in arguments
    stranger = _stranger()
    if stranger is not None:
        sentence = phrase("another package is in the way ({place}); use an own environment", place=stranger)
        return _fail(sentence, REFUSED, as_json=as_json)
    _learn_language(arguments)
    if not arguments:
        parser().print_help()
        return REFUSED
    from usage.errors import LlmUsageError, NotionAccessError, SettingsError  # noqa: PLC0415

    try:
        require_enough_files()
        require_current_folder()
        parsed = parse(arguments)
        if not as_json:
            _say_what_begins(parsed.command)
        from usage.machine.network import network  # noqa: PLC0415

        _read_settings_from(parsed.env_file)
        with network(_addresses):
            return _run(parsed)
    except (Refused, SettingsError, NotionAccessError) as error:
        return _fail(str(error), REFUSED, as_json=as_json)
    except LlmUsageError as error:
        return _fail(str(error), INCOMPLETE, as_json=as_json)


def _say_what_begins(command: str) -> None:
    """On a terminal, at once: what comes next is imported for a second or more."""
    if command in BEGINNINGS and sys.stderr.isatty():
        print(f"{phrase(BEGINNINGS[command])} …", file=sys.stderr, flush=True)


def _addresses() -> list[str]:
    """Addresses that a command may ask."""
    from cli.prefect_server.settings import prefect_settings  # noqa: PLC0415
    from usage.settings import BASE_URLS  # noqa: PLC0415

    values = prefect_settings()
    return [values[name] for name in (*BASE_URLS, "PREFECT_API_URL") if name in values]


def _learn_language(arguments: Sequence[str]) -> None:
    """Have the language that a file of settings names count at once: help and refusals are told in it, too."""
    if os.environ.get(LANGUAGE):
        return
    from usage.settings.files import learn_language  # noqa: PLC0415

    learn_language(os.environ, named_file(arguments))


def _read_settings_from(file: str | None) -> None:
    """Have a file of settings count for all that this process does and starts, Prefect's settings in it too."""
    from usage.settings.files import HERE, NAMED, file_values, setting_files  # noqa: PLC0415

    if file is not None and not file.strip():
        raise Refused(phrase("--env-file: name the file of settings"))
    if file is not None:
        os.environ[NAMED] = os.path.abspath(os.path.expanduser(file))
    values = file_values()
    if setting_files(os.environ) != (HERE,):
        # Prefect itself looks into `.env` of the current folder alone.
        for name, value in values.items():
            if name.startswith("PREFECT_"):
                os.environ.setdefault(name, value)


def _run(parsed: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = import_module(module_of(parsed.command)).run
    return run(parsed)


def _fail(message: str, status: int, *, as_json: bool) -> int:
    from notion.text import one_line  # noqa: PLC0415

    # It may quote an argument or the name of a column: other people's text.
    lines = [one_line(line, 2000) for line in message.splitlines()]
    if as_json:
        print(json.dumps({"error": "\n".join(lines)}, ensure_ascii=False))
    else:
        print("\n".join(_wrapped(f"llm-usage: {lines[0]}", *lines[1:])), file=sys.stderr)
    return status


def _wrapped(*lines: str) -> Iterator[str]:
    """Lines that a terminal need not break, which it would within words."""
    if not sys.stderr.isatty():
        yield from lines
        return
    from shutil import get_terminal_size  # noqa: PLC0415
    from textwrap import wrap  # noqa: PLC0415

    for line in lines:
        yield from wrap(line, get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)


def _stranger() -> str | None:
    """Where a package is that bears one of our common names and isn't ours."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in ("archive", "flows", "notion", "providers", "reports", "sandbox", "tasks", "usage"):
        path = _place(name)
        if os.path.dirname(os.path.dirname(os.path.abspath(path))) != ours:
            return path or name
    return None


def _place(name: str) -> str:
    """Where a package is; it is not imported for that, as some take long."""
    if name in sys.modules:
        return sys.modules[name].__file__ or ""
    found = find_spec(name)
    return (found.origin if found is not None else None) or ""


if __name__ == "__main__":
    entry()
