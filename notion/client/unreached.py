"""Why no answer came from Notion, and what to do about it: one sentence for each reason."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import httpx
from notion_client.errors import RequestTimeoutError


@dataclass(frozen=True, slots=True)
class Unreached:
    """A request without an answer."""

    sentence: str
    """What happened and what to do, in French: `{host}`, `{path}` and `{kind}` of the error are filled in."""
    is_sent: bool = False
    """Whether Notion may have got the request."""
    may_pass: bool = True
    """Whether trying again can help."""


_CUT: Final = "La connexion à Notion a été coupée ({kind}, {path}) : relancez plus tard."
_REASONS: Final[tuple[tuple[tuple[type[BaseException], ...], Unreached], ...]] = (
    (
        (ssl.SSLCertVerificationError,),
        Unreached(
            "Le certificat de {host} n’est pas reconnu : vérifiez NOTION_BASE_URL et l’heure de cette machine ; "
            "derrière le proxy d’une entreprise, mettez le chemin de son certificat dans SSL_CERT_FILE.",
            may_pass=False,
        ),
    ),
    (
        (httpx.ProxyError,),
        Unreached("Le proxy refuse de mener à {host} : vérifiez HTTPS_PROXY, ou ajoutez {host} à NO_PROXY."),
    ),
    (
        (socket.gaierror,),
        Unreached("L’hôte {host} est introuvable (DNS) : vérifiez NOTION_BASE_URL, HTTPS_PROXY et l’accès à Internet."),
    ),
    (
        (ConnectionRefusedError,),
        Unreached("L’hôte {host} refuse la connexion : vérifiez NOTION_BASE_URL, HTTPS_PROXY et le pare-feu."),
    ),
    (
        (httpx.ConnectTimeout, httpx.PoolTimeout),
        Unreached(
            "L’hôte {host} n’accepte pas la connexion à temps : vérifiez l’accès à Internet, HTTPS_PROXY et le "
            "pare-feu."
        ),
    ),
    ((httpx.ConnectError,), Unreached(_CUT)),
    (
        (httpx.TimeoutException, RequestTimeoutError),
        Unreached("Notion n’a pas répondu à temps ({path}) : relancez plus tard.", is_sent=True),
    ),
)
"""By what is found behind an error; the first that fits counts."""


def why(error: httpx.RequestError | RequestTimeoutError, base_url: str, path: str) -> Unreached:
    """The reason behind an error that a request ended with.

    Args:
        error: Of `httpx`, or the time-out of Notion's client, which hides that of `httpx` behind it.
        base_url: Notion's address in the settings.
        path: What was asked for.
    """
    behind = list(_chain(error))
    fits = (reason for kinds, reason in _REASONS if any(isinstance(one, kinds) for one in behind))
    reason = next(fits, Unreached(_CUT, is_sent=True))
    host = httpx.URL(base_url).host
    return replace(reason, sentence=reason.sentence.format(host=host, path=path, kind=type(error).__name__))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
