"""`llm-usage report`: one month as a page."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import webbrowser
from contextlib import closing
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from cli.commands.reporting.paths import named, refusal, require_place
from cli.display import noting_warnings
from notion.client.gateway import Gateway
from reports.export.whole import whole_file
from usage.errors import LlmUsageError, SettingsError
from usage.language.choice import Language
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.words import Words
from usage.month import Month
from usage.settings import Settings, load_settings

_MOST_MONTHS: Final = 36
_STDOUT: Final = "-"


class Written(BaseModel):
    """The object that `--json` prints: which month, and where its page is; figures are `digest --json`'s."""

    month: str
    file: str | None = None
    """Its whole path."""
    notion: str | None = None
    """Address of the page in Notion."""


def run(arguments: argparse.Namespace) -> int:
    """Write the page and print where it is; always 0.

    Raises:
        SettingsError: A month that has not begun or was never collected, a column that nobody has filled, or a place
            that can't be written.
        NotionError: Notion can't be read.
        LlmUsageError: The page can't be written to its end.
    """
    settings = load_settings()
    if not 1 <= arguments.months <= _MOST_MONTHS:
        raise SettingsError(
            say(
                "--months {months}: from 1 to {most_months} months can be shown",
                months=str(arguments.months),
                most_months=_MOST_MONTHS,
            )
        )
    month = Month.resolve(arguments.month, settings.now())
    if arguments.notion:
        return _to_notion(settings, month, arguments)
    if arguments.output == _STDOUT and arguments.json:
        raise SettingsError(
            say("-o - writes the page to standard output, where --json has no room: take one of the two")
        )
    language = Language(arguments.lang) if arguments.lang else settings.reports.language
    file = None if arguments.output == _STDOUT else place(arguments.output, month)
    with noting_warnings():
        page = page_of(settings, month, Words(language), count=arguments.months, by=arguments.by)
    if file is None:
        sys.stdout.buffer.write(page.encode())
        return 0
    write(file, page)
    print(Written(month=str(month), file=str(file)).model_dump_json() if arguments.json else file)
    return 0


def _to_notion(settings: Settings, month: Month, arguments: argparse.Namespace) -> int:
    """Write the page under the parent page, or renew it there, and print its address."""
    if arguments.output is not None:
        raise SettingsError(say("--notion and -o: one page goes to one place; call the command twice"))
    parent = settings.notion.parent_page_id
    if parent is None:
        raise SettingsError(say("NOTION_PARENT_PAGE_ID is not set: the report is written under that page"))
    from tasks.books.monthly import monthly  # noqa: PLC0415  # matplotlib takes a second to load
    from tasks.books.notion_page import write_page  # noqa: PLC0415
    from tasks.books.rates import second_currency  # noqa: PLC0415

    words = Words(Language(arguments.lang) if arguments.lang else settings.reports.notion_language)
    with closing(Gateway(settings.notion)) as gateway, noting_warnings():
        report = monthly(settings, gateway, month, count=arguments.months, by=arguments.by)
        kept = write_page(gateway, parent, report, words, second_currency(settings, report, words))
    print(Written(month=str(month), notion=kept.url).model_dump_json() if arguments.json else kept.url)
    return 0


def page_of(settings: Settings, month: Month, words: Words, *, count: int = 12, by: list[str] | None = None) -> str:
    """The page of a month as HTML.

    Raises:
        SettingsError: The month was never collected, a column that nobody has filled, or a file of budgets or rates
            that can't be used.
        NotionError: Notion can't be read.
    """
    from reports.page.telling.html import as_html  # noqa: PLC0415  # matplotlib takes a second to load
    from reports.page.telling.teller import tell  # noqa: PLC0415
    from tasks.books.monthly import monthly  # noqa: PLC0415
    from tasks.books.rates import second_currency  # noqa: PLC0415

    with closing(Gateway(settings.notion)) as gateway:
        report = monthly(settings, gateway, month, count=count, by=by or ())
    return as_html(report, tell(report, words, second_currency(settings, report, words)), words)


def place(output: str | None, month: Month) -> Path:
    """Where the page goes: a file that was named, or one in this folder.

    Raises:
        SettingsError: It is a folder, its folder is not there, or nothing can be written there.
    """
    wanted = output or f"llm-usage-{month}.html"
    path = named(wanted).absolute()
    if path.is_dir():
        raise SettingsError(
            say(
                "-o {path}: that is a folder; name a file in it, like {file}",
                path=path,
                file=path / f"llm-usage-{month}.html",
            )
        )
    require_place(path)
    return path


def write(path: Path, page: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        LlmUsageError: The file can't be written.
    """
    try:
        with whole_file(path) as draft:
            draft.write_text(page, "utf-8")
    except OSError as error:
        raise LlmUsageError(refusal(path, error)) from error


def show_copy(settings: Settings, month: Month, count: int) -> Path:
    """Write the page where it stays after the program, and open it in a browser where somebody looks at a screen.

    Args:
        settings: All settings.
        month: Which month.
        count: How many months are shown side by side.

    Raises:
        SettingsError: The month was never collected, or there is no place for a file.
        NotionError: Notion can't be read.
        LlmUsageError: The page can't be written to its end.
    """
    page = page_of(settings, month, Words(settings.reports.language), count=count)
    try:
        handle, name = tempfile.mkstemp(prefix=f"llm-usage-{month}-", suffix=".html")
    except OSError as error:
        raise SettingsError(
            say("TMPDIR: no temporary file can be written ({strerror}); name a folder", strerror=reason_of(error))
        ) from error
    os.close(handle)
    path = Path(name)
    write(path, page)
    if _has_screen():
        webbrowser.open(path.as_uri())
    return path


def _has_screen() -> bool:
    """Whether a browser would open a window; one in the terminal itself would be in the way."""
    windows = sys.platform in ("darwin", "win32") or bool(os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"})
    return windows and sys.stdout.isatty() and sys.stdin.isatty()
