"""The five rows of *Services*: made where they are missing, filled where they are empty."""

from __future__ import annotations

from typing import Any

from notion.client.gateway import Gateway
from notion.client.models import Page
from notion.databases.declared import Statut
from notion.databases.found import Found, value_of
from notion.databases.options import option_value
from notion.databases.services import as_service, doubles_sentence, id_provider, rows_of
from notion.setup.log import SetupLog
from notion.setup.steps import added_service, filled
from usage.names import ProviderName


def seed_services(gateway: Gateway, found: Found, configured: frozenset[ProviderName], log: SetupLog) -> list[Page]:
    """Give each provider its row in *Services*; the rows.

    People's rows of the same name are taken: they get their `ID Provider`. A row that a person made is never doubled,
    nor are `Notes` touched, nor a `Statut` set to `Inactif`.

    Raises:
        NotionError: Notion can't be read or written.
    """
    seeded: list[Page] = []
    pages = list(gateway.rows(found.data_source_id))
    for provider in ProviderName:
        rows = rows_of(provider, found, pages)
        if not rows:
            seeded.append(_create(gateway, found, provider, configured))
            log.steps.append(added_service(provider.label))
            continue
        if len(rows) > 1:
            log.warnings.append(doubles_sentence(found, provider, len(rows)))
        changes = _changes(found, provider, rows[0], configured)
        if changes:
            rows[0] = gateway.update_row(rows[0].id, _named(found, changes))
            log.steps.append(filled(provider.label, changes))
        seeded.append(rows[0])
    return seeded


def _create(gateway: Gateway, found: Found, provider: ProviderName, configured: frozenset[ProviderName]) -> Page:
    values = _named(found, _first_values(found, provider, configured))

    def find(page_id: str | None) -> Page | None:
        if page_id is not None:
            return gateway.page(page_id)
        return next(iter(rows_of(provider, found, gateway.rows(found.data_source_id))), None)

    return gateway.create_once(lambda: gateway.create_row(found.data_source_id, values), find)


def _first_values(found: Found, provider: ProviderName, configured: frozenset[ProviderName]) -> dict[str, Any]:
    statut = Statut.ACTIF if provider in configured else Statut.EN_ATTENTE
    values = {
        "Nom": {"title": _text(provider.label)},
        "Statut": option_value(found, "Statut", statut.value),
        "URL Console": {"url": provider.spec.console},
        "ID Provider": {"rich_text": _text(provider.value)},
    }
    return {name: value for name, value in values.items() if found.has(name)}


def _changes(
    found: Found, provider: ProviderName, page: Page, configured: frozenset[ProviderName]
) -> dict[str, dict[str, Any]]:
    """What an existing row lacks. A `Statut` that isn't one of ours is a person's."""
    changes: dict[str, dict[str, Any]] = {}
    if found.has("ID Provider") and not id_provider(found, page):
        changes["ID Provider"] = {"rich_text": _text(provider.value)}
    url = value_of(found, page, "URL Console")
    if url is not None and not url.url:
        changes["URL Console"] = {"url": provider.spec.console}
    service = as_service(found, provider, page)
    statut: Statut | None = None
    if provider in configured and service.statut in (None, Statut.EN_ATTENTE):
        statut = Statut.ACTIF
    elif provider not in configured and service.statut in (None, Statut.ACTIF) and not service.has_rows:
        statut = Statut.EN_ATTENTE
    elif service.statut is None:
        statut = Statut.ACTIF
    if statut is not None and found.has("Statut"):
        changes["Statut"] = option_value(found, "Statut", statut.value)
    return changes


def _named(found: Found, values: dict[str, Any]) -> dict[str, Any]:
    """Values under the ids that their columns have in this database."""
    return {found.columns[name].id: value for name, value in values.items()}


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": text}}]
