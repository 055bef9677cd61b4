"""What Notion's error answers say, and the sentence a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from notion_client.errors import APIResponseError, HTTPResponseError

from notion.text import one_line


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

    @property
    def says_trash(self) -> bool:
        """Whether the page asked for lies in the trash. Notion has no code for it, only words."""
        return "archived" in self.message or "in trash" in self.message or "in_trash" in self.message


def read_refusal(error: HTTPResponseError) -> Refusal:
    """Read an error answer. The client leaves bodies with codes it does not know, and HTML, unread."""
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
        retry_after=_seconds(asked),
        committed_id=committed if isinstance(committed, str) else None,
        limit=str(more.get("rate_limit_reason") or ""),
        out_of_blocks="block_limit" in more,
    )


def _seconds(asked: str) -> float | None:
    """`Retry-After`: seconds, as Notion writes it, or the date that a proxy may write."""
    if asked.replace(".", "", 1).isdecimal():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        # The HTML page of some proxy: the status has to do.
        return {}
    return body if isinstance(body, dict) else {}


def advice(refusal: Refusal, path: str) -> str:
    """What happened and what to do, in one French sentence."""
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
    if refusal.says_trash:
        return "La ligne est dans la corbeille de Notion : restaurez-la ou relancez la collecte."
    message = one_line(refusal.message, 300)
    return f"Notion refuse la demande {path} (HTTP {refusal.status}, {refusal.code}) : {message}"
