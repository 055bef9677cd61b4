"""How many requests a minute Notion allows, as far as its answers tell.

A connection has one of two budgets, by the workspace's plan. No answer names it: there are no `X-RateLimit` headers.
What does come back is which limit a refused request ran into (`additional_data.rate_limit_reason` of a 429), and what
the workspace may upload (`bot.workspace_limits` of `users/me`), which tells the free plan from the paid ones.
"""

from __future__ import annotations

from typing import Final

from notion.client.failures import Refusal
from notion.client.models import Me
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence

BUDGETS: Final = (180, 600)
"""Requests a minute and connection: Free and Plus, Business and Enterprise."""
FREE_UPLOAD: Final = 5 * 1024 * 1024
"""Bytes of the largest file on the free plan; paid ones take a thousand times that."""
_VARIABLE: Final = "NOTION_REQUESTS_PER_MINUTE"


def next_smaller(per_minute: int) -> int | None:
    """The largest published budget below a rate; None where there is none."""
    return max((budget for budget in BUDGETS if budget < per_minute), default=None)


def limit_sentence(refusal: Refusal, per_minute: int) -> Sentence:
    """What a 429 tells about the plan; silent when nothing.

    Args:
        refusal: The 429.
        per_minute: The rate that was kept to.
    """
    if refusal.is_workspaces:
        return say("Notion limits the whole workspace, all its connections together: the rest waits for its turn.")
    if not refusal.is_connections:
        return SILENCE
    smaller = next_smaller(per_minute)
    if smaller is None:
        return say(
            "Notion limits this connection, although it keeps to {rate} requests a minute: another program probably "
            "uses the same token.",
            rate=str(per_minute),
        )
    return say(
        "Notion allows this connection fewer than {rate} requests a minute, the rest goes on at {smaller}: set "
        "{variable}={smaller}, or see that no other program uses the same token.",
        rate=str(per_minute),
        smaller=str(smaller),
        variable=_VARIABLE,
    )


def plan_sentence(me: Me, per_minute: int) -> Sentence:
    """What the plan says about the setting; silent when they agree or nothing is known."""
    free, business = BUDGETS
    upload = me.bot.workspace_limits.max_file_upload_size_in_bytes if me.bot is not None else None
    if upload is None:
        return SILENCE
    if upload <= FREE_UPLOAD and per_minute > free:
        return say(
            "Notion names the free plan, which has {rate} requests a minute: set {variable}={rate}.",
            rate=str(free),
            variable=_VARIABLE,
        )
    if upload > FREE_UPLOAD and per_minute < business:
        # Plus is paid, too, and has the budget of the free plan: which one it is, no answer tells.
        return say(
            "Notion names a paid plan: if it is Business or Enterprise, set {variable}={rate}, and writing will be "
            "faster.",
            rate=str(business),
            variable=_VARIABLE,
        )
    return SILENCE
