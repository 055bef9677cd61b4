"""From usage records to rows: one table, totals per row, a breakdown per model."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from usage.grain import BRACKETED, Rule
from usage.money import exact_sum, plain
from usage.names import Grain, Source, Status
from usage.outcomes.outcome import Totals, UsageRow
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.story import row_log
from usage.records.breakdown import BreakdownEntry, dearest_first
from usage.records.table import UNIT, sum_by, to_frame

Cells = Mapping[Hashable, Any]
"""One line of a DataFrame; it does not leave this module."""

_ROW: Final = ["provider", "account", "key", "space"]
_ITEM_WITHOUT_NAME: Final = "(sans modèle)"


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's report and how its rows are to be cut.

    `label` is the account as Notion shows it; `key_mark` that by which its key is known again.
    """

    report: SourceReport
    grain: Grain
    label: str
    key_mark: str = ""

    @property
    def rule(self) -> Rule:
        """What a row of this source stands for."""
        return self.report.source.provider.spec.grains.rule(self.grain, coarse=self.report.coarse)


def aggregate(readings: Sequence[Reading]) -> dict[Source, tuple[UsageRow, ...]]:
    """Rows of every source: the records of all of them in one table, summed by row and, within it, by model.

    The costs of the rows add up to the costs of the records, to the last digit, and so do those of each breakdown.
    """
    frame = _keyed(readings)
    parts: dict[tuple[str, ...], list[BreakdownEntry]] = {}
    for cells in sum_by(frame, [*_ROW, "model", "item"]).to_dict("records"):
        parts.setdefault(_row_of(cells), []).append(_entry(cells))
    rows: dict[Source, list[UsageRow]] = {reading.report.source: [] for reading in readings}
    by_name = {(str(r.report.source.provider), r.report.source.account): r for r in readings}
    for cells in sum_by(frame, _ROW).to_dict("records"):
        row = _row_of(cells)
        reading = by_name[row[0], row[1]]
        rows[reading.report.source].append(_usage_row(reading, cells, dearest_first(parts[row])))
    return {source: tuple(sorted(found, key=lambda row: (row.workspace, row.key))) for source, found in rows.items()}


def totals(rows: Iterable[UsageRow]) -> Totals:
    """Sums over rows; a figure that no row has stays `None`."""
    rows = list(rows)
    return Totals(
        cost=exact_sum(row.totals.cost for row in rows),
        tokens_input=_count(row.totals.tokens_input for row in rows),
        tokens_output=_count(row.totals.tokens_output for row in rows),
        requests=_count(row.totals.requests for row in rows),
    )


def _count(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _keyed(readings: Sequence[Reading]) -> pd.DataFrame:
    """The table of all records, with two columns more: `key` and `space`."""
    frames = []
    for reading in readings:
        frame = to_frame([(reading.report.source, reading.report.records)])
        rule = reading.rule
        frame["key"] = reading.report.source.account if rule.key == "account" else frame[rule.key].fillna(rule.nobody)
        frame["space"] = reading.label if rule.workspace == "account" else frame[rule.workspace].fillna("")
        frame["space"] = _one_workspace(frame)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else to_frame([]).assign(key="", space="")


def _one_workspace(frame: pd.DataFrame) -> pd.Series[str]:
    """A key of the provider's is one row, also where it moved from one workspace to another within the month."""
    ours = frame["key"].isin(BRACKETED)
    return frame["space"].where(ours, frame.groupby("key")["space"].transform("max"))


def _row_of(cells: Cells) -> tuple[str, ...]:
    return tuple(str(cells[name]) for name in _ROW)


def _entry(cells: Cells) -> BreakdownEntry:
    model = _known(cells["model"])
    item = _known(cells["item"])
    return BreakdownEntry(
        model=model,
        item=None if model is not None else (item or _ITEM_WITHOUT_NAME),
        cost=_amount(cells["cost"]),
        requests=_whole(cells["requests"]),
        tokens_input=_whole(cells["tokens_input"]),
        tokens_output=_whole(cells["tokens_output"]),
        units=tuple(
            (name.removeprefix(UNIT), amount)
            for name in sorted(map(str, cells))
            if name.startswith(UNIT) and (amount := _amount(cells[name])) is not None
        ),
    )


def _usage_row(reading: Reading, cells: Cells, breakdown: tuple[BreakdownEntry, ...]) -> UsageRow:
    report = reading.report.of_row(str(cells["key"]), str(cells["space"]))
    row = Totals(
        cost=_amount(cells["cost"]),
        tokens_input=_whole(cells["tokens_input"]),
        tokens_output=_whole(cells["tokens_output"]),
        requests=_whole(cells["requests"]),
    )
    missing = _whole(cells["missing_amounts"]) or 0
    return UsageRow(
        key=str(cells["key"]),
        workspace=str(cells["space"]),
        name=_name(reading, str(cells["key"])),
        models=tuple(entry.model for entry in breakdown if entry.model is not None),
        totals=row,
        breakdown=breakdown,
        status=_row_status(report, missing),
        log=row_log(report, has_cost=row.cost is not None, missing_amounts=missing),
    )


def _row_status(report: SourceReport, missing_amounts: int) -> Status:
    kinds = {gap.kind for gap in report.gaps}
    if missing_amounts or GapKind.MISSING in kinds:
        return Status.PARTIEL
    return Status.DONNEES_INDISPONIBLES if GapKind.UNAVAILABLE in kinds else Status.SUCCES


def _name(reading: Reading, key: str) -> str:
    kind = reading.rule.kind
    names = (thing.name for thing in reading.report.things if thing.kind is kind and thing.id == key)
    return next((name for name in names if name and name.strip()), key)


def _known(cell: Any) -> str | None:
    return None if pd.isna(cell) else str(cell)


def _whole(cell: Any) -> int | None:
    return None if pd.isna(cell) else int(cell)


def _amount(cell: Any) -> Decimal | None:
    return plain(cell) if isinstance(cell, Decimal) else None
