"""Errors, by what the reader must do about them.

::

    LlmUsageError
    ├── SettingsError            fix the settings or the arguments; nothing was done
    ├── SourceError              a source could not be read; the other sources go on
    │   ├── CredentialError      fix the key or its scope; never retried
    │   ├── TransientError       wait and try again
    │   │   └── StaleCursorError restart the listing
    │   ├── RefusedError         the request was refused as it stands (400, 422)
    │   ├── UnavailableError     accept that the data does not exist there
    │   │   └── NotOfferedError  the endpoint does not exist for this account (404)
    │   ├── ContractError        the answer is not what the API promises; report it
    │   └── IncompleteError      the source was read in part (`usage.outcomes.report`)
    ├── ArchiveError             the archive could not be read or written; collecting goes on without it
    └── NotionError              Notion could not be read or written
        ├── NotionAccessError    fix the connection, the page's sharing or the schema
        └── NotionBusyError      wait and try again

What an error says is one short `Sentence`: it is shown in Notion, in the Prefect UI and on the terminal, each in its
own language. It never holds a key, a header, a query string or a body.
"""

from __future__ import annotations

from usage.language.sentence import Sentence


class LlmUsageError(Exception):
    """Root of all errors that this package raises on purpose.

    Args:
        sentence: What happened and what to do.
    """

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(self.sentence)

    def __str__(self) -> str:
        """What it says, in the language of whoever runs the program."""
        return str(self.sentence)


class SettingsError(LlmUsageError):
    """The settings or the arguments can't be used; the message lists all that is wrong, one line each."""


class SourceError(LlmUsageError):
    """A source could not be read.

    Args:
        sentence: What happened and what to do.
        status: HTTP status, where there was an answer.
    """

    def __init__(self, sentence: Sentence, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class CredentialError(SourceError):
    """The key is wrong, of the wrong kind, or lacks a scope."""


class TransientError(SourceError):
    """Waiting can mend it: rate limit, server error, time-out, cut connection.

    Args:
        sentence: What happened.
        status: HTTP status, where there was an answer.
        retry_after: Seconds the server asked to wait, where it did.
        final: True when waiting as long as the server asks is more than a run can do.
    """

    def __init__(
        self,
        sentence: Sentence,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(sentence, status=status)
        self.retry_after = retry_after
        self.final = final


class StaleCursorError(TransientError):
    """The listing changed while it was being paged (410): it has to be read again from its first page."""


class RefusedError(SourceError):
    """The server refuses the request as it stands (400, 402, 405, 413, 422)."""


class UnavailableError(SourceError):
    """The provider does not have, or does not offer, what was asked for."""


class NotOfferedError(UnavailableError):
    """The endpoint answers 404: this account does not have it."""


class ContractError(SourceError):
    """The answer is not what the API promises: paging that loops, a missing field, a page of HTML."""


class ArchiveError(LlmUsageError):
    """The archive can't be opened, read or written; what it says names it, and no key."""


class NotionError(LlmUsageError):
    """Notion could not be read or written."""


class NotionAccessError(NotionError):
    """The connection, the sharing of a page or the schema has to be put right by a person.

    `status` is the HTTP status, where there was an answer.
    """

    def __init__(self, sentence: Sentence, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class NotionBusyError(NotionError):
    """Notion did not answer usably, several times over; the next run completes the work."""
