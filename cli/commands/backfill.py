"""`llm-usage backfill`: a range of months through the flow, in one process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from cli.commands.collect import nothing_collected, run_watched
from cli.display import literal, out, print_beside, print_lines, print_notes, print_problem, print_result, words_of
from cli.importing import Importing
from cli.prefect_server.server import PrefectServer, prefect_server
from tasks.backfill.ranges import BackfillMonth, Range, months_of, open_backfill
from usage.errors import LlmUsageError, NotionAccessError, SettingsError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.progress import RangeEnded, listening
from usage.outcomes.result import MonthResult, NotionCounts
from usage.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    """Collect the months; 1 when one of them could not be collected in full."""
    settings = load_settings()
    first, last = _ends(arguments, settings)
    asked = Range(first, last, tuple(ProviderName(name) for name in arguments.provider))
    months, sources = months_of(asked, settings), settings.select(asked.providers)
    asked = replace(asked, first=str(months[0]), last=str(months[-1]))
    try:
        with prefect_server() as server:
            results, message, ended = backfill_range(server, asked, sources, quiet=arguments.json)
    except (SettingsError, NotionAccessError):
        raise
    except LlmUsageError as error:
        if not arguments.json:
            raise
        results, message, ended = (
            [nothing_collected(month, sources, error.sentence) for month in months],
            str(error),
            None,
        )
    if arguments.json:
        told = None if ended is None or not ended.comparison.compares else ended.comparison
        more = "" if told is None else f',"comparison":{told.model_dump_json()}'
        print(
            '{"months":['
            + ",".join(result.to_json(settings.reports.notion_language) for result in results)
            + "]"
            + more
            + "}"
        )
        for result in results:
            print_problem(result)
    else:
        words = words_of(None if ended is None else ended.comparison)
        for result in results:
            print_result(result, beside=False, words=words)
        out().print(literal(message))
        if ended is not None:
            out().print(literal(ended.total), style="bold")
            print_beside(ended.comparison)
    print_notes(results)
    return 0 if all(result.succeeded for result in results) else 1


def _ends(arguments: argparse.Namespace, settings: Settings) -> tuple[str, str]:
    """First and last month as a person wrote them, in one argument or in two.

    Raises:
        SettingsError: One month alone, or no range.
    """
    if arguments.last is not None:
        return arguments.first, arguments.last
    if ".." not in arguments.first and not arguments.first.startswith("last-"):
        raise SettingsError(
            say("a backfill needs the last month, too: like 2025-01 2025-12, 2025-01..2025-12 or last-6")
        )
    months = Month.resolve_range(arguments.first, settings.now())
    return str(months[0]), str(months[-1])


def backfill_range(
    server: PrefectServer, asked: Range, sources: Sequence[Source], *, quiet: bool = False
) -> tuple[list[MonthResult], str, RangeEnded | None]:
    """Run the flow for a range in this process.

    Returns:
        A result for each month, those that need not be read among them, the run's message, and what the range came to.

    Raises:
        SettingsError: Wrong settings or arguments; nothing was done.
        NotionError: Notion can't be reached or used; nothing was done.
        ServerError: Prefect has no server to work with.
    """
    # Prefect takes its time to import; Notion can answer meanwhile.
    importing = Importing("flows.backfill")
    with importing, open_backfill(asked) as session:
        importing.wait()
        server.wait()
        print_lines(session.beyond)
        from flows.backfill import backfill  # noqa: PLC0415

        whole: list[RangeEnded] = []
        with listening(lambda event: whole.append(event) if isinstance(event, RangeEnded) else None):
            ended, message = run_watched(backfill, asked.first, asked.last, list(asked.providers), quiet=quiet)
    by_month = {result.month: result for result in ended}
    results = [_with_kept(one, by_month.get(one.month), sources, message) for one in session.months]
    results = [_with_warnings(result, session.warnings) for result in results]
    return results, message, next(iter(whole), None)


def _with_warnings(result: MonthResult, warnings: Sequence[Sentence]) -> MonthResult:
    """A month's result with what concerns the whole range, and what concerns this month alone."""
    return result.model_copy(update={"warnings": tuple(dict.fromkeys((*warnings, *result.warnings)))})


def _with_kept(
    month: BackfillMonth, result: MonthResult | None, sources: Sequence[Source], message: str
) -> MonthResult:
    """A month's result together with what stood in Notion before."""
    if month.skipped:
        result = MonthResult(month=month.month, status=Status.SUCCES, sources=(), notion=NotionCounts())
    elif result is None:
        left = [source for source in sources if not month.providers or source.provider in month.providers]
        result = nothing_collected(month.month, left, Sentence.of(message))
    return result.together_with(month.kept)
