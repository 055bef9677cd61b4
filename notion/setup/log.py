"""What a set-up tells of its steps, in the order in which they were taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from notion.setup.steps import Step
from usage.language.sentence import Sentence


@dataclass(slots=True)
class SetupLog:
    """Each step adds to it what it did, and what it could not do."""

    steps: list[Step] = field(default_factory=list)
    warnings: list[Sentence] = field(default_factory=list)
    """What a person has to settle."""
