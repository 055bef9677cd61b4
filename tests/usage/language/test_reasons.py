"""Why the system refuses a file."""

from __future__ import annotations

import os
from errno import EACCES, ENOENT, ENOSPC, EROFS, EXDEV

import pytest

from usage.language.reasons import reason_of


@pytest.mark.parametrize("number", [EACCES, ENOENT, ENOSPC, EROFS])
def test_english_is_the_system_s_own_and_french_is_another(number: int) -> None:
    told = reason_of(OSError(number, os.strerror(number)))
    assert told.en == os.strerror(number)
    assert told.fr != told.en


def test_what_is_not_known_stays_as_the_system_puts_it() -> None:
    assert reason_of(OSError(EXDEV, "Invalid cross-device link")).fr == "Invalid cross-device link"
    assert reason_of(BlockingIOError()).en == "BlockingIOError"
