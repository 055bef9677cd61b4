"""Delivering news to each address once, whatever runs at the same time, and again where it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from archive.beside.claims import Claim, Claims
from tasks.books.telling.addresses import Address
from tasks.books.telling.sending import send
from usage.language.saying import say
from usage.language.sentence import Sentence

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class News:
    """Something that is told once."""

    occasion: str
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message."""

    sent: int = 0
    """Addresses that it went to."""
    known: int = 0
    """Addresses that had it before, or are just being told by another program."""
    failures: tuple[Sentence, ...] = ()
    """Why it did not reach others, one sentence each, without any address."""


def deliver(
    title: str,
    news: Sequence[News],
    addresses: Iterable[Address],
    claims: Claims,
    *,
    again: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Delivery:
    """Tell each address what it was not told yet, in one message.

    Args:
        title: Of the message.
        news: What there is to tell.
        addresses: Whom.
        claims: Who tells what.
        again: Tell it whether it was told or not.
        clock: The machine's.

    Raises:
        ArchiveError: Nobody can know what was told.
    """

    def tell(address: Address) -> Delivery:
        claimed = [(one, _claim(claims, one, address, clock())) for one in news]
        ours = [(one, claim) for one, claim in claimed if claim is not None or again]
        if not ours:
            return Delivery(known=1)
        why = send(address, title, "\n".join(one.text for one, _ in ours))
        for claim in (claim for _, claim in ours if claim is not None):
            if why:
                claims.failed(claim)
            else:
                claims.done(claim, clock())
        return Delivery(failures=(say("{address}: {why}", address=address.name, why=why),)) if why else Delivery(sent=1)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = list(pool.map(tell, addresses))
    return Delivery(
        sum(one.sent for one in told),
        sum(one.known for one in told),
        tuple(sentence for one in told for sentence in one.failures),
    )


def _claim(claims: Claims, news: News, address: Address, now: datetime) -> Claim | None:
    return claims.take(f"{news.occasion}/{address.mark}", now)
