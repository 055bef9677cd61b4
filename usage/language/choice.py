"""The two languages, and which one a person wants."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

LANGUAGE: Final = "LLM_USAGE_LANG"
"""Variable that names the language of whoever runs the program."""


class Language(StrEnum):
    """A language that people are spoken to in."""

    FR = "fr"
    EN = "en"


def of_the_reader(environment: Mapping[str, str]) -> Language:
    """The language of whoever runs the program: that of `LLM_USAGE_LANG` where it names one, else the locale's."""
    wanted = environment.get(LANGUAGE, "").lower()
    return Language(wanted) if wanted in set(Language) else of_the_locale(environment)


def of_the_locale(environment: Mapping[str, str]) -> Language:
    """The language of the locale, as POSIX orders its variables; English for any other than French."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return Language.FR if environment[name].lower().startswith("fr") else Language.EN
    return Language.EN
