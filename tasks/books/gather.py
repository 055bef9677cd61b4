"""The ledger of some months, from Notion's rows and the archive's readings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from msgspec import structs

from archive.archive import Archive
from archive.journal import Entry
from archive.opening import open_archive
from notion.proofs import proof_of
from notion.rows.receipt import read_receipt
from notion.rows.titles import name_of, provider_of
from notion.rows.values import Existing, Values
from notion.text import printable
from notion.workspace import Workspace
from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.errors import ArchiveError
from usage.grain import COLLECTION, Rule, canonical_workspace, is_ours
from usage.language.saying import say
from usage.money import exact_sum, whole_sum
from usage.month import Month
from usage.names import Grain, ProviderName, Source, Status
from usage.records.breakdown import BreakdownEntry, read_json
from usage.records.record import UsageRecord
from usage.settings import Settings

_log = logging.getLogger(__name__)


def gather(
    settings: Settings,
    workspace: Workspace,
    months: Iterable[Month],
    known: Mapping[Month, Sequence[Existing]] = MappingProxyType({}),
) -> Ledger:
    """The ledger of some months; one query of Notion for each page of 100 rows of each month.

    An archive that can't be read is said in a warning, and the figures come from Notion alone, without days.

    Args:
        settings: All settings.
        workspace: The two databases.
        months: Which months.
        known: Rows of months that were read already, or are about to be written.

    Raises:
        NotionError: Notion can't be read.
    """
    archive = _archive(settings)
    found = tuple(
        _month(settings, workspace, archive, month, known[month] if month in known else workspace.rows(month))
        for month in sorted(set(months))
    )
    language = settings.reports.notion_language
    return Ledger(found, settings.now(), workspace.databases.usages.url, language)


def gather_kept(settings: Settings, workspace: Workspace, month: Month, own: Iterable[Existing]) -> MonthLedger:
    """A month from the archive and the sources' own rows, where its other rows would cost too many requests.

    What the archive does not have as the own row tells it counts as not read. Rows have their keys for names.

    Args:
        settings: All settings.
        workspace: The two databases.
        month: The month.
        own: The sources' own rows.
    """
    archive = _archive(settings)
    services = {service.provider: service.page_id for service in workspace.services}
    rows: list[LedgerRow] = []
    sources: list[SourceMonth] = []
    for values, provider in ((row.values, provider_of(row, services)) for row in own):
        if provider is None:
            continue
        labels = _labels(settings, provider, [values])
        kept = None if archive is None else _kept_rows(archive, month, provider, labels, values)
        rows += kept or ()
        source = _source(values, provider)
        sources.append(source if kept is not None else replace(source, proof=None))
    return MonthLedger(month, tuple(rows), tuple(sources))


def _kept_rows(
    archive: Archive, month: Month, provider: ProviderName, labels: Mapping[str, str], own: Values
) -> list[LedgerRow] | None:
    """The rows of the reading that a source's own row tells of; None where the archive does not have it."""
    receipt = read_receipt(own.breakdown)
    if receipt is None or receipt.read_at is None:
        return None
    for source, records in _readings(archive, month, provider, labels, [own]):
        cost = exact_sum(record.cost for record in records)
        if labels.get(source.account, source.account) == own.workspace and _as_double(cost) == _as_double(
            receipt.cost_usd
        ):
            rule = provider.spec.grains.rule(Grain(receipt.grain)) if receipt.grain in set(Grain) else None
            if rule is None or (rule.kind is not None and not any(getattr(r, rule.key) for r in records)):
                rule = provider.spec.grains.coarse
            groups = _grouped(source, records, rule, own.workspace)
            return [_kept_row(one, month, provider) for one in groups]
    return None


def _kept_row(group: _Group, month: Month, provider: ProviderName) -> LedgerRow:
    return LedgerRow(
        month=month,
        provider=provider,
        account=group.account,
        key=group.key,
        workspace=group.workspace,
        name=group.key,
        records=group.records,
        by_day=all(record.day is not None for record in group.records),
    )


def _archive(settings: Settings) -> Archive | None:
    try:
        return open_archive(settings)
    except ArchiveError as error:
        _log.warning("%s", say("Reports come without days: {why}", why=error.sentence))
        return None


def _month(
    settings: Settings, workspace: Workspace, archive: Archive | None, month: Month, known: Iterable[Existing]
) -> MonthLedger:
    services = {service.provider: service.page_id for service in workspace.services}
    rows: dict[ProviderName, list[Existing]] = {}
    for row in known:
        provider = provider_of(row, services)
        if provider is not None:
            rows.setdefault(provider, []).append(row)
    ledger_rows: list[LedgerRow] = []
    sources: list[SourceMonth] = []
    for provider in (name for name in ProviderName if name in rows):
        own = [row.values for row in rows[provider] if row.values.key == COLLECTION]
        labels = _labels(settings, provider, own)
        kept = [] if archive is None else list(_kept_groups(archive, month, provider, labels, own))
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
    archive: Archive, month: Month, provider: ProviderName, labels: Mapping[str, str], own: Sequence[Values]
) -> Iterator[_Group]:
    """What readings of a month hold, cut into rows by each rule that the provider's rows may follow."""
    grains = provider.spec.grains
    for source, records in _readings(archive, month, provider, labels, own):
        for rule in dict.fromkeys((grains.project, grains.api_key, grains.coarse)):
            yield from _grouped(source, records, rule, labels.get(source.account, source.account))


def _readings(
    archive: Archive, month: Month, provider: ProviderName, labels: Mapping[str, str], own: Sequence[Values]
) -> Iterator[tuple[Source, tuple[UsageRecord, ...]]]:
    """The records of the readings that Notion's rows may show."""
    read_at = {
        values.workspace: receipt.read_at
        for values in own
        if (receipt := read_receipt(values.breakdown)) is not None and receipt.read_at is not None
    }
    try:
        sources = [source for source in archive.sources(month) if source.provider is provider]
    except ArchiveError as error:
        _without_days(error, provider.label, month)
        return
    for source in sources:
        try:
            # What a provider no longer had tells nothing of what it was.
            entries = [entry for entry in archive.entries(month, source) if not entry.is_out_of_reach]
            shown = read_at.get(labels.get(source.account, source.account))
            for entry in _told(entries, shown):
                yield source, archive.records(entry)
        except ArchiveError as error:
            _without_days(error, source, month)


def _told(entries: Iterable[Entry], shown: datetime | None) -> list[Entry]:
    """The latest reading, and the one that Notion shows: a dry run keeps what it has read, too."""
    latest = max(entries, key=lambda entry: entry.order, default=None)
    written = [entry for entry in entries if entry.read_at == shown]
    candidates = [max(written, key=lambda entry: entry.order)] if written else []
    candidates += [latest] if latest is not None else []
    return list({entry.records.sha256: entry for entry in candidates}.values())


def _grouped(source: Source, records: Iterable[UsageRecord], rule: Rule, label: str) -> Iterator[_Group]:
    groups: dict[tuple[str, str], list[UsageRecord]] = {}
    for record in records:
        key, workspace = record.row_under(rule)
        # Usage of no workspace is the account's, as in the rows.
        key, workspace = source.account if key is None else key, workspace or label
        groups.setdefault((key, workspace if is_ours(key) else ""), []).append(record)
    for (key, workspace), members in groups.items():
        yield _Group(label, key, workspace, tuple(members))


def _row(
    row: Existing, month: Month, provider: ProviderName, labels: Mapping[str, str], kept: Sequence[_Group]
) -> LedgerRow:
    values = row.values
    account = _account(values, labels)
    groups = [one for one in kept if _is_of(one, values) and _tells(one.records, values)]
    # Two accounts may both reach an id.
    group = next((one for one in groups if one.account == account), next(iter(groups), None))
    records = _records_of(values, provider) if group is None else group.records
    return LedgerRow(
        month=month,
        provider=provider,
        account=account if group is None else group.account,
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
    if printable(group.key) != values.key:
        return False
    here, there = canonical_workspace(printable(group.workspace)), canonical_workspace(values.workspace)
    return not is_ours(values.key) or here == there


def _tells(records: Sequence[UsageRecord], values: Values) -> bool:
    """Whether records come to the figures that Notion shows, which are doubles."""
    if _as_double(exact_sum(record.cost for record in records)) != _as_double(values.cost):
        return False
    names = ("tokens_input", "tokens_output", "requests")
    return all(whole_sum(getattr(record, name) for record in records) == getattr(values, name) for name in names)


def _as_double(amount: Decimal | float | None) -> float | None:
    return None if amount is None else float(amount)


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
    figures = structs.replace(
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
    return structs.replace(
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
        organisation=receipt.organisation if (receipt := read_receipt(values.breakdown)) is not None else None,
    )


def _without_days(error: ArchiveError, whose: object, month: Month) -> None:
    told = say("{why} {source} comes without days in {month}.", why=error.sentence, source=whose, month=month)
    _log.warning("%s", told)
