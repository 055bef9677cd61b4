"""The files that settings are read from, beside the environment."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from usage.errors import SettingsError
from usage.language.choice import LANGUAGE
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import Sentence

NAMED: Final = "LLM_USAGE_ENV_FILE"
"""Variable that names a file in place of those that are looked for."""
HERE: Final = Path(".env")


def setting_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that count, the one that wins first: a named one alone, or `.env` of the current folder and the user's.

    Args:
        environment: The variables that are set.

    Raises:
        SettingsError: The named file is not there, or a folder.
    """
    named = environment.get(NAMED, "").strip()
    if named:
        file = Path(named).expanduser()
        _require_no_folder(file)
        if not is_file(file):
            raise SettingsError(say("{variable} (or --env-file): {file} is not there", variable=NAMED, file=named))
        return (file,)
    home = of_the_user(environment)
    return (HERE,) if home is None else (HERE, home)


def of_the_user(environment: Mapping[str, str]) -> Path | None:
    """`~/.config/llm-usage/env`, or where `XDG_CONFIG_HOME` says; None for a user without a home folder."""
    folder = environment.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    try:
        return Path(folder).expanduser() / "llm-usage" / "env"
    except RuntimeError:
        return None


def places(environment: Mapping[str, str]) -> tuple[Sentence, ...]:
    """Where settings come from, for people: the environment, and whole paths of the files that are there.

    Raises:
        SettingsError: The named file is not there.
    """
    there = [Sentence.of(str(file.absolute())) for file in setting_files(environment) if is_file(file)]
    return (say("the environment"), *there)


def looked_for() -> str:
    """Whole paths of the files that this process looks for settings in, whether they are there or not.

    Raises:
        SettingsError: The named file is not there.
    """
    return ", ".join(str(file.absolute()) for file in setting_files(os.environ))


def is_file(path: Path) -> bool:
    """Whether a file is there, as far as one may look."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_files(files: tuple[Path, ...]) -> dict[str, tuple[str, str]]:
    """Variables that files set, each with its value and the file it comes from; the first file that has one wins.

    Raises:
        SettingsError: A file can't be read.
    """
    found: dict[str, tuple[str, str]] = {}
    for file in files:
        for name, value in read_dotenv(file).items():
            if value.strip():
                found.setdefault(name, (value.strip(), str(file)))
    return found


def file_values(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that the files that count set.

    Raises:
        SettingsError: A file can't be read, or the named one is not there.
    """
    files = setting_files(os.environ if environment is None else environment)
    return {name: value for name, (value, _) in read_files(files).items()}


def learn_language(environment: MutableMapping[str, str], named: str | None = None) -> None:
    """Have the language that a file of settings names count as if the environment named it.

    Sentences tell themselves in the language of the environment. A file that can't be read is refused where the
    settings themselves are wanted.

    Args:
        environment: The variables that are set; this one is added.
        named: A file of settings in place of those that count.
    """
    if environment.get(LANGUAGE):
        return
    with suppress(SettingsError):
        language = file_values({**environment, NAMED: named} if named else environment).get(LANGUAGE)
        if language:
            environment[LANGUAGE] = language


def read_dotenv(path: Path) -> dict[str, str]:
    """What a `.env` file sets; nothing where there is none.

    Raises:
        SettingsError: It can't be read, is a folder, or has a line that sets nothing.
    """
    _require_no_folder(path)
    try:
        # In a folder that can't be entered, even the question whether it is there is an error. With or without the mark
        # that Windows editors put first.
        text = path.read_text("utf-8-sig") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        # Not the error itself: it may hold the whole file.
        reason = reason_of(error) if isinstance(error, OSError) else say("not a text file in UTF-8")
        raise SettingsError(say("{path}: can't be read ({reason})", path=path, reason=reason)) from None
    _require_every_line(path, text)
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def _require_every_line(path: Path, text: str) -> None:
    """What is left out of a file of settings may be the key that is missed later.

    Raises:
        SettingsError: A line can't be understood.
    """
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # A line that is not understood takes the empty lines before it along.
            before = binding.original.string[: -len(binding.original.string.lstrip("\r\n"))]
            line = binding.original.line + before.count("\n")
            # Not the line itself: it may hold a key.
            raise SettingsError(
                say(
                    "{path}, line {line}: this is no setting; write NAME=value, each quotation mark with its second "
                    "one, or # before a remark",
                    path=path,
                    line=str(line),
                )
            )


def _require_no_folder(path: Path) -> None:
    """A folder holds no settings: a container's engine makes one where a file that it is to bring in is not there.

    Raises:
        SettingsError: It is one.
    """
    if os.path.isdir(path):
        raise SettingsError(
            say(
                "{path}: settings are read from a file, and this is a folder; take it away, or name a file with "
                "--env-file",
                path=path,
            )
        )
