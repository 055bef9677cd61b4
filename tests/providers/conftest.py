from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from providers.shared.patience import Retry
from usage.language.sentence import Sentence


@dataclass
class Clock:
    """Time that passes only while somebody sleeps, or when told to."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def retry(self) -> Retry:
        """The usual limits, measured by this clock."""
        return Retry(sleep=self.sleep, clock=lambda: self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def retry(clock: Clock) -> Retry:
    return clock.retry()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published API descriptions and examples, where it lies beside this checkout."""
    folder = Path(__file__).resolve().parents[3] / "shared"
    if not (folder / "specs").is_dir():
        pytest.skip("published specifications are not beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are French here, as in Notion."""
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")


@pytest.fixture
def in_both_languages() -> Callable[[Iterable[Sentence]], None]:
    """Whether each sentence is told in both languages, and neither holds words of the other."""
    data = re.compile(r"\(sans [^)]*\)|« [^»]* »")
    french = re.compile(r"\b(le|la|les|un|une|des|du|est|sont|pas|dans)\b|\b[ld]’|[éèêàùç]", re.IGNORECASE)
    english = re.compile(r"\b(the|of|is|are|it|its|not|which|by|with)\b", re.IGNORECASE)

    def check(sentences: Iterable[Sentence]) -> None:
        told = list(sentences)
        assert told
        assert [one.en for one in told if french.search(data.sub("", one.en))] == []
        assert [one.fr for one in told if english.search(data.sub("", one.fr))] == []

    return check
