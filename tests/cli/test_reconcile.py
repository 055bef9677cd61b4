"""`llm-usage reconcile`: the sandbox's month against public prices."""

from __future__ import annotations

import builtins
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.programs import Cli
from usage.money import exact_sum

MONTH = "2026-01"


@pytest.fixture
def collected(ready: Cli, tmp_path: Path) -> Cli:
    ready.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"), LLM_USAGE_LANG="en")
    assert ready("collect", "--month", MONTH).status == 0
    return ready


def adds_up(told: Any) -> bool:
    parts = [told["expected_usd"] or 0, *told["differences_usd"].values(), told["residual_usd"]]
    return Decimal(told["billed_usd"] or 0) == exact_sum(Decimal(part) for part in parts)


def test_a_month_against_the_price_list(collected: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before, asked = collected.figures(), len(collected.sandbox.journal.requests())
    told = collected("reconcile", "--month", MONTH, "--json").json
    assert told["estimate"] is True
    assert told["price_list"].startswith("genai-prices ")
    assert all(map(adds_up, (told["total"], *told["providers"].values(), *told["lines"])))
    # What was billed is Notion's sum, of each provider and in all.
    for name, sums in told["providers"].items():
        lines = [line for line in told["lines"] if line["provider"] == name]
        assert exact_sum(Decimal(line["billed_usd"] or 0) for line in lines) == Decimal(sums["billed_usd"])
    shown = sum(row["Cout USD"] or 0 for row in before.values())
    assert float(told["total"]["billed_usd"]) == pytest.approx(shown)
    assert Decimal(told["total"]["expected_usd"]) > 0
    # The voice providers tell no tokens: nothing is expected of them.
    for name in ("deepgram", "elevenlabs"):
        assert told["providers"][name]["residual_usd"] == "0.00"
        # A discount is a credit here: an amount below nothing.
        assert set(told["providers"][name]["differences_usd"]) <= {"no_tokens", "unknown_price", "discount"}
    # Providers were not asked, and Notion is as it was.
    apis = {request.api for request in collected.sandbox.journal.requests()[asked:]}
    assert apis == {"notion"}
    assert collected.figures() == before

    only = collected("reconcile", "--month", MONTH, "--provider", "openai", "--json").json
    assert list(only["providers"]) == ["openai"]
    assert only["total"] == only["providers"]["openai"] == told["providers"]["openai"]

    for language, estimate in (("en", "estimate"), ("fr", "estimation")):
        collected.set(LLM_USAGE_LANG=language)
        shown_text = collected("reconcile", "--month", MONTH)
        assert (shown_text.status, shown_text.err) == (0, "")
        assert shown_text.out.count(estimate) >= 3
        assert "Deepgram" in shown_text.out

    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.startswith("genai_prices"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    missing = collected("reconcile", "--month", MONTH)
    assert (missing.status, missing.out) == (2, "")
    assert "pip install 'llm-usage[prices]'" in missing.err


def test_a_month_that_is_not_collected(ready: Cli) -> None:
    ready.set(LLM_USAGE_LANG="en")
    told = ready("reconcile", "--month", "2025-12")
    assert (told.status, told.out) == (2, "")
    assert "2025-12 was never collected: llm-usage collect --month 2025-12 does it" in told.err
    assert ready("reconcile", "--month", "2027-01").status == 2


def test_no_figure_is_cut_where_the_terminal_is_narrow(
    collected: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = collected("reconcile", "--month", MONTH).out
    figures = set(re.findall(r"[+-]?\$[\d,.]+\d", wide))
    assert figures
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = collected("reconcile", "--month", MONTH).out
    assert figures <= set(re.findall(r"[+-]?\$[\d,.]+\d", narrow))
    assert "│" not in narrow
