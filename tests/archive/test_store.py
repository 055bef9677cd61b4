"""Object stores on loopback, and what disks and stores say when they refuse."""

from __future__ import annotations

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archive.archive import Archive
from archive.refusals import refusals
from archive.store import FolderStore, Store, StoredFile, open_store
from tests.archive.conftest import Bucket
from usage.errors import ArchiveError

ROOT = Path(__file__).parents[2]


def refused(store: Store) -> set[str]:
    """What the three ways in say."""

    def said(ask: object) -> str:
        with pytest.raises(ArchiveError) as error:
            ask()  # type: ignore[operator]
        return str(error.value)

    return {
        said(lambda: store.write("journal/a", b"1")),
        said(lambda: list(store.files("journal"))),
    }


# An object store


def test_the_endpoint_stands_in_the_environment_or_in_the_address(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(bucket.address).write("journal/a.json", b"{}")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert open_store(bucket.address).read("journal/a.json") == b"{}"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    place = bucket.endpoint.removeprefix("http://")
    store = open_store(f"{bucket.address}?endpoint_override={place}&scheme=http&region=eu-west-3")
    assert list(store.files("journal")) == [StoredFile("journal/a.json", 2)]
    assert store.address == bucket.address


def test_no_proxy_sees_what_is_asked_of_this_machine(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert open_store(bucket.address).read("journal/a") is None
    monkeypatch.delenv("NO_PROXY")
    with pytest.raises(ArchiveError, match="it can't be reached"):
        open_store(bucket.address).read("journal/a")


def test_a_large_file_is_there_whole(bucket: Bucket) -> None:
    store, content = open_store(bucket.address), bytes(range(256)) * (1 << 16)
    store.write("answers/large", content)
    assert store.read("answers/large") == content
    store.remove("answers")
    assert list(store.files("answers")) == []
    assert store.read("answers/large") is None


def test_a_bucket_that_is_missing(bucket: Bucket) -> None:
    said = refused(open_store("s3://nobody-has-this/archive"))
    assert all("s3://nobody-has-this/archive" in one and "no such bucket" in one for one in said)
    assert all("create the bucket" in one for one in said)


def test_a_bucket_that_refuses(bucket: Bucket) -> None:
    store = open_store(bucket.address)
    bucket.refuse()
    said = refused(store)
    assert all(bucket.address in one and "check the key" in one for one in said)
    assert not any("AKIAEXAMPLE" in one or "very-secret" in one for one in said)


def test_an_endpoint_that_is_down(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    said = refused(open_store(bucket.address))
    assert all("it can't be reached" in one for one in said)


def test_a_marker_of_a_folder_is_no_file(bucket: Bucket) -> None:
    store = open_store(bucket.address)
    store.write("journal/2026-01/a.json", b"{}")
    store.remove("journal/2026-01")
    assert list(store.files("")) == []


WRITER = """
import sys
from archive.files.answers import AnswerLog
from archive.archive import Archive
from archive.store import open_store
from tests.archive.test_archive import RECORD, log, report
for _ in range(5):
    Archive(open_store(sys.argv[1])).keep(report(RECORD), log())
"""


@pytest.mark.parametrize("kind", ["bucket", "folder"])
def test_two_programs_keep_the_same_reading_at_the_same_time(kind: str, bucket: Bucket, tmp_path: Path) -> None:
    address = bucket.address if kind == "bucket" else str(tmp_path / "archive")
    with ThreadPoolExecutor() as pool:
        for done in pool.map(lambda _: _run(WRITER, address), range(2)):
            assert done == ""
    archive = Archive(open_store(address))
    (entry,) = archive.entries()
    assert len(archive.records(entry)) == len(list(archive.exchanges(entry))) == 1


def _run(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


# Others


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("abfs://container/archive", "the package that opens such addresses is not installed): install it (adlfs)"),
        ("nosuch://bucket/archive", "nothing here can open such an address"),
        # Its driver wants the host as an argument of its own.
        ("ftp://files.example/archive", "nothing here can open such an address"),
        ("~nobody-of-this-name/archive", "there is no such home folder"),
        ("/dev/null/archive", "Not a directory"),
    ],
)
def test_what_can_t_be_opened(address: str, words: str) -> None:
    with pytest.raises(ArchiveError) as error:
        open_store(address)
    assert words in str(error.value)
    assert address in str(error.value)
    assert "LLM_USAGE_ARCHIVE" in str(error.value)


def test_an_address_of_a_file(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/with%20space").write("a", b"1")
    assert (tmp_path / "with space" / "a").read_bytes() == b"1"


def test_a_folder_that_is_in_the_way(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    (tmp_path / "journal").write_bytes(b"")
    with pytest.raises(ArchiveError, match=f"the archive {tmp_path} can't be written"):
        store.write("journal/a", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "that can be written"),
        (errno.EACCES, "of your own"),
        (errno.EIO, "name another place"),
    ],
)
def test_each_refusal_says_what_to_do(number: int, advice: str) -> None:
    with pytest.raises(ArchiveError, match=advice), refusals("/srv/archive", "written"):
        raise OSError(number, "said so", "/srv/archive/records/x")


def test_what_a_driver_says_beside_is_not_passed_on() -> None:
    class DriverError(Exception):
        """As packages for object stores have them."""

    with pytest.raises(ArchiveError) as error, refusals("gs://bucket/a", "read"):
        raise DriverError("token=secret")
    assert "secret" not in str(error.value)
    assert "DriverError" in str(error.value)


def test_a_mistake_of_the_program_stays_one() -> None:
    with pytest.raises(TypeError), refusals("/srv/archive", "read"):
        raise TypeError
