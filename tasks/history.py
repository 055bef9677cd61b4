"""What earlier runs found, kept where the runs are kept: in a table artifact for each month.

Reading earlier months back from Notion would cost requests that a collection does not have; Prefect's server answers
all of them at once. After a first backfill, or some months, the history is whole; before that it is short.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tasks.chart import Costs
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.result import MonthResult


class Known(BaseModel):
    """A source in a month, as the last run that read it found it."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    status: Status
    cost_usd: Decimal | None

    @property
    def source(self) -> Source:
        """Which source it is."""
        return Source(provider=self.provider, account=self.account)


History = Mapping[Month, Mapping[Source, Known]]
_ROWS = TypeAdapter(list[Known])


def read_history(months: Iterable[Month]) -> History:
    """What is known of these months; those of which nothing is known are left out. One request."""
    by_key = {_key(month): month for month in months}
    with get_client(sync_client=True) as client:
        found = client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=list(by_key))),
            limit=len(by_key),
        )
    history: dict[Month, Mapping[Source, Known]] = {}
    for artifact in found:
        rows = _ROWS.validate_python(_decoded(artifact.data))
        history[by_key[artifact.key]] = {row.source: row for row in rows}
    return history


def remember(result: MonthResult, before: History) -> History:
    """Add a month's result and keep it for later runs; sources that could not be read keep what was known of them."""
    known = dict(before.get(result.month, {}))
    for item in result.sources:
        row = Known(
            provider=item.provider,
            account=item.account,
            status=item.status,
            cost_usd=None if item.cost_usd is None else Decimal(item.cost_usd),
        )
        if item.status is Status.ECHEC and row.source in known:
            # The figures that were read before stay in Notion, too.
            row = known[row.source].model_copy(update={"status": Status.ECHEC})
        known[row.source] = row
    rows = sorted(known.values(), key=lambda row: (list(ProviderName).index(row.provider), row.account))
    create_table_artifact(
        key=_key(result.month),
        table=_ROWS.dump_python(rows, mode="json"),
        description=f"Cost of {result.month} by source, as last read. The next runs compare with it.",
    )
    return {**before, result.month: known}


def by_service(history: History) -> Costs:
    """Cost of each service in each month."""
    return {
        month: {
            provider: total
            for provider in ProviderName
            if (total := exact_sum(row.cost_usd for row in known.values() if row.provider is provider)) is not None
        }
        for month, known in history.items()
    }


def last_months(month: Month, number: int) -> Sequence[Month]:
    """So many months up to and including this one."""
    months = [month]
    while len(months) < number:
        months.insert(0, months[0].previous())
    return months


def _key(month: Month) -> str:
    return f"costs-{month}"


def _decoded(data: object) -> object:
    """Prefect keeps a table as JSON text."""
    return json.loads(data) if isinstance(data, str) else data
