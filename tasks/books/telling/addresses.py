"""The file of addresses that digests and alerts go to. It holds passwords: it is read late and shown to nobody."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import Sentence

VARIABLE: Final = "LLM_USAGE_NOTIFY_FILE"
_LARGEST: Final = 100_000
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FRENCH: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_ENGLISH: Final = tuple(
    name.lower() for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
)
_WEEKLY: Final = re.compile(r"weekly\s*=\s*(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """One of Apprise's addresses."""

    url: SecretStr
    line: int
    """Of the file, by which messages name it."""

    @property
    def mark(self) -> str:
        """By which the same address is known again, and from which nobody can tell it: 32 bits of a hash."""
        return hashlib.sha256(b"llm-usage " + self.url.get_secret_value().encode()).hexdigest()[:8]

    @property
    def name(self) -> Sentence:
        """For messages."""
        return say("the address in line {line} of {variable}", line=self.line, variable=VARIABLE)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the file says."""

    all: tuple[Address, ...]
    weekly: int | None
    """Day of the week, Monday 0, from which the running month's digest is sent; None where nobody wants it."""


def read_addresses(path: Path) -> Addresses:
    """The addresses in a file: one a line; `#` begins a remark, and `weekly = monday` asks for a digest each week.

    Raises:
        SettingsError: It can't be read, others can read it, or a line is no address. No message shows a line.
    """
    text = _read(path)
    found: dict[str, Address] = {}
    weekly: int | None = None
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        wish = _WEEKLY.fullmatch(line)
        if wish:
            weekly = _weekday(wish[1].lower(), path, number)
        elif re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S.*", line):
            found.setdefault(line, Address(SecretStr(line), number))
        elif line and not line.startswith("#"):
            raise SettingsError(
                say(
                    "{variable}: {path}, line {number_}: neither an address of Apprise’s, like mailto://… or "
                    "slack://…, nor `weekly = monday`; put a # before remarks",
                    variable=VARIABLE,
                    path=path,
                    number_=number,
                )
            )
    if not found:
        raise SettingsError(
            say(
                "{variable}: {path} holds no address; write one a line, like mailto://… or slack://…",
                variable=VARIABLE,
                path=path,
            )
        )
    return Addresses(tuple(found.values()), weekly)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            # Windows keeps a user's files from others by itself, and tells no such mode.
            if os.name == "posix" and mode & _OTHERS:
                raise SettingsError(
                    say(
                        "{variable}: others on this machine can read or change {path}, which holds passwords: "
                        "chmod 600 {path}",
                        variable=VARIABLE,
                        path=path,
                    )
                )
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise SettingsError(
                say("{variable}: {path} is too large to be a list of addresses", variable=VARIABLE, path=path)
            )
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        # Not the error itself: it may hold the whole file.
        reason = reason_of(error) if isinstance(error, OSError) else say("not a text file in UTF-8")
        raise SettingsError(
            say("{variable}: {path} can't be read ({reason})", variable=VARIABLE, path=path, reason=reason)
        ) from None


def _weekday(name: str, path: Path, number: int) -> int:
    for names in (_ENGLISH, _FRENCH):
        if name in names:
            return names.index(name)
    raise SettingsError(
        say(
            "{variable}: {path}, line {number_}: weekly = … wants a day like monday or lundi",
            variable=VARIABLE,
            path=path,
            number_=number,
        )
    )
