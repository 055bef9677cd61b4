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
from usage.language.saying import together
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
            raise ArchiveError("the archive is not open")
        entry = session.kept.readings[source]
        if isinstance(entry, ArchiveError):
            raise entry
        report = _read(session.settings, session.kept.archive, entry)
    except ArchiveError as error:
        tell(SourceEnded(source, month, Status.ECHEC))
        logger.warning("%s %s can't be replayed: %s", source, month, error)
        raise SourceError(f"Ne peut pas être relu depuis l’archive : {_in_french(error)}.") from None
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


def _in_french(error: ArchiveError) -> str:
    """Why; the run's log has it in the archive's own words."""
    if isinstance(error, NoReadingError):
        return "aucune lecture de ce mois n’y est gardée"
    if isinstance(error, DamagedError):
        return f"le fichier {error.path} manque ou est abîmé"
    return "elle ne répond pas (llm-usage archive dit pourquoi)"


def _read(settings: Settings, archive: Archive, entry: Entry) -> SourceReport:
    together = () if entry.together is None else entry.together.months
    kept = KeptReading(list(archive.exchanges(entry)), entry.read_at, together, entry.begun_at)
    report = asyncio.run(read_again(settings, entry.source, entry.month, kept))
    # How much was asked is part of the source's story.
    return report.model_copy(update={"pages": entry.pages, "requests": entry.requests})
