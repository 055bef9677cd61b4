"""What a disk or an object store says when it refuses, in one sentence that says what to do, too."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from usage.errors import ArchiveError

_AWS: Final = re.compile(r"AWS Error ([A-Z][A-Z_0-9]*)(?: \(HTTP status (\d+)\))?")
"""How Arrow begins to quote an object store. What comes behind it is the server's own, and stays out."""
NO_BUCKET: Final = "no such bucket"
_ROOM: Final = "make room (`llm-usage archive prune` takes old months away), or name another place in LLM_USAGE_ARCHIVE"
_RIGHTS: Final = "check the key, and its rights to list, read, write and delete there"
_BUCKET: Final = "create the bucket, or name another place in LLM_USAGE_ARCHIVE"
_REACH: Final = "try again when it answers, or name another place in LLM_USAGE_ARCHIVE"
_OTHER: Final = "name another place in LLM_USAGE_ARCHIVE, or off"
_ADVICE: Final = {
    "ENOSPC": _ROOM,
    "EDQUOT": _ROOM,
    "EACCES": "name a folder of your own in LLM_USAGE_ARCHIVE, or off",
    "EPERM": "name a folder of your own in LLM_USAGE_ARCHIVE, or off",
    "EROFS": "name a folder that can be written in LLM_USAGE_ARCHIVE, or off",
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
    "HTTP 301": "name the bucket's region: s3://bucket/folder?region=…",
    "HTTP 400": "name the bucket's region: s3://bucket/folder?region=…",
}

_WORDS: Final = {"NO_SUCH_BUCKET": NO_BUCKET, "NETWORK_CONNECTION": "it can't be reached"}


@contextmanager
def refusals(address: str, what: str) -> Iterator[None]:
    """Say in one sentence what goes wrong in the block.

    Args:
        address: Of the archive, without anything secret.
        what: What the block does, like `written`.

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
        raise ArchiveError(f"the archive {address} can't be {what} ({reason}): {advice}") from error


def _reason(error: Exception) -> tuple[str, str]:
    """Why, in words that hold nothing secret, and what to do."""
    if isinstance(error, ImportError):
        return "the package that opens such addresses is not installed", f"install it ({_needed(error)}), or {_OTHER}"
    if isinstance(error, ValueError):
        return "nothing here can open such an address", _OTHER
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        kind = "NO_SUCH_BUCKET" if error.strerror == NO_BUCKET else errno.errorcode.get(error.errno, "")
        return error.strerror, _ADVICE.get(kind, _OTHER)
    said = _AWS.search(str(error))
    if said is None:
        return type(error).__name__, _OTHER
    kind = f"HTTP {said[2]}" if said[2] else said[1]
    words = kind if said[2] else _WORDS.get(kind, kind.lower().replace("_", " "))
    return words, _ADVICE.get(kind, _OTHER)


def _needed(error: ImportError) -> str:
    # fsspec writes “Install adlfs to access …”, Python names the module.
    named = re.match(r"(?:Please )?[Ii]nstall (\w+)", str(error))
    return named[1] if named else (error.name or "see fsspec's list of packages")
