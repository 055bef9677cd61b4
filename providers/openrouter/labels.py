"""Whose figures are these? From the names that analytics show to ids. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Final

from msgspec import structs

from providers.openrouter.endpoints import KEYS
from providers.openrouter.parse import Key, Line
from providers.shared.amounts import FLOAT_TOLERANCE, believable_amount
from usage.grain import LABEL
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import Kind
from usage.outcomes.report import Thing
from usage.records.record import NO_UNITS, Unit, UsageRecord

MODELS_NOT_SPLIT: Final = "(modèles non détaillés)"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def owners(keys: Iterable[Key], shown: str) -> tuple[Key, ...]:
    """The keys of a workspace that a name in its rows may stand for: those that are shown so, else by masked value."""
    keys = tuple(keys)
    return tuple(key for key in keys if key.shown == shown) or tuple(key for key in keys if key.label == shown)


def is_doubtful(key: Key, month: Month, spent: Decimal | None) -> bool:
    """Whether a deleted key of the same name must have had a part in what a name spent in a month (USD).

    Keys are often renewed under their old name. A key that did not exist yet spent nothing, and one made during the
    month not more than in all its life.
    """
    if key.created_at is None:
        return False
    made = key.created_at if key.created_at.tzinfo else key.created_at.replace(tzinfo=UTC)
    if made >= month.end:
        return True
    lifetime = believable_amount(key.usage, KEYS)
    if made < month.start or lifetime is None or spent is None:
        return False
    return difference(spent, lifetime) > FLOAT_TOLERANCE


def unlisted_key(shown: str | None) -> str | None:
    """Id for usage of a key that no list has: `label:<name>`, None where there is no name."""
    return _unlisted(shown, _HASH)


def unlisted_workspace(shown: str | None) -> str | None:
    """Id for usage of a workspace that no list has: `label:<name>`, None where there is no name."""
    return _unlisted(shown, _UUID)


def _unlisted(shown: str | None, an_id: re.Pattern[str]) -> str | None:
    # What a deleted thing is called in rows is not published; an id stays one.
    return shown if not shown or an_id.fullmatch(shown) else f"{LABEL}{shown}"


def remainder(whole: Sequence[UsageRecord], parts: Sequence[UsageRecord]) -> Iterator[UsageRecord]:
    """What a name's figures hold beyond those of the keys that are known to bear it, model by model."""
    for model in dict.fromkeys(record.model for record in whole):
        ours = [record for record in whole if record.model == model]
        theirs = [record for record in parts if record.model == model]
        cost = _left(_cost(ours), _cost(theirs))
        byok = _left(_byok(ours), _byok(theirs)) or Decimal(0)
        counts = [
            _count_left([getattr(r, name) for r in ours], [getattr(r, name) for r in theirs])
            for name in ("tokens_input", "tokens_output", "requests")
        ]
        # Floats leave dust behind.
        if any(count > 0 for count in counts if count) or max(cost or Decimal(0), byok) > FLOAT_TOLERANCE:
            yield UsageRecord(
                model=model,
                cost=cost,
                tokens_input=counts[0],
                tokens_output=counts[1],
                requests=counts[2],
                units=((Unit.BYOK_USD.value, byok),) if byok else NO_UNITS,
            )


def _cost(records: Iterable[UsageRecord]) -> Decimal | None:
    return exact_sum(record.cost for record in records)


def _byok(records: Iterable[UsageRecord]) -> Decimal | None:
    return exact_sum(value for record in records for _, value in record.units)


def _left(whole: Decimal | None, parts: Decimal | None) -> Decimal | None:
    return whole if whole is None or parts is None else difference(whole, parts)


def _count_left(whole: list[int | None], parts: list[int | None]) -> int | None:
    known = [count for count in whole if count is not None]
    return sum(known) - sum(count for count in parts if count is not None) if known else None


def place_outside(by_model: Sequence[Line], by_workspace: Sequence[Line]) -> Iterator[UsageRecord]:
    """Records of deleted workspaces, which rows name but no filter can pick.

    Args:
        by_model: Their lines by key and model.
        by_workspace: The same figures by workspace and key. They say where a name belongs, and stand in for the
            models where two of these workspaces have keys of one name.
    """
    homes: dict[str | None, set[str | None]] = defaultdict(set)
    for line in by_workspace:
        homes[line.key].add(line.workspace)
    for line in by_model:
        if len(homes[line.key]) <= 1:
            home = next(iter(homes[line.key]), None)
            yield structs.replace(line.figures, workspace=unlisted_workspace(home), api_key=unlisted_key(line.key))
    for line in by_workspace:
        if len(homes[line.key]) > 1:
            yield structs.replace(
                line.figures,
                workspace=unlisted_workspace(line.workspace),
                api_key=unlisted_key(line.key),
                item=MODELS_NOT_SPLIT,
            )


def bring_home(record: UsageRecord, name: str | None, workspace: str, keys: Sequence[Key]) -> UsageRecord:
    """A record that `place_outside` gave to a workspace's name, given to the workspace and the key that bear the names.

    `name` is that of a workspace that exists, and `keys` are its keys.
    """
    if name is None or record.workspace != unlisted_workspace(name):
        return record
    shown = (record.api_key or "").removeprefix(LABEL)
    bearers = owners(keys, shown) if shown else ()
    key = bearers[0].hash if len(bearers) == 1 else record.api_key
    return structs.replace(record, workspace=workspace, api_key=key)


@dataclass(frozen=True, slots=True)
class NamedRecords:
    """Records, and the names of what no list has."""

    records: tuple[UsageRecord, ...]
    things: tuple[Thing, ...]


def name_unlisted(records: Sequence[UsageRecord]) -> NamedRecords:
    """The same records, with `label:<name>` carrying its workspace where two workspaces have lost a key of one name.

    A row's key is unique: the two would become one row.
    """
    homes: dict[str, set[str | None]] = defaultdict(set)
    for record in records:
        homes[record.api_key or ""].add(record.workspace)
    renamed: list[UsageRecord] = []
    things: dict[str, Thing] = {}
    for record in records:
        key, workspace = record.api_key, record.workspace
        if key is not None and key.startswith(LABEL):
            name = key.removeprefix(LABEL)
            key = f"{key} ({workspace})" if len(homes[key]) > 1 else key
            things[key] = Thing(kind=Kind.API_KEY, id=key, name=name)
        if workspace is not None and workspace.startswith(LABEL):
            things[workspace] = Thing(kind=Kind.WORKSPACE, id=workspace, name=workspace.removeprefix(LABEL))
        renamed.append(structs.replace(record, api_key=key))
    return NamedRecords(tuple(renamed), tuple(things.values()))
