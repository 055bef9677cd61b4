"""Keeping a reading in the archive, which never costs the reading itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from usage.errors import ArchiveError
from usage.language.saying import say, say_count, together
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import Source
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Listener
from usage.settings import ARCHIVE_OFF, Settings

if TYPE_CHECKING:
    from archive.files.answers import AnswerLog


class _Answers:
    """A log that is begun with its first answer: what the archive is made of takes half a second to import."""

    def __init__(self) -> None:
        self._log: AnswerLog | None = None

    @property
    def log(self) -> AnswerLog:
        """The log, empty where nothing was answered."""
        if self._log is None:
            from archive.files.answers import AnswerLog  # noqa: PLC0415

            self._log = AnswerLog()
        return self._log

    def add(self, exchange: Exchange) -> None:
        """Take in an answer."""
        self.log.add(exchange)


class SharedAnswers:
    """Answers that several months of a backfill are made from: a log for each report, as it was read last."""

    def __init__(self) -> None:
        self._logs: dict[tuple[Source, tuple[Month, ...]], dict[object, _Answers]] = {}

    def listen(self, source: Source, months: tuple[Month, ...], report: object) -> Listener:
        """Takes in the answers of one report."""
        answers = self._logs.setdefault((source, months), {})[report] = _Answers()
        return answers.add

    def logs(self, source: Source, months: tuple[Month, ...]) -> list[AnswerLog]:
        """What was answered so far."""
        logs = [answers.log for answers in self._logs.get((source, months), {}).values()]
        return [log for log in logs if log.count]


class Keeper:
    """Takes in the answers of one reading, and then the reading.

    Args:
        settings: They name the archive.
        shared: What months of a backfill are read from together.
    """

    def __init__(self, settings: Settings, shared: SharedAnswers | None = None) -> None:
        self._settings, self._shared = settings, shared or SharedAnswers()
        self._answers = _Answers()

    @property
    def listener(self) -> Listener | None:
        """Takes in an answer; None where there is no archive."""
        return None if self._settings.archive == ARCHIVE_OFF else self._answers.add

    def keep(self, report: SourceReport, begun_at: datetime, others: tuple[Month, ...] = ()) -> Sentence:
        """Keep a reading whose records have their days; why it is not kept, where something went wrong.

        Args:
            report: The reading.
            begun_at: When it was begun, by this machine's clock.
            others: The months that a backfill reads at once, this one among them.
        """
        if self.listener is None:
            return SILENCE
        from archive.archive import AskedTogether  # noqa: PLC0415
        from archive.opening import open_archive  # noqa: PLC0415

        source = report.source
        try:
            archive = open_archive(self._settings)
            if archive is not None:
                archive.keep(
                    report,
                    self._answers.log,
                    together=AskedTogether(others, self._shared.logs(source, others)) if others else None,
                    begun_at=begun_at,
                    key_mark=self._settings.credential(source).mark,
                    grain=self._settings.grains[source.provider],
                )
        except ArchiveError as error:
            return error.sentence
        except (ValueError, ArithmeticError) as error:
            # A figure that the archive's columns can't hold must not cost the month. The text may hold anything.
            return say("{kind} in the archive; report it", kind=type(error).__name__)
        return SILENCE


def not_kept(outcomes: Iterable[SourceOutcome]) -> tuple[Sentence, ...]:
    """Which sources' readings are not in the archive, in one sentence for each reason, which says what to do."""
    whose: dict[Sentence, list[Sentence]] = {}
    for one in outcomes:
        if one.unkept:
            whose.setdefault(one.unkept, []).append(Sentence.of(one.source.name))
    return tuple(
        say_count(
            "The reading of {sources} was not kept: {why}. Its figures do not depend on it; collecting the month again "
            "keeps it once that is mended",
            "The readings of {sources} were not kept: {why}. Their figures do not depend on it; collecting the month "
            "again keeps them once that is mended",
            len(sources),
            sources=together(sources, between=", "),
            why=why,
        )
        for why, sources in whose.items()
    )
