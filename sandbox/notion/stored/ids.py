"""Ids: made up from a seed so that a run can be repeated, read in the forms that Notion accepts."""

from __future__ import annotations

import random
import re
from urllib.parse import quote, unquote
from uuid import UUID

from sandbox.notion.errors import malformed

# The versions and variants that a UUID may have; Notion refuses the others (recorded).
_UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|0{8}-0{4}-0{4}-0{4}-0{12}|f{8}-f{4}-f{4}-f{4}-f{12}"
)
# From ":" to "~": no slash, no dot, no percent sign, so that an id is always one segment of a path.
_PROPERTY_ID_CHARACTERS = [chr(code) for code in range(0x3A, 0x7F)]


class Ids:
    """A stream of ids that is the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """A dashed random UUID."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def property(self) -> str:
        """A property id, unencoded: four characters, some of which have to be encoded in a path."""
        return "".join(self._random.choices(_PROPERTY_ID_CHARACTERS, k=4))


def read_uuid(value: object, path: str, *, part: str = "body") -> str:
    """The dashed form of an id with or without dashes.

    Raises:
        Refusal: 400 naming `path` when it is no valid UUID.
    """
    if isinstance(value, str):
        text = value.lower()
        if re.fullmatch(r"[0-9a-f]{32}", text):
            text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        if _UUID.fullmatch(text):
            return text
    raise malformed(path, "a valid uuid", value, part=part)


def encode_property_id(key: str) -> str:
    """A property id as answers show it: encoded as JavaScript's `encodeURIComponent` does."""
    return quote(key, safe="-_.!~*'()")


def decode_property_id(key: str) -> str:
    """A property id as it is kept, from either form."""
    return unquote(key)
