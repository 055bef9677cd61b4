"""The endpoints of ElevenLabs that the job reads, and what is surprising about each.

Facts: the official Python package `elevenlabs` 2.78.0 and ElevenLabs' published API description. `GET /v1/user` is
never asked: its answer holds the key itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from usage.language.saying import say
from usage.language.sentence import Sentence

SERVICE_ACCOUNTS: Final = "/v1/service-accounts"
"""The only list of keys: those of people are on no list, though they occur in analytics. Not paged."""

SUBSCRIPTION: Final = "/v1/user/subscription"
"""The present state only. Read where a report gives amounts without saying their currency."""

STATS: Final = "/v1/usage/character-stats"
"""Deprecated: one breakdown and one metric a call, keys by their names, which are not unique."""

DAY_SECONDS: Final = 86_400
"""Months can't be asked for, and left alone the bucket is one minute: 44,640 of them in a month."""

KEY: Final = "hashed_xi_api_key"
"""The id that analytics and the list of service accounts share; `key_id` is not in analytics."""
MODEL: Final = "model"
PRODUCT: Final = "product_type"
CHARGE: Final = "fiat_charge_type"
CURRENCY: Final = "fiat_currency"


@dataclass(frozen=True, slots=True)
class Report:
    """One analytics endpoint and what is taken from it.

    `item` is the column that stands in where usage belongs to no model.
    """

    path: str
    group_by: tuple[str, ...]
    item: str
    by_cost: bool

    @property
    def what(self) -> Sentence:
        """Its name in sentences."""
        return say("the report by cost") if self.by_cost else say("the report in credits")

    @property
    def time_zone(self) -> str | None:
        """Days begin at midnight there; the report by cost knows UTC alone and refuses the field."""
        return None if self.by_cost else "UTC"


CREDITS: Final = Report(
    # Days billed in credits. A range that reaches a day billed by cost is refused; how (status, code) is not published.
    "/v1/workspace/analytics/query/usage-by-product-over-time",
    (KEY, MODEL, PRODUCT, CURRENCY),
    PRODUCT,
    by_cost=False,
)
COSTS: Final = Report(
    # Days billed by cost: no credits, no requests. Of key, product and six others it groups by one without a filter.
    "/v1/workspace/analytics/usage",
    (KEY, MODEL, CHARGE, CURRENCY),
    CHARGE,
    by_cost=True,
)

PERMISSIONS: Final = (
    # Deduced from the permissions' names; only that of the subscription was seen in a refusal.
    (CREDITS.path, "workspace_analytics_full_read"),
    (COSTS.path, "workspace_analytics_full_read"),
    (STATS, "workspace_analytics_full_read"),
    (SERVICE_ACCOUNTS, "workspace_read"),
    (SUBSCRIPTION, "user_read"),
)
"""Path, and the permission that it needs."""
