"""What is done once: of several programs one does it, and one that has died does not stop it for ever."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.beside.claims import LEASE, Claims
from archive.store import ClaimingStore, FolderStore, open_store
from tests.archive.conftest import Bucket

AT = datetime(2026, 2, 5, 8, tzinfo=UTC)
THING = "digest/2026-01/closed/0a1b2c3d"


@pytest.fixture(params=["folder", "bucket"])
def open_it(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ClaimingStore]:
    if request.param == "folder":
        return lambda: FolderStore(tmp_path / "archive")
    address = request.getfixturevalue("bucket").address
    return lambda: open_store(address)


def test_one_at_a_time_and_then_never_again(open_it: Callable[[], ClaimingStore]) -> None:
    one, other = Claims(open_it()), Claims(open_it())
    claim = one.take(THING, AT)
    assert claim is not None
    assert other.take(THING, AT + timedelta(minutes=1)) is None
    assert other.take("digest/2026-01/closed/another", AT) is not None
    one.done(claim, AT)
    assert other.take(THING, AT + timedelta(days=30)) is None


def test_what_failed_can_be_tried_again_at_once(open_it: Callable[[], ClaimingStore]) -> None:
    claims = Claims(open_it())
    for _ in range(3):
        claim = claims.take(THING, AT)
        assert claim is not None
        claims.failed(claim)
    claim = claims.take(THING, AT)
    assert claim is not None
    assert claim.attempt == 4
    assert claims.take(THING, AT) is None


def test_one_that_has_died_holds_nobody_up_for_ever(open_it: Callable[[], ClaimingStore]) -> None:
    claims = Claims(open_it())
    assert claims.take(THING, AT) is not None
    assert claims.take(THING, AT + LEASE - timedelta(seconds=1)) is None
    assert claims.take(THING, AT + LEASE) is not None
    assert claims.take(THING, AT + LEASE) is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"at": 5}', b'{"at": "yesterday"}', b"\xff"])
def test_a_claim_that_nobody_can_read_holds_nobody_up(tmp_path: Path, content: bytes) -> None:
    store = FolderStore(tmp_path)
    store.write(f"told/{THING}/0001/claim.json", content)
    assert Claims(store).take(THING, AT) is not None


def racing(open_it: Callable[[], ClaimingStore], count: int, at: datetime = AT) -> int:
    """How many of several that come at the same moment get it."""
    ready = threading.Barrier(count)

    def take(_: int) -> bool:
        claims = Claims(open_it())
        ready.wait()
        return claims.take(THING, at) is not None

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(take, range(count)))


def test_of_several_at_the_same_moment_not_two_get_it(open_it: Callable[[], ClaimingStore]) -> None:
    assert racing(open_it, 6) <= 1
    # Those that met and all withdrew leave it to the next one.
    claims = Claims(open_it())
    later = AT + LEASE
    assert racing(open_it, 6, later) <= 1
    assert claims.take(THING, later + LEASE) is not None


def test_in_a_folder_one_of_them_gets_it(tmp_path: Path) -> None:
    assert racing(lambda: FolderStore(tmp_path), 8) == 1
    assert racing(lambda: FolderStore(tmp_path), 8, AT + LEASE) == 1


def test_a_disk_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store = FolderStore(tmp_path)
    assert store.claim("told/a/0001", b"{}")
    assert not store.claim("told/a/0001", b"{}")
    assert [(one.path, one.size) for one in store.files("told")] == [("told/a/0001/claim.json", 2)]


def test_a_bucket_holds_no_claim_of_those_that_withdrew(bucket: Bucket) -> None:
    store = open_store(bucket.address)
    assert store.claim("told/a/0001", b"{}")
    assert not store.claim("told/a/0001", b"{}")
    assert len(list(store.files("told"))) == 1
