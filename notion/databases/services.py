"""The five services: which row of *Services* stands for which provider, and its `Statut`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from notion.client.gateway import Gateway
from notion.client.models import Page
from notion.databases.declared import Statut
from notion.databases.found import Found, value_of
from notion.databases.options import chosen_option, option_value
from notion.text import letters
from usage.errors import NotionAccessError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import ProviderName


@dataclass(frozen=True, slots=True)
class Service:
    """A provider's row in *Services*."""

    provider: ProviderName
    page_id: str
    statut: str | None
    """By its declared name where it is one of ours, however people spell it."""
    has_rows: bool
    """Whether *Usages* has rows of it. Taken as true where the relation can't be seen from here."""
    url: str


def read_services(
    gateway: Gateway, found: Found, needed: Collection[ProviderName] = tuple(ProviderName)
) -> tuple[Service, ...]:
    """The services, in one query.

    Args:
        gateway: The connection.
        found: *Services*.
        needed: Providers that must have a row.

    Raises:
        NotionAccessError: One of those needed has none.
        NotionError: Notion can't be read.
    """
    pages = list(gateway.rows(found.data_source_id))
    services = tuple(
        as_service(found, provider, rows[0]) for provider in ProviderName if (rows := rows_of(provider, found, pages))
    )
    known = {service.provider for service in services}
    missing = [provider for provider in ProviderName if provider in needed and provider not in known]
    if missing:
        raise NotionAccessError(missing_sentence(found, missing))
    return services


def missing_sentence(found: Found, providers: Iterable[ProviderName]) -> Sentence:
    """What to do about providers without a row."""
    return say(
        "A row is missing in “{database}” for {services}: run llm-usage setup.",
        database=found.declared.title,
        services=", ".join(provider.label for provider in providers),
    )


def doubles_sentence(found: Found, provider: ProviderName, count: int) -> Sentence:
    """What to do about a provider with several rows."""
    return say(
        "{number} rows of “{database}” are {service}: the oldest counts, delete the others.",
        number=count,
        database=found.declared.title,
        service=provider.label,
    )


def set_statut(gateway: Gateway, found: Found, service: Service, statut: Statut) -> None:
    """Set the `Statut` of a service.

    Raises:
        NotionError: Notion can't be written.
    """
    gateway.update_row(service.page_id, {found.columns["Statut"].id: option_value(found, "Statut", statut.value)})


def rows_of(provider: ProviderName, found: Found, pages: Iterable[Page]) -> list[Page]:
    """Rows that stand for a provider: by `ID Provider`, else by name; the oldest first, then the smallest id."""
    rows = list(pages)
    same = [page for page in rows if letters(id_provider(found, page)) == provider.value]
    if not same:
        named = [page for page in rows if not id_provider(found, page)]
        same = [page for page in named if letters(_text(found, page, "Nom")) == provider.value]
    return sorted(same, key=lambda page: (page.created_time, page.id))


def as_service(found: Found, provider: ProviderName, page: Page) -> Service:
    """A row of *Services* as a service."""
    usages = value_of(found, page, "Usages")
    return Service(
        provider=provider,
        page_id=page.id,
        statut=chosen_option(found, page, "Statut"),
        has_rows=usages is None or bool(usages.relation),
        url=page.url,
    )


def id_provider(found: Found, page: Page) -> str:
    """`ID Provider` as it stands in a row."""
    return _text(found, page, "ID Provider")


def _text(found: Found, page: Page, name: str) -> str:
    value = value_of(found, page, name)
    return value.text.strip() if value is not None else ""
