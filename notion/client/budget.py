"""How many requests a minute Notion allows, as far as its answers tell.

A connection has one of two budgets, by the workspace's plan. No answer names it: there are no `X-RateLimit` headers.
What does come back is which limit a refused request ran into (`additional_data.rate_limit_reason` of a 429), and what
the workspace may upload (`bot.workspace_limits` of `users/me`), which tells the free plan from the paid ones.
"""

from __future__ import annotations

from typing import Final

from notion.client.failures import Refusal
from notion.client.models import Me

BUDGETS: Final = (180, 600)
"""Requests a minute and connection: Free and Plus, Business and Enterprise."""
FREE_UPLOAD: Final = 5 * 1024 * 1024
"""Bytes of the largest file on the free plan; paid ones take a thousand times that."""
_VARIABLE: Final = "NOTION_REQUESTS_PER_MINUTE"


def next_smaller(per_minute: int) -> int | None:
    """The largest published budget below a rate; None where there is none."""
    return max((budget for budget in BUDGETS if budget < per_minute), default=None)


def limit_sentence(refusal: Refusal, per_minute: int) -> str:
    """What a 429 tells about the plan, in French; empty when nothing.

    Args:
        refusal: The 429.
        per_minute: The rate that was kept to.
    """
    if refusal.is_workspaces:
        return "Notion limite tout l’espace de travail, toutes connexions confondues : la suite attend son tour."
    if not refusal.is_connections:
        return ""
    smaller = next_smaller(per_minute)
    if smaller is None:
        return (
            f"Notion limite cette connexion, qui se tient pourtant à {per_minute} demandes par minute : un autre "
            "programme emploie sans doute le même jeton."
        )
    return (
        f"Notion accorde à cette connexion moins de {per_minute} demandes par minute, la suite se fait à {smaller} : "
        f"mettez {_VARIABLE}={smaller}, ou vérifiez qu’aucun autre programme n’emploie le même jeton."
    )


def plan_sentence(me: Me, per_minute: int) -> str:
    """What the plan says about the setting, in French; empty when they agree or nothing is known."""
    free, business = BUDGETS
    upload = me.bot.workspace_limits.max_file_upload_size_in_bytes if me.bot is not None else None
    if upload is None:
        return ""
    if upload <= FREE_UPLOAD and per_minute > free:
        return f"Notion annonce l’offre gratuite, donc {free} demandes par minute : mettez {_VARIABLE}={free}."
    if upload > FREE_UPLOAD and per_minute < business:
        # Plus is paid, too, and has the budget of the free plan: which one it is, no answer tells.
        return (
            f"Notion annonce une offre payante : si c’est Business ou Enterprise, mettez {_VARIABLE}={business}, "
            "l’écriture ira plus vite."
        )
    return ""
