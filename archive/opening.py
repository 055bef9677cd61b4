"""The archive that the settings name."""

from __future__ import annotations

from archive.archive import Archive
from archive.beside.claims import Claims
from archive.beside.rates import RateBook
from archive.refusals import refusals
from archive.store import ClaimingStore, FolderStore, open_store
from usage.errors import ArchiveError
from usage.language.marks import to_say
from usage.language.saying import say
from usage.machine.private import data_folder, state_folder
from usage.month import Month
from usage.names import Source
from usage.settings import ARCHIVE_OFF, Settings

_FOLDER = "archive"
"""In the user's data folder."""


def holds_reading(settings: Settings, source: Source, month: Month) -> bool:
    """Whether the archive holds a reading of a source's month; False where there is none, or it can't be read."""
    try:
        archive = open_archive(settings)
        return archive is not None and archive.latest(month, source) is not None
    except ArchiveError:
        # This only decides whether something is said of the month; who reads or writes there says what is wrong.
        return False


def open_archive(settings: Settings) -> Archive | None:
    """The archive that `LLM_USAGE_ARCHIVE` names; None where it is off.

    Raises:
        ArchiveError: It can't be opened. (A bucket that is missing or refuses shows itself when it is read or written.)
    """
    store = _store(settings)
    return None if store is None else Archive(store)


def open_claims(settings: Settings) -> Claims:
    """What is to be done once: known to all that share the archive; to this user's programs where it is off.

    Raises:
        ArchiveError: The place can't be opened.
    """
    store = _store(settings)
    if store is None:
        with refusals(say("in the user's state folder"), to_say("opened")):
            store = FolderStore(state_folder())
    return Claims(store)


def open_rates(settings: Settings) -> RateBook | None:
    """The exchange rates in the archive; None where it is off.

    Raises:
        ArchiveError: As `open_archive`.
    """
    store = _store(settings)
    return None if store is None else RateBook(store)


def _store(settings: Settings) -> ClaimingStore | None:
    if settings.archive == ARCHIVE_OFF:
        return None
    if settings.archive:
        return open_store(settings.archive)
    with refusals(say("in the user's data folder"), to_say("opened")):
        folder = data_folder()
    return FolderStore(folder / _FOLDER)
