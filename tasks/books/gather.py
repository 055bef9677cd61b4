"""The ledger of some months, from Notion's rows and the archive's readings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archive.archive import Archive
from archive.opening import open_archive
from notion.proofs import proof_of
from notion.rows.titles import name_of, provider_of
from notion.rows.values import Existing, Values
from notion.workspace import Workspace
from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.errors import ArchiveError
from usage.grain import COLLECTION, Rule, canonical_workspace, is_ours
from usage.money import exact_sum, whole_sum
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.records.breakdown import BreakdownEntry, read_json
from usage.records.record import UsageRecord
from usage.settings import Settings

_log = logging.getLogger(__name__)


def gather(settings: Settings, workspace: Workspace, months: Iterable[Month]) -> Ledger:
    """The ledger of some months; one query of Notion for each page of 100 rows of each month.

    An archive that can't be read is said in a warning, and the figures come from Notion alone, without days.

    Args:
        settings: All settings.
        workspace: The two databases.
        months: Which months.

    Raises:
        NotionError: Notion can't be read.
    """
    archive = _archive(settings)
    found = tuple(_month(settings, workspace, archive, month) for month in sorted(set(months)))
    return Ledger(found, settings.now(), workspace.databases.usages.url)


def _archive(settings: Settings) -> Archive | None:
    try:
        return open_archive(settings)
    except ArchiveError as error:
        _log.warning("%s Reports come without days.", error)
        return None


def _month(settings: Settings, workspace: Workspace, archive: Archive | None, month: Month) -> MonthLedger:
    services = {service.provider: service.page_id for service in workspace.services}
    rows: dict[ProviderName, list[Existing]] = {}
    for row in workspace.rows(month):
        provider = provider_of(row, services)
        if provider is not None:
            rows.setdefault(provider, []).append(row)
    ledger_rows: list[LedgerRow] = []
    sources: list[SourceMonth] = []
    for provider in (name for name in ProviderName if name in rows):
        own = [row.values for row in rows[provider] if row.values.key == COLLECTION]
        labels = _labels(settings, provider, own)
        kept = list(_kept_groups(archive, month, provider, labels))
        data = [row for row in rows[provider] if row.values.key != COLLECTION]
        ledger_rows += [_row(row, month, provider, labels, kept) for row in data]
        sources += [_source(values, provider) for values in own]
    return MonthLedger(month, tuple(ledger_rows), tuple(sources))


def _labels(settings: Settings, provider: ProviderName, own: Iterable[Values]) -> dict[str, str]:
    """Accounts of a provider and how Notion shows each; those whose key has gone are known by their own rows."""
    labels = {values.workspace: values.workspace for values in own if values.workspace}
    sources = [one.source for one in settings.credentials if one.source.provider is provider]
    return labels | {source.account: settings.label(source) for source in sources}


@dataclass(frozen=True, slots=True)
class _Group:
    """Records of a kept reading that belong to one row."""

    account: str
    key: str
    workspace: str
    records: tuple[UsageRecord, ...]


def _kept_groups(
    archive: Archive | None, month: Month, provider: ProviderName, labels: Mapping[str, str]
) -> Iterator[_Group]:
    """What the latest readings of a month hold, cut into rows by each rule that the provider's rows may follow."""
    if archive is None:
        return
    try:
        readings = [
            (source, archive.records(entry))
            for source in archive.sources(month)
            if source.provider is provider and (entry := archive.latest_within_reach(month, source)) is not None
        ]
    except ArchiveError as error:
        _log.warning("%s %s comes without days in %s.", error, provider.label, month)
        return
    grains = provider.spec.grains
    for rule in dict.fromkeys((grains.project, grains.api_key, grains.coarse)):
        for source, records in readings:
            yield from _grouped(source, records, rule, labels.get(source.account, source.account))


def _grouped(source: Source, records: Iterable[UsageRecord], rule: Rule, label: str) -> Iterator[_Group]:
    groups: dict[tuple[str, str], list[UsageRecord]] = {}
    for record in records:
        key, workspace = record.row_under(rule)
        key, workspace = source.account if key is None else key, workspace or label
        groups.setdefault((key, workspace if is_ours(key) else ""), []).append(record)
    for (key, workspace), members in groups.items():
        yield _Group(label, key, workspace, tuple(members))


def _row(
    row: Existing, month: Month, provider: ProviderName, labels: Mapping[str, str], kept: Sequence[_Group]
) -> LedgerRow:
    values = row.values
    group = next((one for one in kept if _is_of(one, values) and _tells(one.records, values)), None)
    records = _records_of(values, provider) if group is None else group.records
    return LedgerRow(
        month=month,
        provider=provider,
        account=_account(values, labels) if group is None else group.account,
        key=values.key,
        workspace=values.workspace,
        name=name_of(values, provider, labels.values()),
        records=records,
        by_day=group is not None and all(record.day is not None for record in records),
        status=Status(values.status) if values.status in set(Status) else None,
        log=values.log,
        own=tuple(OwnColumn(note.name, note.texts) for note in row.notes if note.texts),
        url=row.url,
    )


def _is_of(group: _Group, values: Values) -> bool:
    if group.key != values.key:
        return False
    return not group.workspace or canonical_workspace(group.workspace) == canonical_workspace(values.workspace)


def _tells(records: Sequence[UsageRecord], values: Values) -> bool:
    """Whether records come to the figures that Notion shows, which are doubles."""
    cost = exact_sum(record.cost for record in records)
    if (None if cost is None else float(cost)) != (None if values.cost is None else float(values.cost)):
        return False
    names = ("tokens_input", "tokens_output", "requests")
    return all(whole_sum(getattr(record, name) for record in records) == getattr(values, name) for name in names)


def _account(values: Values, labels: Mapping[str, str]) -> str:
    """The account that a row bears in its title or as its workspace."""
    ends = (label for label in labels.values() if label and values.title.endswith(f" ({label})"))
    return next(ends, values.workspace if values.workspace in labels.values() else "")


def _records_of(values: Values, provider: ProviderName) -> tuple[UsageRecord, ...]:
    """What a row tells of itself: its breakdown where that comes to its figures, else these alone."""
    bare = _bare_record(values, provider)
    records = tuple(_record_of(entry, bare) for entry in read_json(values.breakdown) or ())
    if records and _tells(records, values):
        return records
    figures = replace(
        bare,
        cost=values.dollars,
        tokens_input=_whole(values.tokens_input),
        tokens_output=_whole(values.tokens_output),
        requests=_whole(values.requests),
    )
    return (figures,)


def _bare_record(values: Values, provider: ProviderName) -> UsageRecord:
    """A record with the ids that a row's key and workspace are, and no figures."""
    rule = provider.spec.grains.rule_of_row(values.key, values.workspace, ())
    found: dict[str, str] = {rule.workspace: values.workspace, rule.key: "" if is_ours(values.key) else values.key}
    return UsageRecord(
        workspace=found.get("workspace") or None,
        project=found.get("project") or None,
        api_key=found.get("api_key") or None,
    )


def _record_of(entry: BreakdownEntry, bare: UsageRecord) -> UsageRecord:
    return replace(
        bare,
        model=entry.model,
        item=entry.item,
        cost=entry.cost,
        tokens_input=entry.tokens_input,
        tokens_output=entry.tokens_output,
        requests=entry.requests,
        units=entry.units,
    )


def _whole(count: int | float | None) -> int | None:
    return None if count is None else int(count)


def _source(values: Values, provider: ProviderName) -> SourceMonth:
    return SourceMonth(
        provider=provider,
        account=values.workspace,
        status=Status(values.status) if values.status in set(Status) else None,
        log=values.log,
        proof=proof_of(values, provider),
    )
