"""How a digest is written for each place that it goes to. Names of projects are other people's text there, too."""

from __future__ import annotations

from typing import Final

from notion.text import one_line
from reports.digest import Style
from usage.language.words import Words

LONGEST: Final = 60
"""A name that is longer can't be taken in at a glance."""
_HARMLESS: Final = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "*": "∗", "_": "＿", "~": "∼"})
"""In a chat these call people, make links or turn letters bold: `<!channel>`, `@here`."""


def _written_out(words: Words, name: str, url: str) -> str:
    return words("{name}: {url}", name=name, url=url)


PLAIN: Final = Style(
    name=lambda text: one_line(text, LONGEST),
    link=_written_out,
    head=lambda line: line,
    item=lambda line: line,
)
"""For a terminal, or a file."""
CHAT: Final = Style(
    name=lambda text: one_line(text.translate(_HARMLESS), LONGEST),
    link=_written_out,
    head=lambda line: line,
    item=lambda line: line,
)
"""For mails and chats, each of which reads some marks of its own into a text."""
