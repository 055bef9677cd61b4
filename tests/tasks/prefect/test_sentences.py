"""Which records lose their traceback. The logs of whole runs are read in tests/flows."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from usage.errors import ContractError, SettingsError
from usage.language.sentence import Sentence


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    from tasks.prefect.sentences import tell_in_sentences

    tell_in_sentences()
    handler = Kept()
    loggers = [logging.getLogger(f"prefect.{name}") for name in ("flow_runs", "task_runs", "engine")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


def log(name: str, text: str, error: Exception) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger(name).error(text, exc_info=sys.exc_info())


def test_a_source_that_failed_is_a_sentence(kept: Kept) -> None:
    log(
        "prefect.task_runs",
        "Task run failed with exception: X('%d')",
        ContractError(Sentence.of("le champ 5% manque.")),
    )
    (record,) = kept.records
    assert record.getMessage() == str(ContractError(Sentence.of("le champ 5% manque.")))
    assert record.exc_info is None


@pytest.mark.parametrize("name", ["prefect.task_runs", "prefect.flow_runs", "prefect.engine"])
def test_other_errors_stay_as_they_are(kept: Kept, name: str) -> None:
    log(name, "Engine execution exited with unexpected exception", KeyError("x"))
    (record,) = kept.records
    assert record.exc_info is not None


def test_what_fails_within_a_run_stays_as_it_is(kept: Kept) -> None:
    from prefect.exceptions import FailedRun

    log("prefect.flow_runs", "Encountered exception during execution: x", FailedRun("a child of it"))
    log("prefect.flow_runs", "Encountered exception during execution: x", SettingsError(Sentence.of("x")))
    assert all(record.exc_info is not None for record in kept.records)
