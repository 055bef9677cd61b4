"""Write a month to Notion."""

from __future__ import annotations

from collections.abc import Iterable

from prefect import task
from prefect.cache_policies import NO_CACHE

from notion.plan.steps import Action, Plan, Step
from notion.rows.values import COLUMNS
from notion.workspace import Published, PublishError
from reports.ledger import Ledger
from tasks.keep import not_kept
from tasks.prefect.limits import one_writer
from tasks.prefect.progress import show_rows
from tasks.session import current_session
from usage.errors import NotionError
from usage.language.sentence import Sentence
from usage.money import dollars
from usage.month import Month
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.progress import MonthEnded, tell
from usage.outcomes.result import KeptRow, MonthResult, NotionCounts, PlannedStep, month_result
from usage.outcomes.story import running_mark


@task(name="publish", task_run_name="publish {month}", cache_policy=NO_CACHE, persist_result=False)
def publish(month: Month, outcomes: tuple[SourceOutcome, ...], *, dry_run: bool) -> tuple[MonthResult, Ledger | None]:
    """Plan the month's writes against what stands in Notion, and carry them out unless `dry_run`.

    Not cached and safe to repeat: rows are found again by their identity. Trouble on the way ends up in the result's
    `problem`: what is written stays, and the next run completes it.

    Args:
        month: Calendar month, UTC.
        outcomes: What is to be published.
        dry_run: Only say what would be written.

    Returns:
        The result; and the month and the one before as they stand now, where both could be known within the requests
        that a month may take.
    """
    session = current_session()
    workspace, request = session.workspace, session.request
    problem: Sentence | None = None
    plan: Plan | None = None
    steps: tuple[PlannedStep, ...] | None = None
    kept: tuple[KeptRow, ...] = ()
    # What can't be replayed says nothing of how the source was collected.
    left = tuple(one for one in outcomes if one.failed and request.replays)
    outcomes = tuple(one for one in outcomes if one not in left)
    session.pace.share()
    spared = tuple(one.result for one in session.spared)
    try:
        if spared and not session.sources:
            # All of the month stands there, and was looked at when the session was opened.
            done, steps = Published(NotionCounts(requests=workspace.requests), ()), () if dry_run else None
        elif dry_run:
            plan = workspace.plan(month, outcomes, accept_lower=request.accept_lower)
            done, steps, kept = workspace.preview(plan), tuple(map(_planned_step, plan.steps)), _kept_rows(plan)
        else:
            with one_writer(month), show_rows(month):
                plan = workspace.plan(month, outcomes, accept_lower=request.accept_lower)
                kept = _kept_rows(plan)
                done = workspace.publish(plan, unfiltered=request.unfiltered)
    except PublishError as error:
        done, problem = error.done, error.sentence
    except NotionError as error:
        done, problem = Published(NotionCounts(requests=workspace.requests), outcomes), error.sentence
    compared, ledger = None, None
    if plan is not None and problem is None:
        from tasks.books.beside import planned_ledger, tell_ledger  # noqa: PLC0415  # Babel is not needed before

        # A dry run has written nothing of what it counts.
        writes = 0 if dry_run else done.counts.created + done.counts.updated + done.counts.trashed
        ledger = planned_ledger(session.settings, workspace, month, plan, writes=writes)
        compared = None if ledger is None else tell_ledger(session.settings, ledger, month)
    counts = done.counts.model_copy(update={"kept": kept, "requests": workspace.requests})
    running = running_mark(month, session.settings.now())
    told = _in_order((*done.outcomes, *left))
    remarks = (*session.warnings, *done.warnings, *not_kept(outcomes), *([session.sparing] if spared else []))
    warnings = tuple(dict.fromkeys(remarks))
    result = month_result(month, told, counts, plan=steps, problem=problem, warnings=warnings, running=running)
    result = result.together_with(spared).model_copy(update={"comparison": compared})
    tell(MonthEnded(result))
    return result, ledger


def _in_order(outcomes: Iterable[SourceOutcome]) -> list[SourceOutcome]:
    return sorted(outcomes, key=lambda outcome: (outcome.source.provider, outcome.source.account))


def _kept_rows(plan: Plan) -> tuple[KeptRow, ...]:
    """Rows that are left alone for a reason."""
    reasoned = (step for step in plan.of(Action.KEEP) if step.why)
    return tuple(KeptRow(row=step.values.title, key=step.values.key, why=step.why) for step in reasoned)


def _planned_step(step: Step) -> PlannedStep:
    cost = step.values.dollars
    return PlannedStep(
        action=step.action.value,
        row=step.values.title,
        key=step.values.key,
        cost_usd=None if cost is None else dollars(cost),
        fields=tuple(COLUMNS[name] for name in step.fields),
        why=step.why,
        carried=tuple(note.name for note in step.notes) if step.action is Action.CREATE else (),
    )
