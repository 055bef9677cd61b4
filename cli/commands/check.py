"""`llm-usage check`: each key, each scope, Notion's access and schema; what works, and what to do about the rest."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive.opening import open_archive
from cli.display import in_bytes, literal, new_table, note, out
from cli.leaving import leaving_soon
from notion.client.gateway import Gateway
from notion.setup.checkup import CheckReport, Severity, check_notion
from providers.reading import about_key, check_source, read_source
from providers.shared.checks import CheckResult, CheckStatus
from reports.currency import USD
from tasks.books.rates import read_rates_file
from tasks.books.telling.wishes import read_wishes
from usage.errors import ArchiveError, NotionError, SettingsError, SourceError
from usage.language.marks import headings, to_say
from usage.language.reader import phrase
from usage.language.saying import say, say_count, together
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.settings import KEY_VARIABLES, Settings, load_settings, missing_token
from usage.settings.files import places

_STYLES = {CheckStatus.OK: "green", CheckStatus.WARNING: "yellow", CheckStatus.BAD: "red"}
_STATUSES = {Severity.OK: CheckStatus.OK, Severity.NOTE: CheckStatus.WARNING, Severity.PROBLEM: CheckStatus.BAD}
_MARKS = {CheckStatus.OK: to_say("ok"), CheckStatus.WARNING: to_say("warning"), CheckStatus.BAD: to_say("bad")}
_SHOWN = 5
"""Ids that are named; a larger number of them is counted."""
_WORST_FIRST = (CheckStatus.BAD, CheckStatus.WARNING, CheckStatus.OK)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about one source."""

    source: Source
    findings: tuple[CheckResult, ...]
    ids: frozenset[str] = frozenset()
    """What its key reaches; looked at only where a provider has several keys."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """Everything that was looked at. `notion` is the sentence that says why where nobody can look."""

    settings: Settings
    checked: Sequence[Checked]
    notion: CheckReport | Sentence
    archive: CheckResult | None = None
    """Whether readings can be kept; None where the archive is off. A collection goes on without: at worst a warning."""

    @property
    def notes(self) -> list[Sentence]:
        """What the job goes on without, and what may keep a provider away in silence."""
        report = self.notion if isinstance(self.notion, CheckReport) else None
        return [
            *(sentence for one in self.checked for sentence in _tell(one, CheckStatus.WARNING)),
            *shared_ids({one.source: one.ids for one in self.checked}),
            *self.settings.slips,
            *read_wishes(self.settings).amiss,
            *_rates_amiss(self.settings),
            *self.settings.without_key(report.providers_with_rows if report is not None else ()),
            *(_column_sentences(report, Severity.NOTE) if report is not None else ()),
            *(report.sentences if report is not None and report.usable else ()),
            *(_leaving(self.settings, report) if report is not None else ()),
            *([self.archive.sentence] if self.archive and self.archive.status is not CheckStatus.OK else []),
        ]

    @property
    def wrong(self) -> list[Sentence]:
        """What keeps the job from working, each with what to do about it."""
        return [*self._key_problems(), *self._notion_problems()]

    @property
    def next_command(self) -> str:
        """What to type now."""
        if not self.wrong:
            return "llm-usage collect"
        # The sentences that ask for a command are Notion's.
        told = " ".join(one.en for one in self._notion_problems())
        named = re.search(r"\bllm-usage (setup|heal)\b", told)
        if named is None:
            return phrase("put this right, then run llm-usage check again")
        if not self._key_problems():
            return named[0]
        return phrase("{command}, then put this right, then run llm-usage check again", command=named[0])

    def _key_problems(self) -> list[Sentence]:
        problems: list[Sentence] = []
        for one in self.checked:
            bad = _tell(one, CheckStatus.BAD)
            about = about_key(self.settings.credential(one.source))
            problems += [*bad, say("{source}: {reason}", source=one.source.name, reason=about)] if bad else []
        return problems

    def _notion_problems(self) -> list[Sentence]:
        if isinstance(self.notion, Sentence):
            return [self.notion]
        if self.notion.usable:
            return []
        return [*_column_sentences(self.notion, Severity.PROBLEM), *self.notion.sentences]


def run(arguments: argparse.Namespace) -> int:
    """Check everything and print it; 1 when something has to be put right."""
    settings = load_settings()
    settings.select()
    checked = asyncio.run(_check_sources(settings))
    checkup = Checkup(settings, checked, _check_notion(settings), check_archive(settings))
    if arguments.json:
        print(_object(checkup).model_dump_json())
    else:
        out().print(
            literal(phrase("Settings come from {places}.", places=together(places(os.environ), between=", "))),
            soft_wrap=True,
        )
        print_checkup(out(), checkup, verbose=arguments.verbose)
    return 1 if checkup.wrong else 0


class Finding(BaseModel):
    """One thing that was looked at for a source."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    what: str
    status: CheckStatus
    sentence: str


class CheckObject(BaseModel):
    """The object that `--json` prints. Exit status 1: `wrong` says something."""

    model_config = ConfigDict(frozen=True)

    settings: tuple[str, ...]
    """Where they come from."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    wrong: tuple[str, ...]
    next: str
    """What to type now."""


def _object(checkup: Checkup) -> CheckObject:
    return CheckObject(
        settings=tuple(map(str, places(os.environ))),
        findings=tuple(
            Finding(
                provider=one.source.provider,
                account=one.source.account,
                what=str(found.what),
                status=found.status,
                sentence=str(found.sentence),
            )
            for one in checkup.checked
            for found in one.findings
        ),
        notes=tuple(map(str, checkup.notes)),
        wrong=tuple(map(str, checkup.wrong)),
        next=checkup.next_command,
    )


def print_checkup(console: Console, checkup: Checkup, *, verbose: bool) -> None:
    """One line a source, or all that was looked at; then notes, what is wrong, and the next command."""
    console.print(_overview(checkup))
    if verbose:
        console.print(_sources_table(checkup.checked))
        if isinstance(checkup.notion, CheckReport) and checkup.notion.rows:
            console.print(_columns_table(checkup.notion))
        if checkup.archive and checkup.archive.status is CheckStatus.OK:
            console.print(literal(checkup.archive.sentence), soft_wrap=True)
    for sentence in checkup.notes:
        console.print(note(sentence), soft_wrap=True)
    for sentence in checkup.wrong:
        console.print(Text(phrase("wrong: "), style="red") + literal(sentence), soft_wrap=True)
    if not checkup.wrong:
        console.print(phrase("Everything that the job needs works."), style="green")
    console.print(phrase("next: {command}", command=checkup.next_command), soft_wrap=True, highlight=False)


def shared_ids(reached: Mapping[Source, frozenset[str]]) -> list[Sentence]:
    """One sentence for each two accounts of one provider that reach the same ids, which are then counted once."""
    sentences = []
    for first, second in combinations(sorted(reached, key=lambda source: (source.provider, source.account)), 2):
        shared = sorted(reached[first] & reached[second])
        if first.provider is second.provider and shared:
            some = Sentence.of(", ".join(shared[:_SHOWN]))
            if len(shared) > _SHOWN:
                some = say("{some} and {number} more", some=some, number=len(shared) - _SHOWN)
            sentences.append(
                say(
                    "{first} and {second} both reach {ids}: counted once, with {first}.",
                    first=first.name,
                    second=second.name,
                    ids=some,
                )
            )
    return sentences


async def _check_sources(settings: Settings) -> Sequence[Checked]:
    month = Month.of(settings.now()).previous()
    sources = settings.select()
    providers = [source.provider for source in sources]
    return await asyncio.gather(
        *(_check(settings, source, month, siblings=providers.count(source.provider) > 1) for source in sources)
    )


async def _check(settings: Settings, source: Source, month: Month, *, siblings: bool) -> Checked:
    findings = tuple(await check_source(settings, source, month))
    if not siblings or any(finding.status is CheckStatus.BAD for finding in findings):
        return Checked(source, findings)
    try:
        return Checked(source, findings, _ids(await read_source(settings, source, month)))
    except SourceError as error:
        sentence = say("could not be compared with the provider’s other keys: {why}", why=error.sentence)
        return Checked(source, (*findings, CheckResult(what="ids", status=CheckStatus.WARNING, sentence=sentence)))


def _leaving(settings: Settings, report: CheckReport) -> list[Sentence]:
    """What to collect before it gets out of reach; nothing where nobody could see what is collected."""
    if report.collected is None:
        return []
    return [one.sentence for one in leaving_soon(settings, report.inactive, report.collected)]


def _rates_amiss(settings: Settings) -> list[Sentence]:
    """Why the file of exchange rates can't be used."""
    reports = settings.reports
    if reports.currency == USD or reports.rates_file is None:
        return []
    try:
        read_rates_file(reports.rates_file, reports.currency)
    except SettingsError as error:
        return [error.sentence]
    return []


def _ids(report: SourceReport) -> frozenset[str]:
    """Ids of the provider's things, known by their registry or by their use."""
    used = {id_ for record in report.records for id_ in (record.workspace, record.project, record.api_key) if id_}
    return frozenset(used | {thing.id for thing in report.things})


def _check_notion(settings: Settings) -> CheckReport | Sentence:
    """What stands in Notion, or the sentence that says why nobody can look."""
    if settings.notion.token is None:
        return missing_token()
    try:
        with closing(Gateway(settings.notion)) as gateway:
            return check_notion(gateway, settings.notion, settings.reports.carry_columns)
    except NotionError as error:
        return error.sentence


def check_archive(settings: Settings) -> CheckResult | None:
    """Try what keeping a reading needs, and say how much is kept; None where the archive is off."""
    try:
        archive = open_archive(settings)
        if archive is None:
            return CheckResult(
                what=say("off, as LLM_USAGE_ARCHIVE says"), status=CheckStatus.OK, sentence=say("No reading is kept.")
            )
        held = archive.probe()
    except ArchiveError as error:
        sentence = say("Readings can’t be kept, and collections go on without: {why}", why=error.sentence)
        return CheckResult(what=say("keeping readings"), status=CheckStatus.WARNING, sentence=sentence)
    what = say_count("{number} reading, {size}", "{number} readings, {size}", held.readings, size=in_bytes(held.size))
    kept = say("Readings are kept in {address}.", address=archive.address)
    return CheckResult(what=what, status=CheckStatus.OK, sentence=kept)


def _overview(checkup: Checkup) -> Table:
    """One line for each source, each provider without a key, and each database."""
    table = new_table(phrase("Checked"), headings("What", "To do"))
    for name in headings("Source", "What", "", "To do"):
        table.add(name, no_wrap=name in ("Source", ""))
    for provider in ProviderName:
        sources = [one for one in checkup.checked if one.source.provider is provider]
        for one in sources:
            status, what = _summary([(finding.status, str(finding.what)) for finding in one.findings])
            table.add_row(one.source.name, literal(what), _mark(status), _where(status))
        if not sources:
            hint = checkup.settings.ordinary_keys.get(provider) or say(
                "{variable} is not set", variable=KEY_VARIABLES[provider]
            )
            table.add_row(provider.value, "", Text(phrase("not configured"), style="bright_black"), literal(hint))
    for name, status, what in _databases(checkup.notion):
        table.add_row(name, literal(what), _mark(status), _where(status))
    if checkup.archive is None:
        table.add_row(phrase("archive"), "", Text(phrase("off"), style="bright_black"), "")
    else:
        status = checkup.archive.status
        table.add_row(phrase("archive"), literal(checkup.archive.what), _mark(status), _where(status))
    return table


def _databases(notion: CheckReport | Sentence) -> Iterator[tuple[str, CheckStatus, str]]:
    rows = notion.rows if isinstance(notion, CheckReport) else ()
    for database in dict.fromkeys(row.database for row in rows):
        columns = [(_STATUSES[row.severity], row.property) for row in rows if row.database == database]
        status, what = _summary(columns)
        yield database, status, phrase("{number} columns", number=len(columns)) if status is CheckStatus.OK else what
    if isinstance(notion, Sentence) or not (rows or notion.usable):
        yield "Notion", CheckStatus.BAD, ""


def _summary(looked_at: Sequence[tuple[CheckStatus, str]]) -> tuple[CheckStatus, str]:
    """The worst status, and what got it."""
    worst = next((one for one in _WORST_FIRST if any(status is one for status, _ in looked_at)), CheckStatus.OK)
    return worst, ", ".join(what for status, what in looked_at if status is worst)


def _where(status: CheckStatus) -> str:
    return "" if status is CheckStatus.OK else phrase("see below")


def _tell(one: Checked, status: CheckStatus) -> list[Sentence]:
    return [
        say("{source}, {what}: {sentence}", source=one.source.name, what=found.what, sentence=found.sentence)
        for found in one.findings
        if found.status is status
    ]


def _column_sentences(report: CheckReport, severity: Severity) -> list[Sentence]:
    return [
        say(
            "{database}, {column}: expected {expected}, found {found}. {todo}",
            database=row.database,
            column=row.property,
            expected=row.expected,
            found=row.found or say("nothing"),
            todo=row.todo,
        )
        for row in report.rows
        if row.severity is severity
    ]


def _sources_table(checked: Sequence[Checked]) -> Table:
    table = new_table(phrase("Providers"), headings("What"))
    for name in headings("Source", "What", "", "Found, or what to do"):
        table.add(name, no_wrap=name != "Found, or what to do")
    for one in checked:
        for finding in one.findings:
            table.add_row(one.source.name, str(finding.what), _mark(finding.status), literal(finding.sentence))
    return table


def _columns_table(report: CheckReport) -> Table:
    table = new_table("Notion", headings("Expected", "Found", "Database"))
    for name in headings("Database", "Column", "Expected", "Found", "", "What to do"):
        table.add(name, no_wrap=name in ("Database", "Column", ""))
    for row in report.rows:
        table.add_row(
            row.database,
            row.property,
            literal(row.expected),
            literal(row.found or "–"),
            _mark(_STATUSES[row.severity]),
            literal(row.todo),
        )
    return table


def _mark(status: CheckStatus) -> Text:
    return Text(phrase(_MARKS[status]), style=_STYLES[status])
