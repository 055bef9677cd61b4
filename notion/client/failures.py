"""Why a request to Notion failed, and the sentence a person reads: what an error answer says, or why none came."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import httpx
from notion_client.errors import APIResponseError, HTTPResponseError, RequestTimeoutError

from notion.text import one_line
from usage.peers.bodies import BODY_LIMIT, NotJsonError, TooLargeError, UnreadableError, decode
from usage.peers.clock import read_wait

_ABOUT_RELATIONS: Final = re.compile(r"\brelations?\b|\breferences?\b|\b10[ ,.’']?000\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error answer says, read from the parsed error or from the raw body."""

    status: int
    code: str
    message: str
    retry_after: float | None
    """Seconds."""
    committed_id: str | None
    limit: str = ""
    """Of a 429: which limit it is."""
    out_of_blocks: bool = False
    """The free plan's blocks are used up: writing is over until the plan changes."""

    @property
    def blocked(self) -> bool:
        """Whether waiting is of no use."""
        return self.limit == "public_api_request_blocked"

    @property
    def is_connections(self) -> bool:
        """Whether it is this connection's own budget that is used up."""
        return self.limit == "public_api_request_rate_limit"

    @property
    def is_workspaces(self) -> bool:
        """Whether it is the budget that all connections of the workspace share."""
        return self.limit == "public_api_space_request_rate_limit"


def read_refusal(error: HTTPResponseError, now: datetime) -> Refusal:
    """Read an error answer; `now` is when it came.

    Notion's client leaves bodies with codes it does not know, and HTML, unread.
    """
    body = _object(error.body)
    more = body.get("additional_data")
    more = more if isinstance(more, dict) else {}
    asked = str(error.headers.get("retry-after") or more.get("retry_after") or "")
    code = error.code if isinstance(error, APIResponseError) else body.get("code", "")
    committed = more.get("committed_resource_id")
    return Refusal(
        status=error.status,
        code=str(getattr(code, "value", code)),
        message=str(body.get("message", "")),
        retry_after=read_wait(asked, now),
        committed_id=committed if isinstance(committed, str) else None,
        limit=str(more.get("rate_limit_reason") or ""),
        out_of_blocks="block_limit" in more,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        body = decode(text.encode("utf-8", errors="replace"), exact=False)
    except UnreadableError:
        # The HTML page of some proxy: the status has to do.
        return {}
    return body if isinstance(body, dict) else {}


def advice(refusal: Refusal, path: str, *, links: bool = False) -> str:
    """What happened and what to do, in French.

    Args:
        refusal: The error answer.
        path: What was asked.
        links: Whether the request writes a relation: the other side of a two-way one may be full.
    """
    known = {
        401: "Notion refuse le jeton (HTTP 401) : vérifiez NOTION_TOKEN.",
        403: "La connexion Notion n’a pas les droits nécessaires (HTTP 403) : lecture, insertion et mise à jour.",
        404: f"Notion ne trouve pas {path} (HTTP 404) : vérifiez l’identifiant et partagez la page avec la connexion "
        "(••• › Connexions).",
    }
    if refusal.out_of_blocks:
        return "L’espace Notion a atteint la limite de blocs de son offre : changez d’offre ou faites de la place."
    if refusal.status in known:
        return known[refusal.status]
    if refusal.blocked:
        return "Notion bloque cette connexion (HTTP 429) : contactez l’administrateur de l’espace Notion."
    if 300 <= refusal.status < 400:
        return f"Notion renvoie vers une autre adresse (HTTP {refusal.status}) : vérifiez NOTION_BASE_URL."
    message = one_line(refusal.message, 300)
    sentence = f"Notion refuse la demande {path} (HTTP {refusal.status}, {refusal.code}) : {message}"
    if not links or not _ABOUT_RELATIONS.search(refusal.message):
        return sentence
    # No more than others report: how Notion says it has never been seen.
    return (
        f"{sentence.rstrip('. ')}. Si ce service a déjà près de 10 000 lignes, sa relation est pleine : déplacez les "
        "lignes des mois les plus anciens dans une autre base Notion, puis relancez."
    )


def unreadable_sentence(error: UnreadableError, path: str) -> str:
    """What is wrong with the body of an answer, in French."""
    if isinstance(error, TooLargeError):
        return f"La réponse de Notion dépasse {BODY_LIMIT // 1024**2} Mio ({path}) : vérifiez NOTION_BASE_URL."
    if isinstance(error, NotJsonError):
        what = "une page HTML" if error.is_html else "un corps illisible ou coupé"
        return f"Notion a répondu {what} au lieu de JSON ({path}) : vérifiez NOTION_BASE_URL et le proxy."
    return f"Notion a répondu du JSON démesuré ({type(error).__name__}, {path}) : vérifiez NOTION_BASE_URL."


# -- no answer at all


@dataclass(frozen=True, slots=True)
class Silence:
    """A request without an answer."""

    sentence: str
    """What happened and what to do, in French: `{host}`, `{path}` and `{kind}` of the error are filled in."""
    is_sent: bool = False
    """Whether Notion may have got the request."""
    may_pass: bool = True
    """Whether trying again can help."""


_CUT: Final = "La connexion à Notion a été coupée ({kind}, {path}) : relancez plus tard."
_REASONS: Final[tuple[tuple[tuple[type[BaseException], ...], Silence], ...]] = (
    (
        (ssl.SSLCertVerificationError,),
        Silence(
            "Le certificat de {host} n’est pas reconnu : vérifiez NOTION_BASE_URL et l’heure de cette machine ; "
            "derrière le proxy d’une entreprise, mettez le chemin de son certificat dans SSL_CERT_FILE.",
            may_pass=False,
        ),
    ),
    (
        (httpx.ProxyError,),
        Silence("Le proxy refuse de mener à {host} : vérifiez HTTPS_PROXY, ou ajoutez {host} à NO_PROXY."),
    ),
    (
        (socket.gaierror,),
        Silence("L’hôte {host} est introuvable (DNS) : vérifiez NOTION_BASE_URL, HTTPS_PROXY et l’accès à Internet."),
    ),
    (
        (ConnectionRefusedError,),
        Silence("L’hôte {host} refuse la connexion : vérifiez NOTION_BASE_URL, HTTPS_PROXY et le pare-feu."),
    ),
    (
        (httpx.ConnectTimeout, httpx.PoolTimeout),
        Silence(
            "L’hôte {host} n’accepte pas la connexion à temps : vérifiez l’accès à Internet, HTTPS_PROXY et le "
            "pare-feu."
        ),
    ),
    ((httpx.ConnectError,), Silence(_CUT)),
    (
        (httpx.TimeoutException, RequestTimeoutError),
        Silence("Notion n’a pas répondu à temps ({path}) : relancez plus tard.", is_sent=True),
    ),
)
"""By what is found behind an error; the first that fits counts."""


def read_silence(error: httpx.RequestError | RequestTimeoutError, base_url: str, path: str) -> Silence:
    """The reason behind an error that a request ended with.

    Args:
        error: Of `httpx`, or the time-out of Notion's client, which hides that of `httpx` behind it.
        base_url: Notion's address in the settings.
        path: What was asked for.
    """
    behind = list(_chain(error))
    fits = (reason for kinds, reason in _REASONS if any(isinstance(one, kinds) for one in behind))
    reason = next(fits, Silence(_CUT, is_sent=True))
    host = httpx.URL(base_url).host
    return replace(reason, sentence=reason.sentence.format(host=host, path=path, kind=type(error).__name__))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
