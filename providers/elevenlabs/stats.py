"""The deprecated statistics, as a last resort: for money where analytics give none, and for a whole month where there
are no analytics. They know no key by its id and one breakdown at a time, so they speak for the account as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from providers.elevenlabs.days import Span
from providers.elevenlabs.endpoints import STATS, SUBSCRIPTION
from providers.elevenlabs.parse import Share, Stats, Subscription, read_stats
from providers.elevenlabs.refusals import NOT_SERVED
from providers.shared.amounts import FLOAT_TOLERANCE, USD, dollars_or_unit, sum_known
from providers.shared.job import Job
from providers.shared.parts import gap_of
from usage.errors import ContractError, CredentialError, SourceError, TransientError, UnavailableError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.money import difference
from usage.outcomes.report import Gap, GapKind
from usage.peers.contract import unexpected
from usage.records.record import Unit, UsageRecord

_CREDITS: Final = "credits"
_REQUESTS: Final = "request_count"
_MONEY: Final = "fiat_units_spent"
"""In the workspace's currency, which the answer does not name; taken for whole units, not cents."""


@dataclass(frozen=True, slots=True)
class AccountMoney:
    """What the account spent, by model, in which currency, and what is wrong with it."""

    records: tuple[UsageRecord, ...] = ()
    currency: str = ""
    gap: Gap | None = None

    @property
    def is_absent(self) -> bool:
        """Whether the statistics have no money to tell of."""
        return not self.records and self.gap is None


def no_money(when: Sentence) -> Gap:
    """The gap of days for which ElevenLabs offers no amount; `when` they are (`this month`)."""
    sentence = say("ElevenLabs gives no amount for {when}; the credits used are in the detail.", when=when)
    return Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)


def foreign_money(currency: str) -> Gap:
    """The gap of amounts in another currency than USD."""
    sentence = say(
        "ElevenLabs’ amounts are in {currency}: they stay apart, not converted to USD.", currency=currency.upper()
    )
    return Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)


def money_of_account_only(currency: str) -> Gap:
    """The gap of amounts in another currency that are given for the account alone."""
    sentence = say(
        "The amounts, in {currency}, exist for the whole account only: they are not taken over.",
        currency=currency.upper(),
    )
    return Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)


async def account_usage(job: Job, span: Span) -> tuple[UsageRecord, ...]:
    """Credits and requests of the account by model.

    Raises:
        SourceError: They could not be read.
    """
    credits = await _shares(job, _CREDITS, span)
    requests = await _shares(job, _REQUESTS, span)
    return (
        *(UsageRecord(model=share.model, units=((Unit.CREDITS.value, share.amount),)) for share in credits),
        *(UsageRecord(model=share.model, requests=_whole(share.amount)) for share in requests),
    )


async def account_money(job: Job, span: Span) -> AccountMoney:
    """Money of the account by model. All zeros stand for a figure that is not kept: then there is none.

    Raises:
        ContractError: An answer is not what the API promises.
    """
    try:
        shares = await _shares(job, _MONEY, span)
    except NOT_SERVED:
        shares = ()
    except (CredentialError, TransientError) as error:
        return AccountMoney(gap=gap_of(say("the amounts"), error))
    if not shares:
        return AccountMoney()
    try:
        currency = await _currency(job)
    except ContractError:
        raise
    except SourceError as error:
        return AccountMoney(gap=gap_of(say("the currency of the amounts"), error))
    amounts = [(share.model, *dollars_or_unit(share.amount, currency)) for share in shares]
    records = tuple(UsageRecord(model=model, cost=cost, units=units) for model, cost, units in amounts)
    return AccountMoney(records, currency, None if currency == USD else foreign_money(currency))


async def _shares(job: Job, metric: str, span: Span) -> tuple[Share, ...]:
    """A metric by model, in sum what it is without a breakdown: usage without a model may be left out of one."""
    total = sum_known(share.amount for share in await _ask(job, metric, "none", span))
    if not total:
        return ()
    shares = await _ask(job, metric, "model", span)
    rest = difference(total, sum_known(share.amount for share in shares))
    return shares if abs(rest) <= FLOAT_TOLERANCE else (*shares, Share(None, rest))


async def _ask(job: Job, metric: str, breakdown: str, span: Span) -> tuple[Share, ...]:
    first, last = span.milliseconds
    params = [
        ("start_unix", str(first)),
        ("end_unix", str(last)),
        # Left alone, the key's own usage is all that is counted.
        ("include_workspace_metrics", "true"),
        ("breakdown_type", breakdown),
        ("aggregation_interval", "day"),
        ("metric", metric),
    ]
    answer = await job.get(STATS, params)
    return read_stats(answer.parse(Stats), span)


async def _currency(job: Job) -> str:
    currency = (await subscription(job)).money
    if not currency:
        raise UnavailableError(say("{path} does not tell the account’s currency.", path=SUBSCRIPTION))
    return currency


async def subscription(job: Job) -> Subscription:
    """The plan.

    Raises:
        SourceError: It could not be read.
    """
    answer = await job.get(SUBSCRIPTION)
    return answer.parse(Subscription)


def _whole(count: Decimal) -> int:
    if count < 0 or count != count.to_integral_value():
        raise ContractError(unexpected(STATS, say("a number of requests is not a whole number from 0 on")))
    return int(count)
