"""Where the archive's files lie: in a folder of the user's, or in an object store that several machines share.

A file is written whole or not at all, and never changed afterwards. So a program that is killed at any moment leaves
files that can be read, and no lock is needed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import pyarrow as pa
import pyarrow.fs as pafs

from archive.refusals import NO_BUCKET, refusals
from usage.language.marks import to_say
from usage.machine.private import private_folder

_CONNECT_SECONDS: Final = 5.0
_REQUEST_SECONDS: Final = 60.0
_PART: Final = ".part"
"""How the name of a file ends that is not whole yet."""
_CLAIM: Final = "claim.json"
_NO_LINKS: Final = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_MEETINGS: Final = 4
"""Times that two which come at the same moment try again."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the archive: its path below the archive's address, with `/`, and its size in bytes."""

    path: str
    size: int


class Store(Protocol):
    """Files below one address. All methods raise `ArchiveError` where the disk or the object store refuses."""

    @property
    def address(self) -> str:
        """What messages call it: nothing secret is in it."""
        ...

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


class ClaimingStore(Store, Protocol):
    """One in which of several programs one is the first."""

    def claim(self, folder: str, content: bytes) -> bool:
        """Put a file into a folder that has none; whether it is this caller's alone.

        Of several that try, one gets it, or none where they come at the very same moment.
        """
        ...


def open_store(address: str) -> ClaimingStore:
    """The store at an address: a folder, or `s3://bucket/folder` and what else Arrow or fsspec can open.

    Raises:
        ArchiveError: The folder can't be had for this user alone; nothing here can open such an address, or the package
            that opens it is not installed.
    """
    plain = address.partition("?")[0]
    with refusals(plain, to_say("opened")):
        if "://" not in address:
            return FolderStore(_at_home(address))
        if address.startswith("file://"):
            return FolderStore(Path(unquote(urlsplit(address).path)))
        return ObjectStore(*_filesystem(address), address=plain)


def _at_home(address: str) -> Path:
    folder = Path(os.path.expanduser(address))
    if not folder.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "there is no such home folder", address)
    return folder


class FolderStore:
    """Files in a folder that only this user can read.

    Args:
        root: The folder; it is created where it is missing.

    Raises:
        ArchiveError: It can't be created, or it is not this user's own.
    """

    def __init__(self, root: Path) -> None:
        self.address = str(root)
        with refusals(self.address, to_say("opened")):
            self._root = private_folder(root)

    def write(self, path: str, content: bytes) -> None:
        """See `Store.write`."""
        with refusals(self.address, to_say("written")):
            self._write(path, content)

    def read(self, path: str) -> bytes | None:
        """See `Store.read`."""
        with refusals(self.address, to_say("read")), suppress(FileNotFoundError):
            return (self._root / path).read_bytes()
        return None

    def claim(self, folder: str, content: bytes) -> bool:
        """See `ClaimingStore.claim`. A file that is whole gets the name by a link: once, on network drives as well."""
        whole = self._root / folder / _CLAIM
        with refusals(self.address, to_say("written")):
            self._make(whole.parent)
            part = self._part_of(whole, content)
            try:
                os.link(part, whole)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return self._create(whole, content)
            finally:
                part.unlink()
        return True

    @staticmethod
    def _create(whole: Path, content: bytes) -> bool:
        """The same where the disk knows no links: then the file is there a moment before its content."""
        try:
            with whole.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        return True

    def files(self, folder: str) -> Iterator[StoredFile]:
        """See `Store.files`."""
        with refusals(self.address, to_say("listed")):
            found = sorted((self._root / folder).rglob("*"))
        for path in found:
            size = self._size(path)
            if size is not None:
                yield StoredFile(path.relative_to(self._root).as_posix(), size)

    def remove(self, folder: str) -> None:
        """See `Store.remove`."""
        with refusals(self.address, to_say("pruned")), suppress(FileNotFoundError):
            shutil.rmtree(self._root / folder)

    def _size(self, path: Path) -> int | None:
        """Bytes of a file; None for what is no file, or not whole yet."""
        # Another process may take a file away, or give it its name, meanwhile.
        with refusals(self.address, to_say("listed")), suppress(FileNotFoundError):
            if path.is_file() and path.suffix != _PART:
                return path.stat().st_size
        return None

    def _write(self, path: str, content: bytes) -> None:
        whole = self._root / path
        self._make(whole.parent)
        part = self._part_of(whole, content)
        try:
            part.replace(whole)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise

    @staticmethod
    def _part_of(whole: Path, content: bytes) -> Path:
        """The content under a name of its own, safely on the disk."""
        part = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}{_PART}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        return part

    def _make(self, folder: Path) -> None:
        # `parents=True` would give the folders between the mode that the user's umask leaves.
        for one in [*reversed(folder.relative_to(self._root).parents), folder.relative_to(self._root)]:
            (self._root / one).mkdir(mode=0o700, exist_ok=True)


class ObjectStore:
    """Files in an object store: there a file is whole when it appears.

    Args:
        filesystem: What opens it.
        root: The path in it.
        address: What messages call it.
    """

    def __init__(self, filesystem: pafs.FileSystem, root: str, *, address: str) -> None:
        self._filesystem, self._root, self.address = filesystem, root.strip("/"), address

    def write(self, path: str, content: bytes) -> None:
        """See `Store.write`."""
        with (
            refusals(self.address, to_say("written")),
            self._filesystem.open_output_stream(f"{self._root}/{path}") as stream,
        ):
            stream.write(content)

    def read(self, path: str) -> bytes | None:
        """See `Store.read`."""
        content: bytes | None = None
        with (
            refusals(self.address, to_say("read")),
            suppress(FileNotFoundError),
            self._filesystem.open_input_stream(f"{self._root}/{path}") as stream,
        ):
            content = stream.read()
        return content

    def claim(self, folder: str, content: bytes) -> bool:
        """See `ClaimingStore.claim`.

        Arrow has no write that an existing file refuses. So each writes a name of its own, and has the claim if it then
        finds itself alone; else it withdraws. Of two, the one that writes later sees the other, since what is written
        is listed at once. Those that meet try again after a pause of chance.
        """
        own = f"{folder}/{secrets.token_hex(8)}"
        for _ in range(_MEETINGS):
            if next(self.files(folder), None) is not None:
                return False
            self.write(own, content)
            if [one.path for one in self.files(folder)] == [own]:
                return True
            with refusals(self.address, to_say("written")):
                self._filesystem.delete_file(f"{self._root}/{own}")
            time.sleep(secrets.randbelow(400) / 1000)
        return False

    def files(self, folder: str) -> Iterator[StoredFile]:
        """See `Store.files`."""
        below = pafs.FileSelector(f"{self._root}/{folder}", recursive=True, allow_not_found=True)
        with refusals(self.address, to_say("listed")):
            found = [one for one in self._filesystem.get_file_info(below) if one.type is pafs.FileType.File]
            if not found:
                self._require_bucket()
        for one in sorted(found, key=lambda one: one.path):
            # Some put a slash before it.
            yield StoredFile(one.path.lstrip("/").removeprefix(f"{self._root}/"), one.size)

    def remove(self, folder: str) -> None:
        """See `Store.remove`."""
        whole = f"{self._root}/{folder}"
        with refusals(self.address, to_say("pruned")), suppress(FileNotFoundError):
            if self._filesystem.get_file_info(whole).type is pafs.FileType.Directory:
                # File by file, Arrow would leave a mark for each folder in an object store.
                self._filesystem.delete_dir(whole)

    def _require_bucket(self) -> None:
        """A bucket that is not there looks like an empty one."""
        if isinstance(self._filesystem, pafs.S3FileSystem):
            bucket = self._root.partition("/")[0]
            if self._filesystem.get_file_info(bucket).type is pafs.FileType.NotFound:
                raise FileNotFoundError(errno.ENOENT, NO_BUCKET, bucket)


def _filesystem(address: str) -> tuple[pafs.FileSystem, str]:
    parts = urlsplit(address)
    path = f"{parts.netloc}{parts.path}"
    if parts.scheme == "s3":
        return _s3(dict(parse_qsl(parts.query))), path
    try:
        filesystem, folder = pafs.FileSystem.from_uri(address)
    except pa.ArrowInvalid:
        # Not one of Arrow's own. Prefect brings fsspec along, which knows many more.
        import fsspec  # noqa: PLC0415

        driver = fsspec.get_filesystem_class(parts.scheme)
        # Some want a host, a user or a token, for which an address has no place. Half-made ones complain as they go.
        _, *wanted = signature(driver.__init__).parameters.values()
        if any(one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD for one in wanted):
            raise ValueError(f"{parts.scheme}: not by an address alone") from None
        return pafs.PyFileSystem(pafs.FSSpecHandler(driver())), path
    return filesystem, folder


def _s3(options: Mapping[str, str]) -> pafs.FileSystem:
    """An object store that speaks S3. Keys come from where Amazon's own tools find them.

    Arrow's own reading of an address leaves requests without a deadline, and knows neither proxies nor the variables of
    an endpoint.
    """
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    endpoint = urlsplit(named if "://" in named else f"https://{named}")
    place = options.get("endpoint_override") or endpoint.netloc
    scheme = options.get("scheme") or endpoint.scheme
    return pafs.S3FileSystem(
        region=options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint_override=place or None,
        scheme=scheme,
        proxy_options=_proxy(scheme, place or "amazonaws.com"),
        tls_ca_file_path=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE"),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
        # A small file is one request in place of three.
        allow_delayed_open=True,
    )


def _proxy(scheme: str, place: str) -> str | None:
    if proxy_bypass(place):
        return None
    proxies = getproxies_environment()
    return proxies.get(scheme) or proxies.get("all")
