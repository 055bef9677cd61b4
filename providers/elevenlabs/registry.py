"""Names of ElevenLabs' keys."""

from __future__ import annotations

from typing import Final

from providers.elevenlabs.endpoints import SERVICE_ACCOUNTS
from providers.elevenlabs.parse import ServiceAccounts
from providers.shared.job import Job
from providers.shared.lines import Notes
from providers.shared.paging import Names
from usage.errors import NotOfferedError, SourceError
from usage.language.saying import say
from usage.names import Kind
from usage.outcomes.report import Thing
from usage.records.record import UsageRecord

_SHORT: Final = 8
"""Characters of a key's hash that stand for its name, where it has none."""


async def list_keys(job: Job) -> ServiceAccounts:
    """The service accounts, whose keys are the only ones that are listed.

    Raises:
        SourceError: They can't be read.
    """
    return (await job.get(SERVICE_ACCOUNTS)).parse(ServiceAccounts)


async def read_names(job: Job) -> Names:
    """Keys of service accounts. Only administrators see them, and a workspace of one person may have none."""
    try:
        listed = await list_keys(job)
    except NotOfferedError:
        return Names()
    except SourceError as error:
        remark = say(
            "The names could not be read, the beginning of the hashes stands for them: {why}", why=error.sentence
        )
        return Names(remarks=(remark,))
    notes = Notes()
    if lost := count_hashless(listed):
        notes.drop(SERVICE_ACCOUNTS, say("keys without a hash"), lost)
    return Names(list_things(listed), notes=notes)


def list_things(accounts: ServiceAccounts) -> tuple[Thing, ...]:
    """All keys of service accounts but those without a hash, which nothing could be joined to."""
    keys = [key for account in accounts.accounts for key in account.keys]
    hashed = [(key.hashed_xi_api_key, key.name) for key in keys]
    return tuple(Thing(kind=Kind.API_KEY, id=an_id, name=name or None) for an_id, name in hashed if an_id)


def count_hashless(accounts: ServiceAccounts) -> int:
    """How many keys are listed without a hash."""
    return sum(not key.hashed_xi_api_key for account in accounts.accounts for key in account.keys)


def name_keys(
    keys: tuple[Thing, ...], labels: tuple[Thing, ...], records: tuple[UsageRecord, ...]
) -> tuple[Thing, ...]:
    """Every key that is listed or was used, with its name in the list, else its label in a table, else the beginning
    of its hash: people's keys are on no list."""
    names = {record.api_key: record.api_key[:_SHORT] for record in records if record.api_key}
    names.update({key.id: key.id[:_SHORT] for key in keys})
    names.update({thing.id: thing.name for thing in (*labels, *keys) if thing.name and thing.name.strip()})
    return tuple(Thing(kind=Kind.API_KEY, id=key, name=name) for key, name in names.items())
