"""`llm-usage check`: each key, each scope, Notion's access and schema; what works, and what to do about the rest."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.display import new_table, out, shown
from notion.checkup import CheckReport, check_notion
from notion.checkup import Finding as Weight
from notion.gateway import Gateway
from providers.base import Finding, Verdict
from providers.reading import check_source, read_source
from usage.errors import NotionError, SourceError
from usage.month import Month
from usage.names import Source
from usage.report import SourceReport
from usage.settings import Settings, load_settings

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red"}
_VERDICTS = {Weight.OK: Verdict.OK, Weight.NOTE: Verdict.WARNING, Weight.PROBLEM: Verdict.BAD}


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found out about one source."""

    source: Source
    findings: tuple[Finding, ...]
    ids: frozenset[str] = frozenset()
    """What its key reaches; looked at only where a provider has several keys."""


def run(_arguments: argparse.Namespace) -> int:
    """Check everything and print it; 1 when something has to be put right."""
    settings = load_settings()
    settings.select()
    checked = asyncio.run(_check_sources(settings))
    notion = _check_notion(settings)
    console = out()
    console.print(_sources_table(checked))
    for sentence in shared_ids({one.source: one.ids for one in checked}):
        console.print(Text("note: ", style="yellow") + shown(sentence), soft_wrap=True)
    works = _print_notion(console, notion)
    bad = sum(finding.verdict is Verdict.BAD for one in checked for finding in one.findings)
    if works and not bad:
        console.print("Everything that the job needs works.", style="green")
        return 0
    console.print("Put right what is marked bad, then run llm-usage check again.", style="red")
    return 1


def shared_ids(reached: Mapping[Source, frozenset[str]]) -> list[str]:
    """One sentence for each two accounts of one provider that reach the same ids, which are then counted once."""
    sentences = []
    for first, second in combinations(sorted(reached, key=lambda source: (source.provider, source.account)), 2):
        shared = sorted(reached[first] & reached[second])
        if first.provider is second.provider and shared:
            some = ", ".join(shared[:5]) + (f" and {len(shared) - 5} more" if len(shared) > 5 else "")
            sentences.append(f"{first.name} and {second.name} both reach {some}: counted once, with {first.name}.")
    return sentences


async def _check_sources(settings: Settings) -> Sequence[_Checked]:
    month = Month.of(settings.now()).previous()
    sources = settings.select()
    providers = [source.provider for source in sources]
    return await asyncio.gather(
        *(_check(settings, source, month, siblings=providers.count(source.provider) > 1) for source in sources)
    )


async def _check(settings: Settings, source: Source, month: Month, *, siblings: bool) -> _Checked:
    findings = tuple(await check_source(settings, source, month))
    if not siblings or any(finding.verdict is Verdict.BAD for finding in findings):
        return _Checked(source, findings)
    try:
        return _Checked(source, findings, _ids(await read_source(settings, source, month)))
    except SourceError as error:
        sentence = f"could not be compared with the provider's other keys: {error.sentence}"
        return _Checked(source, (*findings, Finding(what="ids", verdict=Verdict.WARNING, sentence=sentence)))


def _ids(report: SourceReport) -> frozenset[str]:
    """Ids of the provider's things, known by their registry or by their use."""
    used = {id_ for record in report.records for id_ in (record.workspace, record.project, record.api_key) if id_}
    return frozenset(used | {thing.id for thing in report.things})


def _check_notion(settings: Settings) -> CheckReport | str:
    """What stands in Notion, or the sentence that says why nobody can look."""
    if settings.notion.token is None:
        return "NOTION_TOKEN is not set: create a Notion connection and put its token into .env"
    gateway = Gateway(settings.notion)
    try:
        return check_notion(gateway, settings.notion)
    except NotionError as error:
        return str(error)
    finally:
        gateway.close()


def _sources_table(checked: Sequence[_Checked]) -> Table:
    table = new_table("Providers")
    for name in ("Source", "What", "", "Found, or what to do"):
        table.add_column(name, no_wrap=name != "Found, or what to do")
    for one in checked:
        for finding in one.findings:
            table.add_row(one.source.name, finding.what, _verdict(finding.verdict), shown(finding.sentence))
    return table


def _print_notion(console: Console, notion: CheckReport | str) -> bool:
    """Whether the job can work with Notion as it stands."""
    if isinstance(notion, str):
        console.print(Text("Notion: ", style="red") + shown(notion), soft_wrap=True)
        return False
    if notion.rows:
        console.print(_columns_table(notion))
    for sentence in notion.sentences:
        mark = Text("note: ", style="yellow") if notion.usable else Text("Notion: ", style="red")
        console.print(mark + shown(sentence), soft_wrap=True)
    return notion.usable


def _columns_table(report: CheckReport) -> Table:
    table = new_table("Notion")
    for name in ("Database", "Column", "Expected", "Found", "", "What to do"):
        table.add_column(name, no_wrap=name in ("Database", "Column", ""))
    for row in report.rows:
        table.add_row(
            row.database,
            row.property,
            shown(row.expected),
            shown(row.found or "–"),
            _verdict(_VERDICTS[row.verdict]),
            shown(row.todo),
        )
    return table


def _verdict(verdict: Verdict) -> Text:
    return Text(verdict.value, style=_STYLES[verdict])
