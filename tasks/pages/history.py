"""What earlier runs found, kept where the runs are kept: in a table artifact for each month.

Reading earlier months back from Notion would cost requests that a collection does not have; Prefect's server answers
all of them at once. After a first backfill, or some months, the history is whole; before that it is short.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tasks.pages.chart import Costs
from usage.language.reader import phrase
from usage.language.saying import say
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.result import MonthResult, SourceResult


class Known(BaseModel):
    """A source in a month, as the fullest of the latest readings found it."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    status: Status
    cost_usd: Decimal | None
    read_at: datetime
    """UTC."""

    @property
    def source(self) -> Source:
        """Which source it is."""
        return Source(provider=self.provider, account=self.account)


History = Mapping[Month, Mapping[Source, Known]]
_ROWS = TypeAdapter(list[Known])


def read_history(months: Iterable[Month]) -> History:
    """What is known of these months; those of which nothing is known are left out. One request.

    On a server that others use as well, an artifact of the same name may be somebody else's: it is left out, too.
    """
    by_key = {_key(month): month for month in months}
    with get_client(sync_client=True) as client:
        found = client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=list(by_key))),
            limit=len(by_key),
        )
    history: dict[Month, Mapping[Source, Known]] = {}
    for artifact in found:
        try:
            rows = _ROWS.validate_python(_decode(artifact.data))
        except ValidationError:
            told = say("the artifact {key} holds no costs of ours: not compared with", key=artifact.key)
            get_run_logger().warning("%s", told)
            continue
        history[by_key[str(artifact.key)]] = {row.source: row for row in rows}
    return history


def remember(
    result: MonthResult, read_at: Mapping[Source, datetime], before: History, *, sources: Collection[Source]
) -> History:
    """Add a month's result to what is known.

    As in Notion, what was read before stays where the new reading is older or says less. An account that has got
    another name would count twice: of a provider that was read, accounts without a key are forgotten.

    Args:
        result: What was read.
        read_at: When each of its sources was read, UTC.
        before: What is known.
        sources: All that have a key.
    """
    read = {item.provider for item in result.sources}
    earlier = before.get(result.month, {}).values()
    known = {row.source: row for row in earlier if row.provider not in read or row.source in sources}
    for item in result.sources:
        row = _known(item, read_at)
        if row.source not in known or _replaces(row, known[row.source]):
            known[row.source] = row
    return {**before, result.month: known}


def keep(month: Month, history: History) -> None:
    """Keep what is known of a month for later runs; it is no page of the run that found it."""
    rows = sorted(history[month].values(), key=lambda row: (list(ProviderName).index(row.provider), row.account))
    kept = ArtifactCreate(
        key=_key(month),
        type="table",
        data=json.dumps(_ROWS.dump_python(rows, mode="json")),
        description=phrase("Cost of {month} by source, as last read. The next runs compare with it.", month=month),
    )
    with get_client(sync_client=True) as client:
        client.create_artifact(kept)


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


def _known(item: SourceResult, read_at: Mapping[Source, datetime]) -> Known:
    return Known(
        provider=item.provider,
        account=item.account,
        status=item.status,
        cost_usd=item.cost,
        read_at=read_at[item.source],
    )


def _replaces(new: Known, old: Known) -> bool:
    """Whether a reading is to be remembered in place of another."""
    if old.cost_usd is None:
        return True
    if new.cost_usd is None or new.read_at < old.read_at:
        return False
    return new.status is Status.SUCCES or new.cost_usd >= old.cost_usd


def _key(month: Month) -> str:
    return f"costs-{month}"


def _decode(data: object) -> object:
    """Prefect keeps a table as JSON text."""
    return json.loads(data) if isinstance(data, str) else data
