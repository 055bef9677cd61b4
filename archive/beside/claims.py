"""Who does a thing that is to be done once, whichever of several programs comes first, and whether it is done.

A claim is a file that only one can make. Whoever has made it does the thing and then writes down that it is done, or
that it failed. A claim that says neither is another program's at work; after a while that program is taken for dead,
and the next one may try. Below the store's address lie `told/`, the thing, and its attempts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from archive.store import ClaimingStore

FOLDER: Final = "told"
LEASE: Final = timedelta(minutes=10)
"""After which a program that has said nothing more is taken for dead. What is done under a claim takes less."""
_DONE: Final = "done.json"
_FAILED: Final = "failed.json"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do a thing, which nobody else has."""

    thing: str
    attempt: int


class Claims:
    """Claims at one address.

    Args:
        store: Where the files lie.
    """

    def __init__(self, store: ClaimingStore) -> None:
        self._store = store

    def take(self, thing: str, now: datetime) -> Claim | None:
        """The right to do a thing; None where it is done, or another program is at it.

        Args:
            thing: Words with `/` between them, fit for a file's name.
            now: By the machine's clock, UTC.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        names = self._names(thing)
        if _DONE in names:
            return None
        attempts = [int(name.partition("/")[0]) for name in names if name[:4].isdecimal()]
        last = max(attempts, default=0)
        if last and f"{last:04}/{_FAILED}" not in names and not self._is_dead(thing, last, names, now):
            return None
        claim = Claim(thing, last + 1)
        is_ours = self._store.claim(self._folder(claim), json.dumps({"at": now.isoformat()}).encode())
        return claim if is_ours else None

    def done(self, claim: Claim, now: datetime) -> None:
        """The thing is done: nobody gets a claim to it any more.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        self._store.write(f"{FOLDER}/{claim.thing}/{_DONE}", json.dumps({"at": now.isoformat()}).encode())

    def failed(self, claim: Claim) -> None:
        """The thing could not be done: the next one may try at once.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        self._store.write(f"{self._folder(claim)}/{_FAILED}", b"{}")

    def _names(self, thing: str) -> frozenset[str]:
        begin = f"{FOLDER}/{thing}/"
        return frozenset(one.path.removeprefix(begin) for one in self._store.files(begin.rstrip("/")))

    @staticmethod
    def _folder(claim: Claim) -> str:
        return f"{FOLDER}/{claim.thing}/{claim.attempt:04}"

    def _is_dead(self, thing: str, attempt: int, names: frozenset[str], now: datetime) -> bool:
        """Whether no claim of an attempt is so young that somebody may be at work."""
        files = [name for name in names if name.startswith(f"{attempt:04}/")]
        begun = [self._begun(f"{FOLDER}/{thing}/{name}") for name in files]
        return all(at is None or abs(now - at) >= LEASE for at in begun)

    def _begun(self, path: str) -> datetime | None:
        try:
            found: Any = json.loads(self._store.read(path) or b"null")
            return datetime.fromisoformat(found["at"])
        except (ValueError, TypeError, KeyError):
            # Somebody has written into it, or taken it away: it holds nobody up.
            return None
