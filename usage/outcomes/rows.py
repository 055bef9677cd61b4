"""From usage records to rows: one table, totals per row, a breakdown per model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from usage.grain import BRACKETED, Rule
from usage.language.sentence import Sentence
from usage.money import EXACT, exact_sum, whole_sum
from usage.names import Grain, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.story import describe_share, row_log
from usage.records.allocation import share
from usage.records.breakdown import BreakdownEntry, dearest_first
from usage.records.record import units_of

if TYPE_CHECKING:
    import pandas as pd

Line = Mapping[str, Any]
"""One line of the table's sums; it does not leave this module."""

_ROW: Final = ["provider", "account", "key", "space"]
_WHOLE: Final = ("provider", "account", "space")
"""Of what money without keys is told, and divided among them."""
_ITEM_WITHOUT_NAME: Final = "(sans modèle)"


class Totals(BaseModel):
    """Sums over a source's rows; `None` where no row has the figure."""

    model_config = ConfigDict(frozen=True)

    cost: Decimal | None = None
    """USD, exact."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None
    allocated: Decimal | None = None
    """USD, exact: the part of `cost` that was divided among keys by usage."""


class UsageRow(BaseModel):
    """One row of *Usages*: month x service x workspace x project or key."""

    model_config = ConfigDict(frozen=True)

    key: str
    """`Projet/API Key`: the provider's id, or one of our bracketed words."""
    workspace: str
    name: str
    """Last part of the title: the name people gave the project or key, else its id."""
    models: tuple[str, ...]
    """Dearest first."""
    totals: Totals
    breakdown: tuple[BreakdownEntry, ...]
    """Dearest first; its costs add up to the row's."""
    status: Status
    log: Sentence
    """Sentences that depend on the data alone."""


@dataclass(frozen=True, slots=True)
class LabelledReport:
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


def build_rows(reports: Sequence[LabelledReport]) -> dict[Source, tuple[UsageRow, ...]]:
    """Rows of every source: the records of all of them in one table, summed by row and, within it, by model.

    The costs of the rows add up to the costs of the records, to the last digit, and so do those of each breakdown.
    """
    # pandas takes most of a second to import: not before anything is read.
    from usage.records.table import sum_lines  # noqa: PLC0415

    frame = _keyed(reports)
    details, lines = sum_lines(frame, [*_ROW, "model", "item"]), sum_lines(frame, _ROW)
    divided = _Divided([*details, *lines])
    parts: dict[tuple[str, ...], list[BreakdownEntry]] = {}
    for line in details:
        parts.setdefault(_row_of(line), []).append(_entry(line, divided))
    rows: dict[Source, list[UsageRow]] = {one.report.source: [] for one in reports}
    by_name = {(one.report.source.provider.value, one.report.source.account): one for one in reports}
    for line in lines:
        row = _row_of(line)
        labelled = by_name[row[0], row[1]]
        rows[labelled.report.source].append(_usage_row(labelled, line, dearest_first(parts[row]), divided))
    return {source: tuple(sorted(found, key=lambda row: (row.workspace, row.key))) for source, found in rows.items()}


def totals(rows: Iterable[UsageRow]) -> Totals:
    """Sums over rows; a figure that no row has stays `None`."""
    rows = list(rows)
    return Totals(
        cost=exact_sum(row.totals.cost for row in rows),
        tokens_input=whole_sum(row.totals.tokens_input for row in rows),
        tokens_output=whole_sum(row.totals.tokens_output for row in rows),
        requests=whole_sum(row.totals.requests for row in rows),
        allocated=exact_sum(row.totals.allocated for row in rows),
    )


def _keyed(reports: Sequence[LabelledReport]) -> pd.DataFrame:
    """The table of all records, with two columns more: `key` and `space`."""
    import pandas as pd  # noqa: PLC0415

    from usage.records.table import to_frame  # noqa: PLC0415

    frames = []
    for labelled in reports:
        source, rule = labelled.report.source, labelled.rule
        frame = to_frame([(source, labelled.report.records)])
        frame["key"] = source.account if rule.key == "account" else frame[rule.key].fillna(rule.nobody)
        frame["space"] = labelled.label if rule.workspace == "account" else frame[rule.workspace].fillna("")
        frame["space"] = _one_workspace(frame)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else to_frame([]).assign(key="", space="")


def _one_workspace(frame: pd.DataFrame) -> pd.Series[str]:
    """A key of the provider's is one row, also where it moved from one workspace to another within the month."""
    ours = frame["key"].isin(BRACKETED)
    return frame["space"].where(ours, frame.groupby("key")["space"].transform("max"))


def _row_of(line: Line) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in _ROW)


class _Divided:
    """The money of each workspace or project that was divided among its keys, in all and by model or item."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._sums: dict[tuple[Any, ...], Decimal] = {}
        for line in lines:
            if (part := line.get("allocated")) is not None:
                whole = self._whole_of(line)
                self._sums[whole] = EXACT.add(self._sums.get(whole, Decimal(0)), part)

    def whole(self, line: Line) -> Decimal | None:
        """USD of which the line has a part; None where nothing was divided."""
        return self._sums.get(self._whole_of(line)) if line.get("allocated") is not None else None

    @staticmethod
    def _whole_of(line: Line) -> tuple[Any, ...]:
        return tuple((name, line[name]) for name in (*_WHOLE, "model", "item") if name in line)


def _entry(line: Line, divided: _Divided) -> BreakdownEntry:
    model: str | None = line["model"]
    return BreakdownEntry(
        model=model,
        item=None if model is not None else (line["item"] or _ITEM_WITHOUT_NAME),
        cost=line["cost"],
        allocated=line.get("allocated"),
        share=share(line.get("allocated"), divided.whole(line)),
        requests=line["requests"],
        tokens_input=line["tokens_input"],
        tokens_output=line["tokens_output"],
        units=units_of(line),
    )


def _usage_row(
    labelled: LabelledReport, line: Line, breakdown: tuple[BreakdownEntry, ...], divided: _Divided
) -> UsageRow:
    report, missing = labelled.report.of_row(line["key"], line["space"]), line["missing_amounts"] or 0
    return UsageRow(
        key=line["key"],
        workspace=line["space"],
        name=_name(labelled, line["key"]),
        models=tuple(entry.model for entry in breakdown if entry.model is not None),
        totals=Totals(
            cost=line["cost"],
            tokens_input=line["tokens_input"],
            tokens_output=line["tokens_output"],
            requests=line["requests"],
            allocated=line.get("allocated"),
        ),
        breakdown=breakdown,
        status=_row_status(report, missing),
        log=row_log(
            report,
            has_cost=line["cost"] is not None,
            missing_amounts=missing,
            allocated=describe_share(line.get("allocated"), divided.whole(line)),
        ),
    )


def _row_status(report: SourceReport, missing_amounts: int) -> Status:
    kinds = {gap.kind for gap in report.gaps}
    if missing_amounts or GapKind.MISSING in kinds:
        return Status.PARTIEL
    return Status.DONNEES_INDISPONIBLES if GapKind.UNAVAILABLE in kinds else Status.SUCCES


def _name(labelled: LabelledReport, key: str) -> str:
    kind = labelled.rule.kind
    names = (thing.name for thing in labelled.report.things if thing.kind is kind and thing.id == key)
    return next((name for name in names if name and name.strip()), key)
