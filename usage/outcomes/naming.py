"""What people call a status, and how far a month has come. Notion’s options keep their own names."""

from __future__ import annotations

from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Status
from usage.outcomes.proof import MonthState


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


def state_name(state: MonthState) -> Sentence:
    """`closed`."""
    match state:
        case MonthState.OPEN:
            return say("open")
        case MonthState.SETTLED:
            return say("settled")
        case MonthState.CLOSED:
            return say("closed")
