"""What changed in months that were over, from the archive's readings."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from reports.page.figures.evidence import Correction
from usage.errors import ArchiveError
from usage.language.saying import say
from usage.month import Month
from usage.settings import Settings

if TYPE_CHECKING:
    from archive.archive import DamagedError
    from archive.history import Change

_log = logging.getLogger(__name__)


def corrections(settings: Settings, months: Iterable[Month], since: datetime) -> tuple[Correction, ...] | None:
    """Figures of months that were over and that a later reading changed, the latest first.

    Args:
        settings: All settings.
        months: Which months to look at.
        since: When the new figures were read at the earliest, UTC.

    Returns:
        None where no readings are kept, or they can't be read, which is said in a warning.
    """
    # A third of a second, which a collection needs only after the providers were asked.
    from archive.history import Standing, changes  # noqa: PLC0415
    from archive.opening import open_archive  # noqa: PLC0415

    try:
        archive = open_archive(settings)
        if archive is None:
            return None
        found = [
            _correction(settings, change)
            for month in months
            for change in changes(archive, archive.entries(month), on_damage=_stop_at)
            if change.after.read_at >= since and change.standing is not Standing.RUNNING
        ]
    except ArchiveError as error:
        _log.warning("%s", say("The report comes without corrections: {why}", why=error.sentence))
        return None
    return tuple(sorted(found, key=lambda one: one.read_at, reverse=True))


def _correction(settings: Settings, change: Change) -> Correction:
    most = change.moves[0].old
    known = [one.source for one in settings.credentials]
    source = change.after.source
    return Correction(
        month=change.after.month,
        provider=source.provider,
        account=settings.label(source) if source in known else source.account,
        read_at=change.after.read_at,
        old=change.old.cost,
        new=change.new.cost,
        day=most.day,
        owners=tuple(filter(None, (most.project, most.api_key, most.workspace))),
        what=most.model or most.item or "",
    )


def _stop_at(error: DamagedError) -> NoReturn:
    # Some corrections would be taken for all of them.
    raise error
