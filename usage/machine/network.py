"""What the environment says about proxies and certificates, checked and put right in one place.

The libraries below us read these variables themselves, each in its own way: one does not know ranges and stumbles over
`[::1]`, none spares an address of this machine a proxy unless it is told to, and a slip of the pen becomes a traceback.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.settings import LOOPBACK

_PROXIES: Final = ("http", "https", "all")
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")
"""How OpenSSL wants the files of a folder of certificates to be called."""

_PLAIN: Final = re.compile(r"([a-z0-9]+://)?[^/\s]+/?", re.IGNORECASE)
"""What a proxy's address looks like: nothing comes behind its host and port."""
_LAST_PORT: Final = 65_535


def asks_directly(address: str) -> bool:
    """Whether what is sent to an address goes in clear, which settings allow on this machine alone.

    No proxy may see it: a client for such an address does not look at the environment.
    """
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


@contextmanager
def network(addresses: Callable[[], Iterable[str]]) -> Iterator[None]:
    """See to it that the environment's proxies and certificates can be used as they are meant, while the block runs.

    `NO_PROXY` is written anew: what lies on this machine is in it, ranges stand for the addresses that they hold of
    those which may be asked, and brackets and asterisks are written as the libraries read them.

    Args:
        addresses: Addresses that may be asked; called only where `NO_PROXY` holds a range.

    Raises:
        SettingsError: A variable that can't be used. Its value is not shown: a proxy's address may hold a password.
    """
    _check_key_log(os.environ.get("SSLKEYLOGFILE", ""))
    check_certificates(os.environ)
    proxies = getproxies_environment()
    if not any(proxies.get(scheme) for scheme in _PROXIES):
        yield
        return
    _check_proxies()
    spared = ",".join(_spared(proxies.get("no", ""), addresses))
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    os.environ |= dict.fromkeys(before, spared)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ |= {} if value is None else {name: value}


def check_certificates(values: Mapping[str, str]) -> None:
    """See whether the files of certificates that variables name can be used.

    Raises:
        SettingsError: One can't.
    """
    for name in ("SSL_CERT_FILE", "PREFECT_API_SSL_CERT_FILE"):
        if values.get(name):
            _check_bundle(name, values[name])
    folders = values.get("SSL_CERT_DIR")
    if folders and not values.get("SSL_CERT_FILE") and not any(map(_has_certificates, folders.split(os.pathsep))):
        raise SettingsError(
            say(
                "SSL_CERT_DIR: the folder it names holds no certificate under a name that OpenSSL finds; prepare "
                "the folder with `openssl rehash`, or take the variable away"
            )
        )


def _check_bundle(name: str, path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        reason: object = say("there is no certificate in it")
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("that is no path")
    else:
        return
    raise SettingsError(
        say(
            "{name}: the file it names can't be read ({reason}); name another, or take the variable away",
            name=name,
            reason=reason,
        )
    )


def _check_key_log(path: str) -> None:
    """Every encrypted connection would fail where the file that its keys shall be written to can't be."""
    if not path:
        return
    try:
        Path(path).open("ab").close()
    except OSError as error:
        raise SettingsError(
            say(
                "SSLKEYLOGFILE: the file it names can't be written ({strerror}); name another, or take the "
                "variable away",
                strerror=reason_of(error),
            )
        ) from None


def _has_certificates(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(file.name) for file in Path(folder).iterdir())
    except (OSError, ValueError):
        return False


def _check_proxies() -> None:
    import httpx  # noqa: PLC0415  # takes its time, and most machines have no proxy

    for scheme in _PROXIES:
        name = f"{scheme}_proxy" if f"{scheme}_proxy" in os.environ else f"{scheme}_proxy".upper()
        address = os.environ.get(name, "")
        try:
            # As the client reads it: a host alone is meant to be asked in HTTP.
            proxy = httpx.Proxy(address if "://" in address else f"http://{address}").url
            is_usable = _PLAIN.fullmatch(address) is not None and bool(proxy.host) and (proxy.port or 0) <= _LAST_PORT
        except (ValueError, httpx.InvalidURL):
            is_usable = False
        if address and not is_usable:
            raise SettingsError(
                say(
                    "{name}: that is not the address of a proxy; give http://, https:// or socks5:// with its "
                    "host and port, or take the variable away",
                    name=name,
                )
            )


def _spared(text: str, addresses: Callable[[], Iterable[str]]) -> Iterator[str]:
    """What `NO_PROXY` says, entry by entry, as the libraries read it; at last what lies on this machine."""
    for number, entry in enumerate(re.findall(r"[^,\s]+", text), 1):
        plain = _without_brackets(entry)
        held = _range(plain)
        if held is not None:
            yield from (host for host in map(_host, addresses()) if _lies_in(host, held))
        elif _is_pattern(plain):
            yield plain
        else:
            raise SettingsError(
                say("NO_PROXY: its entry {number_} is neither a host nor a range of addresses", number_=number)
            )
    yield from LOOPBACK


def _without_brackets(entry: str) -> str:
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](:\d+)?", entry)
    if bracketed:
        return bracketed[1]
    # `*.example.com` means what everybody else writes `.example.com`.
    return entry[1:] if entry.startswith("*.") else entry


def _range(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False) if "/" in entry else None
    except ValueError:
        return None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        # Whoever needs that address says what is wrong with it.
        return ""


def _lies_in(host: str, held: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(host) in held
    except ValueError:
        # A name: what it stands for is not asked, as with other programs.
        return False


def _is_pattern(entry: str) -> bool:
    """Whether it names hosts; the clients take a scheme and a port, too."""
    import httpx  # noqa: PLC0415

    host = entry.partition("://")[2] or entry
    try:
        ip_address(host)
    except ValueError:
        try:
            httpx.URL(entry if "://" in entry else f"all://*{host}")
        except httpx.InvalidURL:
            return False
    return "/" not in host
