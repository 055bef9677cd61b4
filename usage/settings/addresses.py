"""Addresses that people may give in place of the public ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from usage.language.saying import say
from usage.language.sentence import Sentence

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def read_address(variable: str, usual: str, values: Mapping[str, str], wrong: list[Sentence]) -> str:
    """A base address, without a slash at its end; nothing goes in clear but to this machine.

    Args:
        variable: Where it stands.
        usual: The public one.
        values: The variables that are set.
        wrong: Told what is amiss.
    """
    text = values.get(variable, usual).rstrip("/")
    if not _is_safe(text):
        # Not the value: an address may hold a password.
        wrong.append(
            say(
                "{variable}: give an https:// address without user, query or fragment (http:// only for loopback)",
                variable=variable,
            )
        )
    return text


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    secure = parts.scheme == "https" and bool(parts.hostname)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return (secure or local) and re.search(r"[@?#\s]", address) is None
