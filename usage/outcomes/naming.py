"""What people call a status. Notion's options keep their own names."""

from __future__ import annotations

from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Status


def status_name(status: Status) -> Sentence:
    """`Partial`."""
    match status:
        case Status.SUCCES:
            return say("Success")
        case Status.ECHEC:
            return say("Failure")
        case Status.PARTIEL:
            return say("Partial")
        case Status.DONNEES_INDISPONIBLES:
            return say("No data to be had")
