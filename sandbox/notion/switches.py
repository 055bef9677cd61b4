"""How this Notion behaves where the real one is not known for sure, or depends on the plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class RollupOverFormula(StrEnum):
    """What becomes of a rollup over a formula that was created through the API and never saved by a person."""

    ACCEPTED = "accepted"
    """It is created and computes."""
    REFUSED = "refused"
    """400 when it is created."""
    UNSUPPORTED = "unsupported"
    """It is created, and its value is of type `unsupported` until a person has saved the formula."""


@dataclass
class Switches:
    """Every behaviour that a test may want to turn. The defaults are the likelier readings."""

    requests_per_minute: int | None = None
    """Budget of a fixed window of 60 s; more gets 429 with `Retry-After`. None: no limit."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, for the rate limit and the pace; a test may put a clock of its own."""
    visibility_lag: int = 0
    """A row created through the API stays out of the next so many listings of its data source (all pages of one
    listing count as one). Reading it by its id works at once."""
    search_lag: int = 1
    """A new page or data source is missing from the next so many searches."""
    synced_property_name_honoured: bool = False
    """Whether a two-way relation names its other side as asked; no recording shows it. Otherwise it is
    `Related to <database> (<property>)`."""
    rollup_over_formula: RollupOverFormula = RollupOverFormula.ACCEPTED
    """See `RollupOverFormula`."""
    rollups_cut_at_25: bool = False
    """Rollups in API answers look at the first 25 linked rows only, as some have seen; a person always sees all."""
    unknown_properties_ignored: bool = False
    """A property name that does not exist in a page write is passed over with 200 instead of 400."""
    empty_numbers_count_as_zero: bool = True
    """In a formula, an empty number beside a filled one counts as 0; otherwise the whole result is empty."""
    text_equals_ignores_case: bool = False
    """Whether the text filters `equals` and its kind look at the case of letters."""
    utf16_lengths: bool = True
    """Text is measured in UTF-16 units (an emoji counts 2); otherwise in code points."""
    trash_twice_refused: bool = True
    """Moving a page that is in the trash to the trash again is 400, as any other write to it; otherwise 200."""
    locked_refuses_api: bool = False
    """Whether a database locked by a person also refuses schema changes through the API. The lock is documented for
    the app only."""
    charts_allowed: int | None = None
    """How many chart views the plan allows (free plan: 1); a further one gets 403. None: as many as wanted."""
    blocks_left: int | None = None
    """How many more pages a free workspace with several members takes before 403. None: no limit."""
    row_limit: int = 250_000
    """Rows that a data source holds; a further one gets 409 `row_limit_exceeded`."""
    references_limit: int | None = None
    """How many rows a page may have in a two-way relation; a link more is refused with 400. Others report 10,000; the
    words of the refusal have never been seen. None: as many as wanted."""
    query_limit: int = 10_000
    """Rows that one query gives at most; then `request_status` says `incomplete`."""
    body_limit: int = 500_000
    """Bytes of a request body."""
    body_limit_status: int = 413
    """Status for a larger body; 400 is the other reading."""
    schema_limit: int = 50_000
    """Bytes of a data source's schema as JSON; a change that exceeds it is refused, naming the largest property."""
    upload_limit: int = 5 * 1024**3
    """Bytes of one uploaded file, told by `users/me`: 5 GiB on paid plans, 5 MiB on the free one."""
    write_seconds: float = 0.0
    """How long a page write takes. Above 0, a second write to a page that is being written gets 409."""
    conflicts_reach_relations: bool = False
    """Whether overlapping writes to two pages that point to the same page conflict too."""
    unshared: set[str] = field(default_factory=set)
    """Ids (dashed) of pages and databases that are not shared with the connection, with all that is in them: 404."""
