"""What a disk or an object store says when it refuses, in one sentence that says what to do, too."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from usage.errors import ArchiveError
from usage.language.marks import to_say
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.language.sentence import Sentence

_AWS: Final = re.compile(r"AWS Error ([A-Z][A-Z_0-9]*)(?: \(HTTP status (\d+)\))?")
"""How Arrow begins to quote an object store. What comes behind it is the server's own, and stays out."""
NO_BUCKET: Final = to_say("no such bucket")
_ROOM: Final = to_say(
    "make room (`llm-usage archive prune` takes old months away), or name another place in LLM_USAGE_ARCHIVE"
)
_RIGHTS: Final = to_say("check the key, and its rights to list, read, write and delete there")
_BUCKET: Final = to_say("create the bucket, or name another place in LLM_USAGE_ARCHIVE")
_REACH: Final = to_say("try again when it answers, or name another place in LLM_USAGE_ARCHIVE")
_OTHER: Final = to_say("name another place in LLM_USAGE_ARCHIVE, or off")
_ADVICE: Final = {
    "ENOSPC": _ROOM,
    "EDQUOT": _ROOM,
    "EACCES": to_say("name a folder of your own in LLM_USAGE_ARCHIVE, or off"),
    "EPERM": to_say("name a folder of your own in LLM_USAGE_ARCHIVE, or off"),
    "EROFS": to_say("name a folder that can be written in LLM_USAGE_ARCHIVE, or off"),
    "NO_SUCH_BUCKET": _BUCKET,
    "NETWORK_CONNECTION": _REACH,
    "SLOW_DOWN": _REACH,
    "SERVICE_UNAVAILABLE": _REACH,
    "INTERNAL_FAILURE": _REACH,
    "ACCESS_DENIED": _RIGHTS,
    "INVALID_ACCESS_KEY_ID": _RIGHTS,
    "SIGNATURE_DOES_NOT_MATCH": _RIGHTS,
    "HTTP 401": _RIGHTS,
    "HTTP 403": _RIGHTS,
    "HTTP 301": to_say("name the bucket's region: s3://bucket/folder?region=…"),
    "HTTP 400": to_say("name the bucket's region: s3://bucket/folder?region=…"),
}

_WORDS: Final = {"NO_SUCH_BUCKET": NO_BUCKET, "NETWORK_CONNECTION": to_say("it can't be reached")}


@contextmanager
def refusals(address: Sentence | str, what: str) -> Iterator[None]:
    """Say in one sentence what goes wrong in the block.

    Args:
        address: Of the archive, without anything secret.
        what: What the block does, like `written`, from the catalogue.

    Raises:
        ArchiveError: Something goes wrong. What packages for object stores raise is up to each of them.
    """
    try:
        yield
    except (ArchiveError, TypeError, AttributeError, NameError):
        # The last three are mistakes of a program, not refusals.
        raise
    except Exception as error:
        reason, advice = _reason(error)
        raise ArchiveError(
            say(
                "the archive {address} can't be {what} ({reason}): {advice}",
                address=address,
                what=say(what),
                reason=reason,
                advice=advice,
            )
        ) from error


def _reason(error: Exception) -> tuple[Sentence, Sentence]:
    """Why, in words that hold nothing secret, and what to do."""
    if isinstance(error, ImportError):
        needed = _needed(error)
        return say("the package that opens such addresses is not installed"), say(
            "install it ({package}), or {other}", package=needed, other=say(_OTHER)
        )
    if isinstance(error, ValueError):
        return say("nothing here can open such an address"), say(_OTHER)
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        if error.strerror == NO_BUCKET:
            return say(NO_BUCKET), say(_ADVICE["NO_SUCH_BUCKET"])
        return reason_of(error), say(_ADVICE.get(errno.errorcode.get(error.errno, ""), _OTHER))
    said = _AWS.search(str(error))
    if said is None:
        return Sentence.of(type(error).__name__), say(_OTHER)
    kind = f"HTTP {said[2]}" if said[2] else said[1]
    # Other kinds are the package's own words.
    words = say(_WORDS[kind]) if kind in _WORDS else Sentence.of(kind if said[2] else kind.lower().replace("_", " "))
    return words, say(_ADVICE.get(kind, _OTHER))


def _needed(error: ImportError) -> Sentence:
    # fsspec writes “Install adlfs to access …”, Python names the module.
    named = re.match(r"(?:Please )?[Ii]nstall (\w+)", str(error))
    name = named[1] if named else error.name
    return Sentence.of(name) if name else say("see fsspec's list of packages")
