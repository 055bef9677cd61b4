"""Tell people what a month came to, where they want to be told."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from urllib.parse import urlsplit

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from tasks.session import current_session
from usage.outcomes.progress import passing_warnings
from usage.outcomes.result import MonthResult


@task(name="tell", task_run_name="tell {result.month}", cache_policy=NO_CACHE, persist_result=False)
def tell(result: MonthResult) -> None:
    """Warn of budgets, send alerts and the digest; each once, whatever runs again or at the same time.

    Args:
        result: What the month came to. Nothing is told of a dry run, or while Notion is not written to the end.
    """
    if result.plan is not None or result.problem is not None:
        return
    # The archive's libraries take a third of a second to import, in which the providers are asked already.
    from tasks.books.telling.telling import tell_month  # noqa: PLC0415

    session, log = current_session(), get_run_logger()

    def pass_on(warning: logging.LogRecord) -> None:
        log.log(warning.levelno, "%s", warning.getMessage())

    with passing_warnings(pass_on):
        tell_month(session.settings, session.workspace, result.month, _run_url())


def _run_url() -> str:
    """The run's page; empty where it is on this machine, and nobody else can open it."""
    url = str(runtime.flow_run.ui_url or "")
    host = urlsplit(url).hostname or "localhost"
    try:
        is_ours = ip_address(host).is_loopback
    except ValueError:
        is_ours = host == "localhost"
    return "" if is_ours else url
