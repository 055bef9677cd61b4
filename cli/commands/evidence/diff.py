"""`llm-usage diff`: the providers are asked again, and what they say now is held against Notion and the archive."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.text import Text

from archive.archive import Archive
from archive.history import at_one_grain, compare
from archive.opening import open_archive
from cli.display import STYLES, Display, literal, new_table, note, out
from cli.moves import Moved, exact, old_and_new, other_figures
from notion.client.gateway import Gateway
from notion.plan.differences import RowDifference
from notion.rows.values import COLUMNS, FIGURES, Values
from notion.workspace import Workspace
from providers.reading import read_source
from usage.errors import ArchiveError, SettingsError, SourceError
from usage.language.marks import headings
from usage.language.reader import phrase, reader_words
from usage.language.saying import say, say_count
from usage.language.sentence import Sentence
from usage.money import digits, exact_sum, tell_apart
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.naming import status_name
from usage.outcomes.outcome import build_outcomes
from usage.outcomes.progress import PageRead, SourceBegun, SourceEnded, tell
from usage.outcomes.report import SourceReport
from usage.outcomes.rows import LabelledReport
from usage.settings import Settings, load_settings

_MOST_SHOWN = 20
"""Lines of what moved since a source's last reading that the table has; `--json` has all."""


class RowFigures(BaseModel):
    """Figures of a row. The cost is text with every digit that is known: of Notion's, those of a double."""

    model_config = ConfigDict(frozen=True)

    cost_usd: str | None
    tokens_input: int | float | None
    tokens_output: int | float | None
    requests: int | float | None


class RowDiff(BaseModel):
    """A row of *Usages* that shows other figures than the provider does now."""

    model_config = ConfigDict(frozen=True)

    row: str
    """Its title."""
    key: str
    workspace: str
    notion: RowFigures
    """All None where Notion has no such row."""
    now: RowFigures
    """All None where the provider's answer does not have it."""
    columns: tuple[str, ...]
    """Those that differ, by their names in Notion."""


class LastReading(BaseModel):
    """The last reading in the archive, and what has moved since."""

    model_config = ConfigDict(frozen=True)

    read_at: datetime
    """UTC."""
    cost_usd: str | None
    moves: tuple[Moved, ...]


class SourceDiff(BaseModel):
    """What one source says now, and where it differs."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    status: Status
    cost_usd: str | None
    """What the provider says now, exact."""
    problems: tuple[str, ...] = ()
    """Why it could not be read or compared, or what is missing."""
    notion: tuple[RowDiff, ...] = ()
    last_reading: LastReading | None = None
    """None where none is kept."""

    @property
    def name(self) -> str:
        """The source's."""
        return Source(provider=self.provider, account=self.account).name

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.notion or (self.last_reading is not None and self.last_reading.moves))


class Diff(BaseModel):
    """The object that `--json` prints."""

    model_config = ConfigDict(frozen=True)

    month: str
    differs: bool
    archive: str | None
    """Its address; None where it is off or can't be opened."""
    sources: tuple[SourceDiff, ...]


@dataclass(frozen=True, slots=True)
class _Archive:
    """The archive, or why it can't be opened; neither where it is off."""

    archive: Archive | None = None
    problem: str | None = None


def run(arguments: argparse.Namespace) -> int:
    """Ask, compare and print; writes nothing. 1 where something differs, or could not be read or compared.

    Raises:
        SettingsError: Arguments or settings that can't be used.
        NotionError: Notion can't be read.
    """
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now())
    sources = settings.select(map(ProviderName, arguments.provider), arguments.account)
    archive = _open_archive(settings)
    with closing(Gateway(settings.notion)) as gateway:
        workspace = Workspace(settings, frozenset(), gateway)
        if not arguments.provider:
            sources = [one for one in sources if one.provider not in workspace.inactive]
        if not sources:
            raise SettingsError(say("every provider that has a key is Inactif in Notion: name one with --provider"))
        with Display(quiet=arguments.json):
            read = asyncio.run(_read(settings, sources, month))
        rows = _against_notion(settings, workspace, month, read)
    found = tuple(_source_diff(settings, source, got, rows[source], archive) for source, got in read.items())
    diff = Diff(
        month=str(month),
        differs=any(one.differs for one in found),
        archive=archive.archive.address if archive.archive is not None else None,
        sources=found,
    )
    if arguments.json:
        print(diff.model_dump_json())
    else:
        _print(diff)
    return 1 if diff.differs or any(one.problems for one in found) else 0


_Read = Mapping[Source, SourceReport | SourceError]


async def _read(settings: Settings, sources: Sequence[Source], month: Month) -> _Read:
    async def one(source: Source) -> SourceReport | SourceError:
        tell(SourceBegun(source, month))
        try:
            got: SourceReport | SourceError = await read_source(
                settings, source, month, on_page=lambda: tell(PageRead(source, month))
            )
        except SourceError as error:
            got = error
        tell(SourceEnded(source, month, got.status if isinstance(got, SourceReport) else Status.ECHEC))
        return got

    return dict(zip(sources, await asyncio.gather(*map(one, sources)), strict=True))


def _is_comparable(got: SourceReport | SourceError) -> bool:
    """Whether anything was read: a month that the provider no longer offers says nothing about its figures."""
    return isinstance(got, SourceReport) and bool(got.records or not got.gaps)


def _against_notion(
    settings: Settings, workspace: Workspace, month: Month, read: _Read
) -> Mapping[Source, list[RowDiff]]:
    reports = [
        LabelledReport(
            got.by_month(),
            settings.grains[source.provider],
            settings.label(source),
            settings.credential(source).mark,
        )
        for source, got in read.items()
        if isinstance(got, SourceReport) and _is_comparable(got)
    ]
    rows: dict[Source, list[RowDiff]] = {source: [] for source in read}
    for one in workspace.differences(month, build_outcomes(reports, [])):
        rows[one.source].append(_row_diff(one))
    return rows


def _row_diff(one: RowDifference) -> RowDiff:
    return RowDiff(
        row=one.row.title,
        key=one.row.key,
        workspace=one.row.workspace,
        notion=_row_figures(one.notion),
        now=_row_figures(one.now),
        columns=tuple(COLUMNS[name] for name in one.figures),
    )


def _row_figures(values: Values) -> RowFigures:
    return RowFigures(
        cost_usd=exact(values.dollars),
        tokens_input=values.tokens_input,
        tokens_output=values.tokens_output,
        requests=values.requests,
    )


def _open_archive(settings: Settings) -> _Archive:
    try:
        return _Archive(open_archive(settings))
    except ArchiveError as error:
        return _Archive(problem=str(error))


def _source_diff(
    settings: Settings,
    source: Source,
    got: SourceReport | SourceError,
    rows: Sequence[RowDiff],
    archive: _Archive,
) -> SourceDiff:
    if not isinstance(got, SourceReport):
        problems: tuple[str, ...] = (str(got.sentence),)
        status, cost = Status.ECHEC, None
    else:
        problems = tuple(map(str, got.missing if _is_comparable(got) else (gap.sentence for gap in got.gaps)))
        status, cost = got.status, exact_sum(record.cost for record in got.records)
    last = None
    if isinstance(got, SourceReport) and _is_comparable(got):
        try:
            last = _since(archive.archive, settings, got)
        except ArchiveError as error:
            problems += (str(error),)
        problems += (archive.problem,) if archive.problem is not None else ()
    return SourceDiff(
        provider=source.provider,
        account=source.account,
        status=status,
        cost_usd=exact(cost),
        problems=problems,
        notion=tuple(rows),
        last_reading=last,
    )


def _since(archive: Archive | None, settings: Settings, report: SourceReport) -> LastReading | None:
    """What has moved since the last reading of this organisation that is kept; None where there is none."""
    if archive is None:
        return None
    source = report.source
    mark = settings.credential(source).mark
    entry = archive.latest_within_reach(report.month, source, lambda one: one.is_of(report.organisation, mark))
    if entry is None:
        return None
    grains = entry.grain, settings.grains[source.provider]
    old, new, _ = at_one_grain(archive.records(entry), report.records, grains)
    moves = tuple(Moved.of(move) for move in compare(old, new))
    return LastReading(read_at=entry.read_at, cost_usd=exact(entry.cost_usd), moves=moves)


def _print(diff: Diff) -> None:
    console = out()
    _print_notion(console, diff)
    _print_moves(console, diff)
    for one in diff.sources:
        for sentence in one.problems:
            mark = Text(phrase("{status}: ", status=status_name(one.status)), style=STYLES[one.status])
            console.print(
                mark + literal(phrase("{source}: {reason}", source=one.name, reason=sentence)), soft_wrap=True
            )
    for sentence in _notes(diff):
        console.print(note(sentence), soft_wrap=True)
    console.print(literal(_summary(diff)), soft_wrap=True)


def _print_notion(console: Console, diff: Diff) -> None:
    table = new_table(phrase("{month}: differs from Notion", month=diff.month), headings("Source"))
    for name in headings("Source", "Row", "Column", "In Notion", "Now"):
        table.add(name, justify="right" if name in ("In Notion", "Now") else "left")
    for source in diff.sources:
        for row in source.notion:
            for name in FIGURES:
                if COLUMNS[name] in row.columns:
                    table.add_row(literal(source.name), literal(row.row), COLUMNS[name], *_both(row, name))
    if table.row_count:
        console.print(table)


def _both(row: RowDiff, name: str) -> tuple[str, str]:
    field = "cost_usd" if name == "cost" else name
    was, now = getattr(row.notion, field), getattr(row.now, field)
    if was is None or now is None:
        return _figure(was), _figure(now)
    left, right = Decimal(str(was)), Decimal(str(now))
    if name != "cost":
        return _figure(was), _figure(now)
    shown = map(reader_words().decimal, tell_apart(left, right))
    return next(shown), next(shown)


def _figure(value: str | float | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else digits(Decimal(str(value)))


def _print_moves(console: Console, diff: Diff) -> None:
    table = new_table(
        phrase("{month}: differs from the last reading", month=diff.month),
        ("Last read (UTC)", "Also", "Model", "Project or key", "Old USD", "New USD"),
    )
    names = headings(
        "Source", "Last read (UTC)", "Day", "Project or key", "Model", "Old USD", "New USD", "Difference", "Also"
    )
    for name in names:
        table.add(name, justify="right" if name in ("Old USD", "New USD", "Difference") else "left")
    for source in diff.sources:
        last = source.last_reading
        for move in last.moves[:_MOST_SHOWN] if last is not None else ():
            table.add_row(
                literal(source.name),
                f"{last.read_at:%Y-%m-%d %H:%M}" if last is not None else "",
                "–" if move.day is None else str(move.day),
                literal(move.owner),
                literal(move.what),
                *old_and_new(move.old, move.new),
                literal(other_figures(move.old, move.new)),
            )
    if table.row_count:
        console.print(table)


def _notes(diff: Diff) -> Iterator[str]:
    if diff.archive is None:
        if not any(one.problems for one in diff.sources):
            yield phrase("LLM_USAGE_ARCHIVE is off: compared with Notion alone.")
        return
    for one in diff.sources:
        last = one.last_reading
        if last is None and not one.problems:
            yield phrase("{source}: no reading of this month is kept: compared with Notion alone.", source=one.name)
        elif last is not None and len(last.moves) > _MOST_SHOWN:
            yield phrase(
                "{source}: {number} smaller differences are not shown: --json has them.",
                source=one.name,
                number=len(last.moves) - _MOST_SHOWN,
            )


def _summary(diff: Diff) -> Sentence:
    sources = say_count("{number} source", "{number} sources", len(diff.sources))
    if not diff.differs:
        if any(one.problems for one in diff.sources):
            return say(
                "{month}, {sources}: nothing of what could be compared differs. Nothing was written.",
                month=diff.month,
                sources=sources,
            )
        return say("{month}, {sources}: nothing differs. Nothing was written.", month=diff.month, sources=sources)
    moves = sum(len(one.last_reading.moves) for one in diff.sources if one.last_reading is not None)
    return say(
        "{month}, {sources}: {rows} other than in Notion, {figures} other than in the last reading. Nothing was "
        "written.",
        month=diff.month,
        sources=sources,
        rows=say_count("{number} row", "{number} rows", sum(len(one.notion) for one in diff.sources)),
        figures=say_count("{number} figure", "{number} figures", moves),
    )
