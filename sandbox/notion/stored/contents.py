"""What cells hold. An empty cell holds none of these."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.notion.stored.dates import DateSpan
from sandbox.notion.stored.text import Text


@dataclass(frozen=True, slots=True)
class Words:
    """A title or rich text."""

    text: Text


@dataclass(frozen=True, slots=True)
class Link:
    """A url, an e-mail address or a phone number."""

    address: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number: a double, as in JSON."""

    number: float


@dataclass(frozen=True, slots=True)
class Check:
    """A ticked box or not."""

    ticked: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Ids of chosen options."""

    option_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Ids of linked pages, in the order in which they were linked."""

    page_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class People:
    """Ids of users."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: an upload of ours, or an address elsewhere."""

    name: str
    upload_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Attached files."""

    files: tuple[Attachment, ...]


Value = Words | Link | Amount | Check | Choice | Links | People | Files | DateSpan
"""What a cell holds; an empty cell holds none."""
