"""Reading one source: the one door from the rest of the program to the providers."""

from __future__ import annotations

from collections.abc import Callable

from providers import provider
from providers.base import Finding, Job
from providers.http import Http, Retry
from usage.errors import UnavailableError
from usage.month import Month
from usage.names import Source
from usage.report import Gap, GapKind, SourceReport
from usage.settings import Settings


async def read_source(
    settings: Settings,
    source: Source,
    month: Month,
    *,
    on_page: Callable[[], None] = lambda: None,
    retry: Retry | None = None,
) -> SourceReport:
    """Read one month of one source.

    A month that the provider does not offer comes back as an empty report with that gap.

    Raises:
        SourceError: Nothing could be read; the class says what to do.
        SettingsError: The source has no key.
    """
    pages = 0

    def count() -> None:
        nonlocal pages
        pages += 1
        on_page()

    async with _http(settings, source, retry) as http:
        job = Job(source, month, settings.now(), settings.grains[source.provider], http, count)
        try:
            report = await provider(source.provider).collect(job)
        except UnavailableError as error:
            gap = Gap(kind=GapKind.UNAVAILABLE, sentence=error.sentence)
            report = SourceReport(source=source, month=month, read_at=job.now, records=(), gaps=(gap,))
        return report.model_copy(update={"pages": pages, "requests": http.requests})


async def check_source(settings: Settings, source: Source, month: Month) -> list[Finding]:
    """Try what the job needs of one source; see `Provider.check`."""
    async with _http(settings, source, Retry(tries=2)) as http:
        job = Job(source, month, settings.now(), settings.grains[source.provider], http)
        return await provider(source.provider).check(job)


def _http(settings: Settings, source: Source, retry: Retry | None) -> Http:
    which = provider(source.provider)
    credential = settings.credential(source)
    return Http(
        settings.base_urls[source.provider],
        which.headers(credential.key),
        explain=which.explain,
        retry=retry,
    )
