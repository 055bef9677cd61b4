"""Ledgers for the page's tests: an agency as they are, and worlds that are awkward."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import Proof
from usage.records.record import UsageRecord

MONTH: Final = Month.parse("2026-01")
NOW: Final = datetime(2026, 2, 5, 8, 0, tzinfo=UTC)
OPENAI, ANTHROPIC, ELEVENLABS, DEEPGRAM, OPENROUTER = ProviderName


@dataclass(frozen=True)
class Job:
    """A project as it is used: models and what they cost on a working day, USD."""

    provider: ProviderName
    name: str
    models: Sequence[tuple[str, float]]
    client: str = ""
    account: str = ""
    growth: float = 0.0
    """Share by which it grows each month."""


AGENCY: Final = (
    Job(
        OPENAI,
        "Website assistant",
        [("gpt-5.2", 21.4), ("gpt-5-mini", 3.1), ("text-embedding-3-large", 0.4)],
        "Maison Laurent",
        growth=0.06,
    ),
    Job(OPENAI, "Invoice reader", [("gpt-5-mini", 6.2)], "Banque du Lac"),
    Job(OPENAI, "Internal tools", [("gpt-5-mini", 1.9), ("web search tool calls", 0.6)], "", growth=0.02),
    Job(
        ANTHROPIC,
        "Contract review",
        [("claude-opus-4-5", 27.5), ("claude-haiku-4-5", 1.2)],
        "Banque du Lac",
        growth=0.09,
    ),
    Job(ANTHROPIC, "Engineering", [("claude-sonnet-4-5", 33.8), ("claude-opus-4-5", 6.1)], "", growth=0.04),
    Job(ANTHROPIC, "Tender writing", [("claude-sonnet-4-5", 4.4)], "Ville de Genève", growth=-0.05),
    Job(ELEVENLABS, "Podcast narration", [("eleven_multilingual_v2", 9.7)], "Radio Rivage"),
    Job(ELEVENLABS, "Phone greeting", [("eleven_flash_v2_5", 1.1)], "Maison Laurent"),
    Job(DEEPGRAM, "Call transcripts", [("nova-3", 14.9)], "Banque du Lac", growth=0.03),
    Job(OPENROUTER, "Model comparison", [("mistral-large-2512", 2.3), ("llama-4-maverick", 0.9)], ""),
)
NAMES: Final = (
    "مساعد الدعم 🤖",
    "<b>été</b> & Co | =1+1",
    "Recherche documentaire " + "très " * 36 + "longue",
    "Лаборатория 🧪",
    "サポート担当 🎧 自動応答",
    "nospaces" * 25,
    "</script><img src=x onerror=alert(1)>",
    "\u202eright to left override",
)


def agency(now: datetime = NOW, months: int = 13, jobs: Sequence[Job] = AGENCY, *, seed: int = 7) -> Ledger:
    """A believable agency: working days, growth, one source that could not be read whole."""
    last = Month.of(now) if now.day > 10 else Month.of(now).previous()
    chosen = [last]
    while len(chosen) < months:
        chosen.insert(0, chosen[0].previous())
    return Ledger(
        tuple(
            _month(month, number, now, jobs, random.Random(f"{seed} {month}"))  # noqa: S311  # invented figures
            for number, month in enumerate(chosen)
        ),
        now,
        "https://www.notion.so/usages",
    )


def awkward(rows: int = 200) -> Ledger:
    """Names of other people's, zero costs, credits, and many rows."""
    jobs = [
        Job(
            list(ProviderName)[number % 5],
            NAMES[number % len(NAMES)] + (f" {number}" if number > 9 else ""),
            [(NAMES[-number % 8], 0.0 if number % 7 == 3 else 400.0 / (number + 1))],
            NAMES[number % 3],
            account="labo" if number % 2 else "",
        )
        for number in range(rows)
    ]
    return agency(jobs=jobs, months=2)


def one_month(
    *rows: LedgerRow, month: Month = MONTH, now: datetime = NOW, sources: Sequence[SourceMonth] = ()
) -> Ledger:
    """A ledger of one month with some rows."""
    return Ledger((MonthLedger(month, rows, tuple(sources)),), now, "")


def row(
    *records: UsageRecord, month: Month = MONTH, name: str = "Production", key: str = "proj_1", **more: object
) -> LedgerRow:
    """One row."""
    filled: dict[str, object] = {"provider": OPENAI, "account": "", "workspace": "", "by_day": True, **more}
    return LedgerRow(month=month, key=key, name=name, records=records, **filled)  # type: ignore[arg-type]


def source(
    provider: ProviderName,
    month: Month,
    status: Status = Status.SUCCES,
    log: str = "",
    now: datetime = NOW,
    **proof: object,
) -> SourceMonth:
    """What a source's own row says."""
    read = None if status is Status.ECHEC else min(now, month.end + timedelta(days=4))
    known = {"provider": provider, "month": month, "status": status, "read_at": read, **proof}
    return SourceMonth(provider=provider, account="", status=status, log=log, proof=Proof.model_validate(known))


def _month(month: Month, number: int, now: datetime, jobs: Sequence[Job], chance: random.Random) -> MonthLedger:
    last = min(month.last_day, now.date())
    rows = []
    for place, job in enumerate(jobs):
        records = tuple(_records(job, month, last, number, chance))
        own = (OwnColumn("Client", (job.client,)),) if job.client else ()
        rows.append(
            LedgerRow(
                month=month,
                provider=job.provider,
                account=job.account,
                key=f"id_{place}",
                workspace="",
                name=job.name,
                records=records,
                by_day=True,
                status=Status.SUCCES,
                own=own,
                url=f"https://www.notion.so/row{place}",
            )
        )
    total = {
        name: sum((one.cost or Decimal(0) for one in rows if one.provider is name), Decimal(0)) for name in ProviderName
    }
    sources = []
    for name in dict.fromkeys(job.provider for job in jobs):
        lacks = name is ELEVENLABS and month == Month.of(now).previous()
        days = None if name in (ELEVENLABS, OPENROUTER) else month.days
        sources.append(
            source(
                name, month, Status.PARTIEL if lacks else Status.SUCCES,
                "Analyses : la clé n’a pas le droit « workspace_analytics_full_read » ; lu par le rapport des crédits. "
                "Pour relancer : llm-usage collect --month 2026-01 --provider elevenlabs." if lacks else "",
                now=now, days_read=days, cost_usd=total[name], control_usd=None if lacks else total[name],
                control_agrees=None if lacks else True,
            )
        )  # fmt: skip
    return MonthLedger(month, tuple(rows), tuple(sources))


def _records(job: Job, month: Month, last: date, number: int, chance: random.Random) -> Iterator[UsageRecord]:
    for offset in range((last - month.first_day).days + 1):
        day = month.first_day + timedelta(days=offset)
        for model, usual in job.models:
            rhythm = 0.22 if day.weekday() > 4 else 1.0
            cost = Decimal(repr(round(usual * rhythm * (1 + job.growth) ** number * chance.uniform(0.75, 1.25), 7)))
            is_voice = job.provider in (ELEVENLABS, DEEPGRAM)
            tokens = None if is_voice else int(cost * 180_000)
            yield UsageRecord(
                day=day, project=job.name, model=None if "calls" in model else model,
                item=model if "calls" in model else None,
                cost=cost, tokens_input=tokens, tokens_output=None if tokens is None else tokens // 9,
                requests=int(cost * 41) + 3,
            )  # fmt: skip
