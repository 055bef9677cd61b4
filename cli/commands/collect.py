"""`llm-usage collect`: one month through the flow, with progress on a terminal and a table at the end."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cli.display import Display, literal, print_notes, print_problem, print_result
from cli.importing import Importing
from cli.prefect_server.ending import if_stopped
from cli.prefect_server.server import OwnServer, PrefectServer, prefect_server
from cli.prefect_server.settings import settings_of_results
from usage.errors import LlmUsageError, NotionAccessError, SettingsError
from usage.language.marks import to_say
from usage.language.reader import phrase
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.progress import Event, MonthEnded, PageKnown, listening
from usage.outcomes.progress import tell as tell_all
from usage.outcomes.result import MonthResult, NotionCounts, SourceResult
from usage.settings import Settings, load_settings

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

    from tasks.session import Request


_RUN: Final = to_say("The run in Prefect")


def run(arguments: argparse.Namespace) -> int:
    """Collect and report; 0 or 1."""
    providers = tuple(ProviderName(name) for name in arguments.provider)
    settings = load_settings()
    # Before anything is started.
    month, sources = Month.resolve(arguments.month, settings.now()), settings.select(providers, arguments.account)
    pages: dict[str, str] = {}
    try:
        with prefect_server() as server, listening(partial(_note_page, pages, server)):
            result = collect_month(
                server,
                month,
                providers,
                arguments.account,
                dry_run=arguments.dry_run,
                accept_lower=arguments.accept_lower,
                scheduled=arguments.scheduled,
                quiet=arguments.json,
            )
    except (SettingsError, NotionAccessError):
        raise
    except LlmUsageError as error:
        if not arguments.json:
            raise
        result = nothing_collected(month, sources, error.sentence)
    status = tell(result, settings, as_json=arguments.json)
    if not arguments.json and sys.stdout.isatty():
        for what, address in pages.items():
            print(phrase("{what}: {address}", what=phrase(what), address=literal(address)))
    return status


def _note_page(pages: dict[str, str], server: PrefectServer, event: Event) -> None:
    # A server of our own ends with the command, and so does its run's page.
    if isinstance(event, PageKnown) and not (event.what == _RUN and isinstance(server, OwnServer)):
        pages[event.what] = event.address


def tell(result: MonthResult, settings: Settings, *, as_json: bool) -> int:
    """Print what a month came to; the exit status. Texts within JSON are as Notion's cells have them."""
    if as_json:
        print(result.to_json(settings.reports.notion_language))
        print_problem(result)
    else:
        print_result(result)
    print_notes([result])
    return 0 if result.succeeded else 1


def nothing_collected(month: Month, sources: list[Source], why: Sentence) -> MonthResult:
    """The result of a month where nothing could be begun, and a rerun would."""
    results = tuple(
        SourceResult(provider=source.provider, account=source.account, status=Status.ECHEC, log=why)
        for source in sorted(sources, key=lambda source: (source.provider, source.account))
    )
    return MonthResult(month=month, status=Status.ECHEC, sources=results, notion=NotionCounts(), problem=why)


def collect_month(
    server: PrefectServer,
    month: Month,
    providers: tuple[ProviderName, ...] = (),
    account: str | None = None,
    *,
    dry_run: bool = False,
    accept_lower: bool = False,
    scheduled: bool = False,
    quiet: bool = False,
) -> MonthResult:
    """Run the flow for one month in this process.

    Raises:
        SettingsError: Wrong settings or arguments; nothing was done.
        NotionError: Notion can't be reached or used; nothing was done.
        ServerError: Prefect has no server to work with.
        LlmUsageError: The run ended without a result.
    """
    from tasks.session import Request  # noqa: PLC0415

    request = Request(str(month), providers, account, accept_lower, scheduled=scheduled)
    return run_request(server, request, dry_run=dry_run, quiet=quiet)


def run_request(server: PrefectServer, request: Request, *, dry_run: bool, quiet: bool) -> MonthResult:
    """Collect or replay a month in this process.

    Raises:
        LlmUsageError: As `collect_month`.
    """
    # Prefect takes its time to import; Notion can answer meanwhile.
    importing = Importing("flows.replay" if request.replays else "flows.collect")
    from tasks.session import open_session  # noqa: PLC0415

    with importing, open_session(request) as session:
        tell_all(PageKnown(to_say("In Notion"), session.workspace.databases.usages.url))
        importing.wait()
        server.wait()
        return _run_flow(request, dry_run=dry_run, quiet=quiet)


def _run_flow(request: Request, *, dry_run: bool, quiet: bool) -> MonthResult:
    flow: Flow[..., State[Any]]
    if request.replays:
        from flows.replay import replay as flow  # noqa: PLC0415
    else:
        from flows.collect import collect as flow  # noqa: PLC0415

    asked = (request.month, list(request.providers), request.account, dry_run, request.accept_lower)
    from prefect import tags  # noqa: PLC0415

    from tasks.prefect.runs import AUTO_SCHEDULED  # noqa: PLC0415

    with tags(*([AUTO_SCHEDULED] if request.scheduled else [])):
        ended, message = run_watched(flow, *asked, quiet=quiet)
    if not ended:
        raise LlmUsageError(say("the run ended without a result: {message}", message=message))
    return ended[-1]


def run_watched(flow: Flow[..., State[Any]], *arguments: Any, quiet: bool) -> tuple[list[MonthResult], str]:
    """Run a flow in this process, with progress on the terminal; a signal leaves no run behind that seems to go on.

    Returns:
        The results of the months that ended, and the message of the run's final state.

    Raises:
        SettingsError: Results are to be stored in a way that Prefect does not know.
    """
    import httpx  # noqa: PLC0415
    from prefect.exceptions import PrefectException  # noqa: PLC0415

    ended: list[MonthResult] = []
    begun: list[UUID] = []

    def keep(event: Event) -> None:
        if isinstance(event, MonthEnded):
            ended.append(event.result)

    def note_the_run(flow: object, flow_run: FlowRun, state: object) -> None:  # noqa: ARG001  # Prefect names them
        begun.append(flow_run.id)

    watched = flow.with_options(on_running=[note_the_run])
    with listening(keep), Display(quiet=quiet), if_stopped(lambda: _cancel(begun)):
        try:
            state: State[Any] = watched(*arguments, return_state=True)
            message = str(state.message)
        except (httpx.HTTPError, PrefectException, RuntimeError) as error:
            # Its server has gone away, or refuses us.
            message = phrase("Prefect failed ({kind})", kind=type(error).__name__)
        except ValueError as error:
            chosen = settings_of_results()
            if not chosen:
                raise
            raise SettingsError(
                say(
                    "{names}: Prefect can't store results so ({kind}); take the setting away",
                    names=", ".join(chosen),
                    kind=type(error).__name__,
                )
            ) from error
    _tell_of_page(begun)
    if begun and not ended:
        look = f"prefect flow-run logs {begun[-1]}"
        return ended, phrase("{message}; `{command}` shows more", message=message, command=look)
    return ended, message


def _tell_of_page(begun: list[UUID]) -> None:
    from prefect.settings import get_current_settings  # noqa: PLC0415

    pages = str(get_current_settings().ui_url or "")
    # An address may hold a password.
    if begun and pages and "@" not in pages:
        tell_all(PageKnown(_RUN, f"{pages}/runs/flow-run/{begun[-1]}"))


def _cancel(runs: list[UUID]) -> None:
    """Tell Prefect that nobody works on these runs and their children any more: they would seem to go on for ever."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId  # noqa: PLC0415
    from prefect.states import Cancelled  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        parents = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=runs))
        children = client.read_flow_runs(flow_run_filter=parents) if runs else []
        going_on = [child.id for child in children if child.state is None or not child.state.is_final()]
        for run in [*runs, *going_on]:
            client.set_flow_run_state(run, Cancelled(message="Stopped by a signal."), force=True)
