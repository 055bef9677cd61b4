"""The days of a month at OpenRouter: how far back they reach, until when they may change.

Which are asked for, and which day a row stands for, is a matter of the question: see `query`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from providers.openrouter.parse import Line
from providers.shared.job import Job
from usage.errors import UnavailableError
from usage.language.saying import say
from usage.names import ProviderName
from usage.outcomes.report import Gap, GapKind

_REACH: Final = ProviderName.OPENROUTER.spec.reach
(_ANALYTICS,) = _REACH.limits
SETTLING: Final = _REACH.settling
"""How long after its end a month may still change: requests are counted under the day they began on, and long ones
arrive later."""


def is_old(job: Job) -> bool:
    """Whether the month begins before what OpenRouter promises to have."""
    return not _ANALYTICS.holds(job.month, job.now)


def explain_reach(job: Job) -> UnavailableError:
    """What there is to say of a month that is too old."""
    sentence = say(
        "OpenRouter goes back {days} days only and no longer gives {month}.", days=_ANALYTICS.days, month=job.month
    )
    return UnavailableError(sentence)


def reach_gap(job: Job, total: Sequence[Line] | None) -> list[Gap]:
    """The gap of a month whose first days may have been left out in silence.

    They may where the reach ends within the month and no day before it has a figure.
    """
    edge = _ANALYTICS.first_day(job.now)
    if total is None or not is_old(job) or edge > job.month.last_day or any(line.day < edge for line in total):
        return []
    sentence = say(
        "OpenRouter goes back {days} days only: the days before {edge} may be missing.", days=_ANALYTICS.days, edge=edge
    )
    return [Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)]
