"""Turn what the sources brought into rows."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.session import current_session
from usage.errors import LlmUsageError
from usage.month import Month
from usage.names import Source
from usage.outcomes.outcome import SourceOutcome, build_outcomes, failed_outcome
from usage.outcomes.report import IncompleteError, SourceReport
from usage.outcomes.rows import LabelledReport

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
    return build_outcomes(reports, failures)


def sentence_of(error: object) -> str:
    """The sentence of one of our errors; of any other just its kind, because its text may hold anything."""
    if isinstance(error, LlmUsageError):
        return str(error)
    return f"erreur inattendue ({type(error).__name__}) ; le journal de la tâche la montre."
