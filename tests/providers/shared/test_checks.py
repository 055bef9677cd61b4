from __future__ import annotations

import asyncio

import pytest

from providers.shared.checks import CheckResult, CheckStatus, try_reading
from usage.errors import CredentialError, NotOfferedError, SourceError
from usage.language.sentence import Sentence


async def answer(value: int | SourceError) -> int:
    if isinstance(value, SourceError):
        raise value
    return value


def check(value: int | SourceError, failure: CheckStatus = CheckStatus.BAD) -> CheckResult:
    tried = try_reading(
        Sentence.of("keys"),
        answer(value),
        failure,
        spared=(NotOfferedError,),
        tell=lambda many: Sentence.of(f"{many} in all"),
    )
    return asyncio.run(tried)


def test_what_can_be_read_is_told() -> None:
    assert check(3) == CheckResult(what="keys", status=CheckStatus.OK, sentence="3 in all")
    assert asyncio.run(try_reading(Sentence.of("keys"), answer(3))).sentence.fr == "lisible"


@pytest.mark.parametrize("failure", [CheckStatus.BAD, CheckStatus.WARNING])
def test_a_failure_is_as_bad_as_it_is_said_to_be(failure: CheckStatus) -> None:
    assert check(CredentialError(Sentence.of("refused")), failure) == CheckResult(
        what="keys", status=failure, sentence="refused"
    )


def test_what_is_spared_is_a_warning() -> None:
    assert check(NotOfferedError(Sentence.of("not here"))).status is CheckStatus.WARNING
