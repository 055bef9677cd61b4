"""Where the archive's files lie: in a folder of the user's, or in an object store that several machines share.

A file is written whole or not at all, and never changed afterwards. So a program that is killed at any moment leaves
files that can be read, and no lock is needed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from usage.machine.private import private_folder

_CONNECT_SECONDS: Final = 10.0
_REQUEST_SECONDS: Final = 60.0
_PART: Final = ".part"
"""How the name of a file ends that is not whole yet."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the archive: its path below the archive's address, with `/`, and its size in bytes."""

    path: str
    size: int


class Store(Protocol):
    """Files below one address. All methods raise `OSError` where the disk or the object store refuses."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole, in place of one that is there."""
        ...

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is no such file."""
        ...

    def files(self, folder: str) -> Iterator[StoredFile]:
        """All files below a folder, in the order of their paths; none where there is no such folder."""
        ...

    def remove(self, folder: str) -> None:
        """Take a folder away with all that is in it, if it is there."""
        ...


def open_store(address: str) -> Store:
    """The store at an address: a folder, or `s3://bucket/folder` and what else Arrow or fsspec can open.

    Raises:
        OSError: The folder can't be had for this user alone.
        ValueError: Nothing here can open such an address.
        ImportError: The package that opens it is not installed.
    """
    if "://" not in address:
        return FolderStore(Path(address).expanduser())
    if address.startswith("file://"):
        return FolderStore(Path(urlsplit(address).path))
    return ObjectStore(*_filesystem(address))


class FolderStore:
    """Files in a folder that only this user can read.

    Args:
        root: The folder; it is created where it is missing.

    Raises:
        OSError: It can't be created, or it is not this user's own.
    """

    def __init__(self, root: Path) -> None:
        self._root = private_folder(root)

    def write(self, path: str, content: bytes) -> None:
        """See `Store.write`."""
        whole = self._root / path
        self._make(whole.parent)
        part = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}{_PART}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(whole)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise

    def read(self, path: str) -> bytes | None:
        """See `Store.read`."""
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def files(self, folder: str) -> Iterator[StoredFile]:
        """See `Store.files`."""
        for path in sorted((self._root / folder).rglob("*")):
            # Another process may take a file away, or give it its name, meanwhile.
            with suppress(FileNotFoundError):
                if path.is_file() and path.suffix != _PART:
                    yield StoredFile(path.relative_to(self._root).as_posix(), path.stat().st_size)

    def remove(self, folder: str) -> None:
        """See `Store.remove`."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / folder)

    def _make(self, folder: Path) -> None:
        # `parents=True` would give the folders between the mode that the user's umask leaves.
        for one in [*reversed(folder.relative_to(self._root).parents), folder.relative_to(self._root)]:
            (self._root / one).mkdir(mode=0o700, exist_ok=True)


class ObjectStore:
    """Files in an object store: there a file is whole when it appears.

    Args:
        filesystem: What opens it.
        root: The path in it, without a slash at the end.
    """

    def __init__(self, filesystem: pafs.FileSystem, root: str) -> None:
        self._filesystem, self._root = filesystem, root.strip("/")

    def write(self, path: str, content: bytes) -> None:
        """See `Store.write`."""
        with self._filesystem.open_output_stream(f"{self._root}/{path}") as stream:
            stream.write(content)

    def read(self, path: str) -> bytes | None:
        """See `Store.read`."""
        try:
            with self._filesystem.open_input_stream(f"{self._root}/{path}") as stream:
                content: bytes = stream.read()
        except FileNotFoundError:
            return None
        return content

    def files(self, folder: str) -> Iterator[StoredFile]:
        """See `Store.files`."""
        below = pafs.FileSelector(f"{self._root}/{folder}", recursive=True, allow_not_found=True)
        found = [one for one in self._filesystem.get_file_info(below) if one.type is pafs.FileType.File]
        for one in sorted(found, key=lambda one: one.path):
            # Some put a slash before it.
            yield StoredFile(one.path.lstrip("/").removeprefix(f"{self._root}/"), one.size)

    def remove(self, folder: str) -> None:
        """See `Store.remove`."""
        for file in self.files(folder):
            self._filesystem.delete_file(f"{self._root}/{file.path}")


def _filesystem(address: str) -> tuple[pafs.FileSystem, str]:
    parts = urlsplit(address)
    path = f"{parts.netloc}{parts.path}"
    if parts.scheme == "s3":
        # Arrow's own reading of the address leaves requests without a deadline.
        options = dict(parse_qsl(parts.query))
        return pafs.S3FileSystem(**options, connect_timeout=_CONNECT_SECONDS, request_timeout=_REQUEST_SECONDS), path
    try:
        filesystem, folder = pafs.FileSystem.from_uri(address)
    except pa.ArrowInvalid:
        # Not one of Arrow's own. Prefect brings fsspec along, which knows many more.
        import fsspec  # noqa: PLC0415

        return pafs.PyFileSystem(pafs.FSSpecHandler(fsspec.filesystem(parts.scheme))), path
    return filesystem, folder
