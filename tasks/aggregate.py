"""Turn what the sources brought into rows."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.session import current_session
from usage.errors import ArchiveError, LlmUsageError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Source
from usage.outcomes.outcome import SourceOutcome, build_outcomes, failed_outcome
from usage.outcomes.report import IncompleteError, SourceReport
from usage.outcomes.rows import LabelledReport
from usage.settings import ARCHIVE_OFF, Settings

Fetched = Mapping[Source, SourceReport | BaseException]
"""What became of each source: its report, or the error its task ended with."""


@task(name="aggregate", task_run_name="aggregate {month}", cache_policy=NO_CACHE, persist_result=False)
def aggregate(month: Month, fetched: Fetched) -> tuple[SourceOutcome, ...]:
    """Sum all records in one table, cut it into rows, and tell each source's story.

    Args:
        month: Calendar month, UTC.
        fetched: What became of each source.
    """
    session = current_session()
    settings, reports, failures = session.settings, [], []
    for source, got in fetched.items():
        grain, label = settings.grains[source.provider], settings.label(source)
        mark = session.key_mark(source)
        report = got.report if isinstance(got, IncompleteError) else got
        if isinstance(report, SourceReport):
            reports.append(LabelledReport(report, grain, label, mark))
        else:
            at, sentence = settings.now(), sentence_of(got)
            failures.append(failed_outcome(source, month, label, grain, at=at, sentence=sentence, key_mark=mark))
    outcomes = build_outcomes(reports, failures)
    return tuple(_with_archive(settings, outcome, replays=session.kept is not None) for outcome in outcomes)


def _with_archive(settings: Settings, outcome: SourceOutcome, *, replays: bool) -> SourceOutcome:
    """The outcome with what the archive knows of the month; the figures themselves do not depend on it."""
    if outcome.failed or outcome.month.is_running(outcome.attempted_at) or settings.archive == ARCHIVE_OFF:
        return outcome
    from archive.corrections import with_corrections  # noqa: PLC0415  # half a second, and seldom asked for
    from archive.opening import open_archive  # noqa: PLC0415

    try:
        archive = open_archive(settings)
        if archive is None:
            return outcome
        if outcome.is_out_of_reach and not replays:
            kept = archive.latest_within_reach(outcome.month, outcome.source)
            return outcome if kept is None else outcome.with_archived(kept.status, kept.cost_usd, kept.read_at)
        return with_corrections(archive, outcome)
    except ArchiveError as error:
        # What Notion tells of earlier corrections stays.
        told = say("{source}: earlier readings are not looked up: {why}", source=outcome.source, why=error.sentence)
        get_run_logger().warning("%s", told)
        return outcome


def sentence_of(error: object) -> Sentence:
    """The sentence of one of our errors; of any other just its kind, because its text may hold anything."""
    if isinstance(error, LlmUsageError):
        return error.sentence
    return say("unexpected error ({kind}); the task’s log shows it.", kind=type(error).__name__)
