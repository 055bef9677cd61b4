"""The budgets that the settings name: a file, and variables that win over it."""

from __future__ import annotations

from pathlib import Path

from reports.planning.budgets import FILE_NAME, Budgets, budgets_of
from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.settings import Settings


def load_budgets(settings: Settings) -> Budgets:
    """Budgets from the file of `LLM_USAGE_BUDGETS_FILE`, else from `budgets.toml` here if it is there.

    Raises:
        SettingsError: The file can't be read or used: its path, the line, and what to write.
    """
    here = Path(FILE_NAME)
    path = settings.reports.budgets_file
    try:
        if path is None and here.is_file():
            path = here.absolute()
        # With or without the mark that Windows editors put first.
        text = "" if path is None else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("not a text file in UTF-8")
        raise SettingsError(say("{path}: can't be read ({reason})", path=path or here, reason=reason)) from None
    return budgets_of(settings.reports.budgets, text, str(path))
