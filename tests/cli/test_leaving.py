"""Months that get out of reach uncollected: what Notion and the archive hold is not told of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import open_store
from cli.leaving import leaving_soon
from tests.cli.programs import NOW, Cli
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.settings import KEY_VARIABLES, Settings, load_settings

MARCH = Month(2025, 3)


def settings(now: datetime = NOW, archive: str = "off") -> Settings:
    """A key of each provider."""
    keys = {variable: f"key-{name}" for name, variable in KEY_VARIABLES.items()}
    return load_settings({**keys, "LLM_USAGE_NOW": now.isoformat(), "LLM_USAGE_ARCHIVE": archive}, ())


def test_each_provider_is_told_of_as_the_catalogue_knows_it() -> None:
    assert [one.source.provider for one in leaving_soon(settings())] == [ProviderName.OPENAI, ProviderName.OPENROUTER]
    december = datetime(2026, 12, 5, tzinfo=UTC)
    assert [one.source.provider for one in leaving_soon(settings(december))] == [
        ProviderName.OPENAI,
        ProviderName.ANTHROPIC,
        ProviderName.OPENROUTER,
    ]
    assert leaving_soon(settings(), frozenset(ProviderName)) == ()


def test_an_archived_month_is_not_told_of(tmp_path: Path) -> None:
    address = str(tmp_path / "archive")
    archive = Archive(open_store(address))
    openrouter = Source(provider=ProviderName.OPENROUTER)
    log = AnswerLog()
    archive.keep(SourceReport(source=openrouter, month=MARCH.previous(), read_at=NOW, records=()), log)
    told = [one.source.provider for one in leaving_soon(settings(archive=address))]
    assert told == [ProviderName.OPENAI, ProviderName.OPENROUTER]
    archive.keep(SourceReport(source=openrouter, month=MARCH, read_at=NOW, records=()), AnswerLog())
    assert [one.source.provider for one in leaving_soon(settings(archive=address))] == [ProviderName.OPENAI]


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_a_backfill_says_first_what_it_cannot_have(ready: Cli, options: tuple[str, ...]) -> None:
    ready.only("OPENROUTER_MANAGEMENT_KEY", "ELEVENLABS_API_KEY")
    # What an earlier test has kept is not out of reach.
    ready.set(LLM_USAGE_ARCHIVE="off")
    told = ready("backfill", "2025-01", "2025-03", *options)
    assert told.status == 0
    assert told.err.splitlines()[0] == "note: OpenRouter: nothing before 2025-02-14 (2025-01 to 2025-02)"
    assert told.err.count("nothing before") == 1
    assert "nothing before" not in told.out
    if options:
        # The run goes on with the rest.
        assert [one["month"] for one in told.json["months"]] == ["2025-01", "2025-02", "2025-03"]
        assert told.json["months"][2]["status"] == "Succes"
