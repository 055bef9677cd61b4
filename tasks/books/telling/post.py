"""Sends one message to one address: a program of its own, started for each by `tasks.books.telling.sending`.

Apprise and the libraries below it log what they send and to whom, each in its own way, and a few wait without end. Here
nobody reads what they log, and whoever started this can end it. Standard input holds one JSON object with `address`,
`title` and `body`. The exit status is 0 where it was sent, 1 where it was refused, 2 where Apprise knows no such
address; standard output holds the HTTP status of a refusal, where there is one, and nothing else.
"""

from __future__ import annotations

import json
import logging
import re
import sys

SENT, REFUSED, UNKNOWN = 0, 1, 2


class _Status(logging.Handler):
    """Takes the number out of what Apprise says of a refusal, and drops the rest."""

    status = ""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        found = re.search(r"\berror=(\d{3})\b", record.getMessage())
        self.status = found[1] if found else self.status


def main() -> int:
    """Send it; the exit status."""
    asked = json.load(sys.stdin)
    import apprise  # noqa: PLC0415  # nothing may be logged before this

    heard = _Status(logging.WARNING)
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [heard], False
    channel = apprise.Apprise(asset=apprise.AppriseAsset(app_id="llm-usage", app_desc="llm-usage", app_url=""))
    if not channel.add(asked["address"]):
        return UNKNOWN
    if channel.notify(body=asked["body"], title=asked["title"], body_format=apprise.NotifyFormat.TEXT):
        return SENT
    print(heard.status, end="")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
