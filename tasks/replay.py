"""Make the records of one source again from the answers that are kept of it."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from archive.archive import Archive, DamagedError
from archive.journal import Entry
from archive.replaying import NoReadingError
from providers.reading import KeptReading, read_again
from tasks.session import current_session
from usage.errors import ArchiveError, SourceError
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Source, Status
from usage.outcomes.progress import SourceBegun, SourceEnded, tell
from usage.outcomes.report import IncompleteError, SourceReport
from usage.settings import Settings


@task(name="replay", task_run_name="replay {source} {month}", cache_policy=NO_CACHE, persist_result=False)
def replay(source: Source, month: Month, *, dry_run: bool) -> SourceReport:
    """Read one month of one source again, from the archive; records that come out otherwise are kept as well.

    Args:
        source: Provider and account.
        month: Calendar month, UTC.
        dry_run: Keep nothing.

    Raises:
        SourceError: No reading is kept, or its answers can't be read.
        IncompleteError: Something is missing in it; the report is attached.
    """
    session, logger = current_session(), get_run_logger()
    tell(SourceBegun(source, month))
    try:
        if session.kept is None:
            raise ArchiveError(say("the archive is not open"))
        entry = session.kept.readings[source]
        if isinstance(entry, ArchiveError):
            raise entry
        report = _read(session.settings, session.kept.archive, entry)
    except ArchiveError as error:
        tell(SourceEnded(source, month, Status.ECHEC))
        logger.warning("%s %s can't be replayed: %s", source, month, error)
        raise SourceError(say("Can’t be read again from the archive: {why}.", why=_why(error))) from None
    except SourceError:
        tell(SourceEnded(source, month, Status.ECHEC))
        raise
    tell(SourceEnded(source, month, report.status))
    if not dry_run:
        try:
            grain = session.settings.grains[source.provider]
            session.kept.archive.keep_again(report, entry, session.settings.now(), grain=grain)
        except ArchiveError as error:
            logger.warning("What came of it is not kept: %s", error)
    report = report.by_month()
    if report.missing:
        raise IncompleteError(together(report.missing), report)
    return report


def _why(error: ArchiveError) -> Sentence:
    """In few words; the run's log has it in the archive's own."""
    if isinstance(error, NoReadingError):
        return say("no reading of this month is kept there")
    if isinstance(error, DamagedError):
        return say("the file {path} is missing or damaged", path=error.path)
    return say("it does not answer (llm-usage archive says why)")


def _read(settings: Settings, archive: Archive, entry: Entry) -> SourceReport:
    together = () if entry.together is None else entry.together.months
    kept = KeptReading(list(archive.exchanges(entry)), entry.read_at, together, entry.begun_at)
    report = asyncio.run(read_again(settings, entry.source, entry.month, kept))
    # How much was asked is part of the source's story.
    return report.model_copy(update={"pages": entry.pages, "requests": entry.requests})
