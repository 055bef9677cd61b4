"""Which failures are worth another try, and what is said about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SettingsError,
    SourceError,
    StaleCursorError,
    TransientError,
    UnavailableError,
)
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import Gap, GapKind, IncompleteError, SourceReport


def incomplete(*passing: bool) -> IncompleteError:
    """A source with these parts missing."""
    gaps = tuple(Gap(kind=GapKind.MISSING, sentence="Il manque une partie.", passing=one) for one in passing)
    source, month, read_at = Source(provider=ProviderName.OPENAI), Month(2026, 1), datetime(2026, 2, 5, tzinfo=UTC)
    report = SourceReport(source=source, month=month, read_at=read_at, records=(), gaps=gaps)
    return IncompleteError(Sentence.of("Il manque une partie."), report)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TransientError(Sentence.of("Délai dépassé.")), True),
        (StaleCursorError(Sentence.of("La liste a changé.")), True),
        (TransientError(Sentence.of("Revenez demain."), final=True), False),
        (CredentialError(Sentence.of("Clé refusée.")), False),
        (RefusedError(Sentence.of("Refusé.")), False),
        (ContractError(Sentence.of("Une page HTML.")), False),
        (UnavailableError(Sentence.of("Pas offert.")), False),
        (NotOfferedError(Sentence.of("Pas offert.")), False),
        (SourceError(Sentence.of("Autre chose.")), False),
        (SettingsError(Sentence.of("no key")), False),
        (ValueError("ours"), False),
        (incomplete(True), True),
        (incomplete(False, True), True),
        (incomplete(False), False),
        (incomplete(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_waiting_can_mend_is_tried_again(error: Exception, *, again: bool) -> None:
    from prefect.states import Failed

    from tasks.fetch import waiting_can_mend

    run: Any = None
    assert waiting_can_mend(None, run, Failed(data=error)) is again


def test_an_unexpected_error_is_named_without_its_text() -> None:
    from tasks.aggregate import sentence_of

    assert str(sentence_of(CredentialError(Sentence.of("/projects refuse la clé.")))) == "/projects refuse la clé."
    said = str(sentence_of(ValueError("sk-admin-secret")))
    assert "ValueError" in said
    assert "sk-admin-secret" not in said


def test_a_run_waits_as_long_as_its_sources_may_take() -> None:
    from providers.shared.patience import LONGEST_READING
    from tasks.fetch import AT_ONCE, RETRY_DELAYS, longest_wait

    tries = len(RETRY_DELAYS) + 1
    assert longest_wait(1) == longest_wait(AT_ONCE) > tries * LONGEST_READING + sum(RETRY_DELAYS)
    # More than can be read at once take turns.
    assert longest_wait(AT_ONCE + 1) == 2 * longest_wait(1)
