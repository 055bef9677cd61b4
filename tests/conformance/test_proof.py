"""A cent or a day taken out of one page of one answer: found, named, and the source is `Partiel`.

OpenAI and Deepgram tell days, so a day that is gone is named. Where a provider does not (ElevenLabs, OpenRouter,
Anthropic's newer reports), a day that is gone is found by its money: the total that the provider gives without groups.
A day on which nothing was spent can't be missed there, nor money that is gone from the lines and the total alike.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.faults import Fault, Kind
from tests.conformance.desk import Case, Desk
from usage.names import ProviderName, Status
from usage.outcomes.rows import totals
from usage.outcomes.story import source_log

CENT = Decimal("0.01")
Change = Callable[[Any], bool]
"""Changes an answer; False where it has nothing to change."""
