"""Reading one source: the one door from the rest of the program to the providers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from providers import provider
from providers.base import Provider
from providers.shared.answers import Answer
from providers.shared.checks import CheckResult
from providers.shared.http import Http, Params
from providers.shared.job import Job
from providers.shared.patience import LONGEST_READING, Pace, Retry
from providers.shared.replay import KeptAnswers
from providers.shared.together import Together, consecutive
from usage.catalogue import looks_like
from usage.errors import ContractError, CredentialError, NotOfferedError, SourceError, TransientError, UnavailableError
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import Gap, GapKind, SourceReport
from usage.peers.exchange import Exchange, Listener, Question
from usage.settings import Credential, Settings

log = logging.getLogger(__name__)


async def read_source(
    settings: Settings,
    source: Source,
    month: Month,
    *,
    on_page: Callable[[], None] = lambda: None,
    retry: Retry | None = None,
    memory: BackfillMemory | None = None,
    listener: Listener | None = None,
    now: datetime | None = None,
) -> SourceReport:
    """Read one month of one source.

    A month that the provider does not offer comes back as an empty report with that gap.

    Args:
        settings: All settings.
        source: Provider and account.
        month: Calendar month, UTC.
        on_page: Called for each page read.
        retry: How requests are repeated; the usual way by default.
        memory: What a backfill remembers from one month to the next.
        listener: Is told every answer that the reading is made from.
        now: The moment of reading, where the caller has to know it; the present by default.

    Raises:
        SourceError: Nothing could be read; the class says what to do.
        SettingsError: The source has no key.
    """
    pages = 0

    def count() -> None:
        nonlocal pages
        pages += 1
        on_page()

    async with _http(settings, source, retry=retry, memory=memory, listener=listener) as http:
        now = now or settings.now()
        alongside = memory.together(source, month, now) if memory is not None else None
        job = Job(source, month, now, settings.grains[source.provider], http, count, alongside)
        try:
            async with asyncio.timeout(LONGEST_READING):
                report = await _collect(job)
        except TimeoutError:
            sentence = say("Reading did not end within {minutes} minutes.", minutes=f"{LONGEST_READING / 60:.0f}")
            raise TransientError(sentence, final=True) from None
        except CredentialError as error:
            sentence = together([error.sentence, about_key(settings.credential(source))])
            raise CredentialError(sentence, status=error.status) from None
        for new in report.new_fields:
            log.debug("%s %s: %s lines have a field that is new: %s", source, month, new.count, new.what)
        # By the server's clock, so that another machine's reading is compared with it rightly.
        offset = timedelta(0) if settings.fixed_now is not None else http.clock_offset
        read_at = report.read_at + offset
        return report.model_copy(update={"pages": pages, "requests": http.requests, "read_at": read_at})


async def read_again(settings: Settings, source: Source, month: Month, kept: KeptReading) -> SourceReport:
    """Make a source's report again from the answers that were kept of it. Nothing is asked; no key is needed.

    Args:
        settings: All settings.
        source: Provider and account.
        month: Calendar month, UTC.
        kept: The answers, and when they were read.

    Raises:
        SourceError: An answer is missing or can't be read.
    """
    which, address = provider(source.provider), settings.base_urls[source.provider]
    transport = KeptAnswers(kept.exchanges, address)
    # What was not answered then is not waited for now.
    retry = Retry(tries=1, rate_tries=1, sleep=_at_once)
    async with Http(address, {}, explain=which.explain, retry=retry, transport=transport) as http:
        alongside = Together(kept.together) if kept.together else None
        now = kept.begun_at or kept.read_at
        job = Job(source, month, now, settings.grains[source.provider], http, together=alongside)
        report = await _collect(job)
    return report.model_copy(update={"read_at": kept.read_at})


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What was kept of a reading: answers, when they were read (UTC), and the months that were read along with it."""

    exchanges: Sequence[Exchange]
    read_at: datetime
    together: tuple[Month, ...] = ()
    begun_at: datetime | None = None
    """When it was begun, by the clock of the machine that asked."""


async def _at_once(_seconds: float) -> None:
    """No wait at all."""


async def _collect(job: Job) -> SourceReport:
    """What the provider brings; a month that it does not offer is an empty report with that gap."""
    try:
        return await provider(job.source.provider).collect(job)
    except NotOfferedError as error:
        # Every account has some of what is read: "no data" would hide that the address is another's.
        variable = job.source.provider.spec.address_variable
        where = say("Check the API’s address ({variable}).", variable=variable)
        raise ContractError(together([error.sentence, where]), status=error.status) from None
    except UnavailableError as error:
        gap = Gap(kind=GapKind.UNAVAILABLE, sentence=error.sentence)
        return SourceReport(source=job.source, month=job.month, read_at=job.now, records=(), gaps=(gap,))


def about_key(credential: Credential) -> Sentence:
    """Where a key that is refused came from, and whose it seems to be where that is another provider's."""
    owner = looks_like(credential.key.get_secret_value(), credential.source.provider)
    if owner is None:
        return say("The key comes from {variable}.", variable=credential.variable)
    return say(
        "The key comes from {variable} and looks like one of {owner}’s.", variable=credential.variable, owner=owner
    )


async def check_source(settings: Settings, source: Source, month: Month) -> list[CheckResult]:
    """Try what the job needs of one source; see `Provider.check`."""
    async with _http(settings, source, retry=Retry(tries=2, rate_tries=2)) as http:
        job = Job(source, month, settings.now(), settings.grains[source.provider], http)
        return await provider(source.provider).check(job)


_Question = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class BackfillMemory:
    """What a backfill remembers from one month to the next, so that it asks for it once for each source.

    Those are names of projects and keys, which are the same for all months, and reports that can span many of them.
    """

    months: Mapping[ProviderName, Sequence[Month]]
    """Which months of each provider are read in this process, one after another."""
    registries: dict[Source, dict[_Question, Answer]] = field(default_factory=dict)
    reports: dict[tuple[Source, Month], Together] = field(default_factory=dict)
    paces: dict[Source, Pace] = field(default_factory=dict)
    """A rate limit counts the requests of all months."""
    listen: Callable[[Source, tuple[Month, ...], object], Listener] | None = None
    """Gives what is told the answers of one report about several months of a source."""

    def together(self, source: Source, month: Month, now: datetime) -> Together | None:
        """The months around this one that one report may span; None where it stands alone."""
        closed = [one for one in self.months.get(source.provider, ()) if not one.is_running(now)]
        months = next((run for run in consecutive(closed) if month in run), [])
        if len(months) < 2:
            return None
        listen = None if self.listen is None else partial(self.listen, source, tuple(months))
        return self.reports.setdefault((source, months[0]), Together(months, listen))


class _RegistriesOnce(Http):
    """Answers from memory what it has been told about a registry before."""

    def __init__(self, which: Provider, known: dict[_Question, Answer], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._registry, self._known = which.registry, known

    async def get(
        self,
        path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        """GET `path`, or what it answered before."""
        if not self._registry.fullmatch(path):
            return await super().get(path, params, headers, most_bytes=most_bytes)
        question = path, tuple(params)
        if question in self._known:
            # What is remembered belongs to this month's reading, too.
            self._tell(Question("GET", path, tuple(params)), self._known[question])
        else:
            try:
                self._known[question] = await super().get(path, params, headers)
            except SourceError:
                # A listing that has to begin anew must not begin with what was remembered of the old one.
                for old in [known for known in self._known if known[0] == path]:
                    del self._known[old]
                raise
        return self._known[question]


def _http(
    settings: Settings,
    source: Source,
    *,
    retry: Retry | None = None,
    memory: BackfillMemory | None = None,
    listener: Listener | None = None,
) -> Http:
    which = provider(source.provider)
    credential = settings.credential(source)
    address, headers = settings.base_urls[source.provider], which.headers(credential.key)
    if memory is None:
        return Http(address, headers, explain=which.explain, retry=retry, listener=listener)
    known, pace = memory.registries.setdefault(source, {}), memory.paces.setdefault(source, Pace())
    return _RegistriesOnce(
        which, known, address, headers, explain=which.explain, retry=retry, pace=pace, listener=listener
    )
