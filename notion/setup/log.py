"""What a set-up tells of its steps, in the order in which they were taken."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class SetupLog:
    """Each step adds to it what it did, and what it could not do."""

    done: list[str] = field(default_factory=list)
    """Short English sentences."""
    warnings: list[str] = field(default_factory=list)
    """French ones, about what a person has to settle."""
