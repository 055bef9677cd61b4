"""Prefect's settings, as far as a command has to know them before Prefect is imported, which takes a second."""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.settings.files import file_values

if TYPE_CHECKING:
    from prefect.settings import Settings

# A person who runs a command looks at the command's own lines: Prefect's go to its server, not to the terminal.
DEFAULTS: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # A server says so while its database is being restarted; prefect.toml has the same for workers.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500,504",
    "DO_NOT_TRACK": "1",
}

_NAMES_A_SERVER: Final = re.compile(r"PREFECT_API_URL|^\s*\[(tool\.prefect\.)?api\]|^\s*api\.url", re.MULTILINE)


def prefect_settings() -> dict[str, str]:
    """The environment and `.env`, as Prefect will read them.

    Raises:
        SettingsError: `.env` can't be read.
    """
    values = file_values() | os.environ
    return {name: value for name, value in values.items() if value}


def prefect_home(settings: Mapping[str, str] | None = None) -> Path:
    """The folder of Prefect's database and results.

    Raises:
        SettingsError: It is not named, and this user has no home folder that it could lie in.
    """
    settings = prefect_settings() if settings is None else settings
    try:
        return Path(settings.get("PREFECT_HOME", "~/.prefect")).expanduser().absolute()
    except RuntimeError:
        raise SettingsError(
            say("PREFECT_HOME: this user has no home folder; name a folder for Prefect's files")
        ) from None


def is_configured(settings: Mapping[str, str], home: Path) -> bool:
    """Whether Prefect would use a server already: by the environment, `.env`, `prefect.toml` or the active profile.

    Looks at the text of the files first: Prefect's own answer costs a second of importing.

    Raises:
        SettingsError: One of the files, or a setting in it, can't be used.
    """
    texts = list(_files(settings, home))
    if settings.get("PREFECT_API_URL"):
        return True
    if not any(map(_NAMES_A_SERVER.search, texts)):
        return False
    return import_prefect().api.url is not None


def import_prefect() -> Settings:
    """Import Prefect; returns its settings.

    Raises:
        SettingsError: A setting of Prefect's can't be used. Its value is not shown.
    """
    # Prefect tells of a broken setting by itself, value included, and goes on importing.
    told, terminal = io.StringIO(), sys.stderr
    try:
        with redirect_stderr(told):
            from prefect.settings import get_current_settings  # noqa: PLC0415

            settings = get_current_settings()
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise SettingsError(
            say(
                "Prefect can't use its settings ({setting}): look into the environment, .env, prefect.toml, "
                "pyproject.toml and {profiles}",
                setting=_name_setting(error),
                profiles=_profiles(prefect_settings(), prefect_home()),
            )
        ) from None
    terminal.write(told.getvalue())
    return settings


def settings_of_results() -> list[str]:
    """Settings that somebody has changed of how results are stored: what they name is only looked for in a run."""
    results = import_prefect().results
    fields = type(results).model_fields
    looked_for = ("default_serializer", "default_storage_block")
    return [f"PREFECT_RESULTS_{name.upper()}" for name in looked_for if getattr(results, name) != fields[name].default]


def _name_setting(error: Exception) -> str:
    """The variable that a setting has, and what is wrong with it."""
    if not isinstance(error, ValidationError):
        # `pydantic-settings` names the field and where it was read, and no value.
        field = re.search(r'field "(\w+)"', str(error))
        return field[1] if field else type(error).__name__
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field_name = str(first["loc"][0])
    name = field_name if field_name.startswith("prefect_") else f"{_prefix(error.title)}{field_name}"
    return f"{name.upper()}: {first['msg']}"


def _prefix(model: str) -> str:
    from prefect.settings.base import PrefectBaseSettings  # noqa: PLC0415

    def kinds(kind: type[PrefectBaseSettings]) -> Iterator[type[PrefectBaseSettings]]:
        for one in kind.__subclasses__():
            yield one
            yield from kinds(one)

    return next(
        (str(one.model_config["env_prefix"]) for one in kinds(PrefectBaseSettings) if one.__name__ == model), ""
    )


def _profiles(settings: Mapping[str, str], home: Path) -> Path:
    return Path(settings.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))


def _files(settings: Mapping[str, str], home: Path) -> Iterator[str]:
    """The text of each file that Prefect reads settings from.

    Raises:
        SettingsError: One can't be read, or is not TOML.
    """
    for path in (Path("prefect.toml"), Path("pyproject.toml"), _profiles(settings, home)):
        try:
            text = path.read_text(encoding="utf-8")
            tomllib.loads(text)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise SettingsError(
                say(
                    "{path}: Prefect can't read its settings there ({where}); mend the file",
                    path=path,
                    where=_say_where(error),
                )
            ) from None
        yield text


def _say_where(error: OSError | ValueError) -> Sentence | str:
    if isinstance(error, OSError):
        return str(reason_of(error))
    # Only where it is: what stands there may be a password.
    place = re.search(r"\(at [^)]*\)", str(error))
    return say("it is not TOML {place}", place=place[0][1:-1]) if place else say("it is not TOML")
