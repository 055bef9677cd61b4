"""Sending a message to an address, within bounds, and without a word of the address."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tasks.books.telling import post
from tasks.books.telling.addresses import Address
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence

DEADLINE: Final = 45.0
"""Seconds for one message, the start of the program that sends it included."""
_POST: Final = Path(__file__).with_name("post.py")
_KEPT: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMP|TEMP|TMPDIR|PYTHONPATH|PYTHONHOME|PYTHONPYCACHEPREFIX|PYTHONDONTWRITEBYTECODE"
    r"|VIRTUAL_ENV|LD_LIBRARY_PATH|SYSTEMROOT|WINDIR|APPDATA|LOCALAPPDATA|USERPROFILE|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|\w+_PROXY",
    re.IGNORECASE,
)
"""What the program that sends may know of the environment: none of our keys."""


def send(address: Address, title: str, body: str, *, deadline: float = DEADLINE) -> Sentence:
    """Send a message.

    Args:
        address: To whom.
        title: Its subject, one line.
        body: Plain text.
        deadline: Seconds.

    Returns:
        Why it was not sent, in words without the address; empty where it was.
    """
    asked = json.dumps({"address": address.url.get_secret_value(), "title": title, "body": body})
    # -P: a folder of the same name as one of ours where somebody happens to stand is not imported.
    command = [sys.executable, "-P", str(_POST)]
    try:
        ended = subprocess.run(  # noqa: S603  # our own file
            command,
            input=asked.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=deadline,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return say("no answer within {seconds} s", seconds=f"{deadline:.0f}")
    except OSError as error:
        return say("the program that sends it can’t be started ({reason})", reason=reason_of(error))
    if ended.returncode == post.SENT:
        return SILENCE
    if ended.returncode == post.UNKNOWN:
        return say("Apprise knows no such address, or a part of it is missing")
    status = re.fullmatch(rb"\d{3}", ended.stdout)
    if status is None:
        return say("it was refused, or could not be reached")
    return say("it was refused (HTTP {status})", status=status[0].decode())


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    bundle = kept.get("SSL_CERT_FILE")
    # What Apprise asks with reads another variable.
    return ({"REQUESTS_CA_BUNDLE": bundle} if bundle else {}) | kept
