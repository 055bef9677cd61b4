"""Which readings of a month can be made again from their answers, and of which sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from archive.archive import Archive
from archive.journal import Entry
from archive.opening import open_archive
from usage.errors import ArchiveError, SettingsError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.settings import Settings


class NoReadingError(ArchiveError):
    """Of a source's month no reading is kept."""


@dataclass(frozen=True, slots=True)
class Replayable:
    """What there is to replay of a month."""

    archive: Archive
    readings: Mapping[Source, Entry | ArchiveError]
    """The last reading of each source, or why there is none."""
    notes: tuple[Sentence, ...]
    """A sentence for each source that is left out."""


def find_readings(
    settings: Settings, month: Month, providers: Collection[ProviderName], account: str | None
) -> Replayable:
    """The last reading of each source that has a key here or is named, and of those whose provider has no key here.

    A source without a key whose provider has one under another name may be the same organisation, renamed. Its older
    reading would take the place of the newer one, so it is replayed only when its account is named.

    Raises:
        SettingsError: The archive is off, empty or out of reach, or has nothing of what was asked for.
    """
    try:
        archive = open_archive(settings)
        if archive is None:
            raise SettingsError(
                say("LLM_USAGE_ARCHIVE is off: there is nothing to replay; name the folder or the store")
            )
        kept = archive.sources(month)
        if not kept and archive.is_empty:
            raise SettingsError(
                say("no reading is kept in {address}: LLM_USAGE_ARCHIVE says where to look", address=archive.address)
            )
        keyed = [credential.source for credential in settings.credentials]
        chosen = _choose(list(dict.fromkeys([*keyed, *kept])), month, providers, account)
        served = {source.provider for source in keyed}
        left = [one for one in chosen if account is None and one not in keyed and one.provider in served]
        readings = {source: _last_reading(archive, month, source) for source in chosen if source not in left}
    except ArchiveError as error:
        raise SettingsError(error.sentence) from None
    notes = (
        say(
            "{source} is left out: it has no key here, and may be another account by its former name. {command} "
            "replays it.",
            source=source,
            command=f"llm-usage replay {month} --provider {source.provider} --account {source.account}",
        )
        for source in left
    )
    return Replayable(archive, readings, tuple(notes))


def _choose(
    found: list[Source], month: Month, providers: Collection[ProviderName], account: str | None
) -> list[Source]:
    for provider in providers:
        if all(source.provider is not provider for source in found):
            raise SettingsError(
                say(
                    "no reading of {provider} is kept for {month}, and it has no key here",
                    provider=provider,
                    month=month,
                )
            )
    chosen = [source for source in found if not providers or source.provider in providers]
    if account is not None:
        known = ", ".join(sorted({source.account for source in chosen}))
        chosen = [source for source in chosen if source.account == account.lower()]
        if not chosen:
            raise SettingsError(
                say(
                    "no account is called {account}: known here are {known}",
                    account=repr(account),
                    known=known or say("none"),
                )
            )
    if not chosen:
        raise SettingsError(say("no reading is kept for {month}, and no provider has a key here", month=month))
    return chosen


def _last_reading(archive: Archive, month: Month, source: Source) -> Entry | ArchiveError:
    try:
        # What a provider no longer had left an empty reading behind that which is wanted.
        latest = archive.latest_within_reach(month, source)
    except ArchiveError as error:
        return error
    return NoReadingError(say("no reading is kept in {address}", address=archive.address)) if latest is None else latest
