"""What the files for a Prefect server say to people, in the reader's language: descriptions, forms, alerts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from usage.language.choice import Language, of_the_reader
from usage.language.reader import phrase

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

_FOR_PEOPLE: Final = ("title", "description", "subject", "body", "message")


def tell_deployments(client: SyncPrefectClient, deployments: Iterable[DeploymentResponse]) -> None:
    """Put descriptions and forms, which `prefect deploy` has made in English, into the reader's language on the server.

    Names, parameters and whatever is not a sentence of ours stay.
    """
    from prefect.client.schemas.actions import DeploymentUpdate  # noqa: PLC0415

    if of_the_reader(os.environ) is Language.EN:
        return
    for deployment in deployments:
        told = told_in_the_readers_language(
            {
                "description": deployment.description,
                "parameter_openapi_schema": deployment.parameter_openapi_schema,
            }
        )
        client.update_deployment(deployment.id, DeploymentUpdate(**told))


def told_in_the_readers_language(schema: Any) -> Any:
    """JSON whose texts for people are told as the reader wants; those that are none of our sentences stay."""
    match schema:
        case dict():
            return {
                name: _told(value)
                if name in _FOR_PEOPLE and isinstance(value, str)
                else told_in_the_readers_language(value)
                for name, value in schema.items()
            }
        case list():
            return [told_in_the_readers_language(one) for one in schema]
        case _:
            return schema


def _told(text: str) -> str:
    try:
        # The places of an alert are Prefect's to fill.
        return phrase(text.replace("{", "{{").replace("}", "}}"))
    except LookupError:
        # What somebody has written into a file of their own, or a title that Prefect has made.
        return text
