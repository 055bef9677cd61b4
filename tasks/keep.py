"""Keeping a reading in the archive, which never costs the reading itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from usage.errors import ArchiveError
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Listener
from usage.settings import ARCHIVE_OFF, Settings

if TYPE_CHECKING:
    from archive.answers import AnswerLog


class Keeper:
    """Takes in the answers of one reading, and then the reading.

    Args:
        settings: They name the archive.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._answers: AnswerLog | None = None

    @property
    def listener(self) -> Listener | None:
        """Takes in an answer; None where there is no archive."""
        return None if self._settings.archive == ARCHIVE_OFF else self._listen

    def keep(self, report: SourceReport) -> tuple[str, ...]:
        """Keep a reading whose records have their days; sentences about what went wrong, where something did."""
        if self.listener is None:
            return ()
        from archive.answers import AnswerLog  # noqa: PLC0415
        from archive.opening import open_archive  # noqa: PLC0415

        try:
            archive = open_archive(self._settings)
            if archive is not None:
                archive.keep(report, self._answers or AnswerLog())
        except ArchiveError as error:
            return (f"This reading is not kept: {error}",)
        except (ValueError, ArithmeticError) as error:
            # A figure that the archive's columns can't hold must not cost the month. The text may hold anything.
            return (f"This reading is not kept: {type(error).__name__} in the archive; report it",)
        return ()

    def _listen(self, exchange: Exchange) -> None:
        if self._answers is None:
            # What the archive is made of takes half a second to import: not before the first answer is there.
            from archive.answers import AnswerLog  # noqa: PLC0415

            self._answers = AnswerLog()
        self._answers.add(exchange)
