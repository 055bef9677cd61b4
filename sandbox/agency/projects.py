"""What the agency works on, for whom, and how much of it there is on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from sandbox.shared.rhythm import Rhythm

NAME = "Atelier Sillage"
FOUNDED = datetime.fromisoformat("2024-06-03T08:00:00+00:00")
_BEGIN = date(2025, 1, 1)
_OFFICE = (1.05, 1.2, 1.15, 1.1, 0.95, 0.06, 0.03)
_PUBLIC = (1.15, 1.1, 1.05, 1.05, 1.0, 0.7, 0.55)
_TOWN_HALL = {1: 1.1, 6: 1.1, 7: 0.7, 8: 0.55, 9: 1.35, 10: 1.1, 12: 0.85}
"""When people have questions to their town hall, by month; 1 in the others."""
_EPISODES = (2, 3, 16, 17)
"""Days of the month on which an episode is recorded and cut."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project, its client, the teams that work on it, and how much happens on a day."""

    name: str
    client: str
    teams: tuple[str, ...]
    rhythm: Rhythm


def _growing(share: float, week: tuple[float, ...], *, seasons: dict[int, float] | None = None) -> Rhythm:
    """Grows by a share a month; busy and quiet days of the week, and months of the year."""

    def factor(draw: Random, day: date) -> float:
        months = (day - _BEGIN).days / 30.4
        season = (seasons or {}).get(day.month, 1.0)
        return float((1 + share) ** months * week[day.weekday()] * season * draw.uniform(0.85, 1.15))

    return factor


def _by_episode(draw: Random, day: date) -> float:
    # Most of it on a few days, whatever day of the week they are.
    return draw.uniform(0.8, 1.2) * (1.0 if day.day in _EPISODES else 0.05)


SITE = Project("Site Horizon", "Horizon SA", ("Web",), _growing(0.03, _OFFICE))
CHATBOT = Project("Chatbot Mairie", "Ville de Clairval", ("IA", "Web"), _growing(0.04, _PUBLIC, seasons=_TOWN_HALL))
PODCAST = Project("Podcast Lumen", "Éditions Lumen", ("Son",), _by_episode)
INTERNAL = Project("Interne", "Atelier Sillage", ("IA",), _growing(0.02, _OFFICE))
PROJECTS = (SITE, CHATBOT, PODCAST, INTERNAL)


def surprise(now: Callable[[], datetime]) -> Rhythm:
    """What nobody had planned: a loop that asks again and again, for three days of the month before the present one."""
    last = now().date().replace(day=1) - timedelta(days=1)
    days = {last.replace(day=day) for day in (17, 18, 19)}
    return lambda draw, day: draw.uniform(0.9, 1.1) if day in days else 0.0


class Dated(Protocol):
    """A fact that happened at a moment."""

    @property
    def at(self) -> datetime:
        """When, UTC."""


F = TypeVar("F", bound=Dated)
F_co = TypeVar("F_co", bound=Dated, covariant=True)


class Work(Protocol[F_co]):
    """What is done for a project in the same way again and again."""

    def facts(self, draw: Random, month: str, until: datetime, /) -> Iterable[F_co]:
        """A month of it, as far as it has happened."""


def facts_of(streams: Sequence[Work[F]], where: str) -> Callable[[str, datetime], list[F]]:
    """All that was done in a month, in the order in which it happened; nothing before the agency was founded.

    Args:
        streams: The work.
        where: Seeds each month, so that it is the same whenever it is asked for.
    """

    def facts(month: str, until: datetime) -> list[F]:
        if month < FOUNDED.isoformat()[:7]:
            return []
        found = (work.facts(Random(f"{where}/{month}/{number}"), month, until) for number, work in enumerate(streams))
        return sorted((fact for some in found for fact in some), key=lambda fact: fact.at)

    return facts
