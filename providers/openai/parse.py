"""Raw pages of OpenAI to usage records. Pure: one page in, records out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, Final, Generic, TypeVar

from providers.openai.endpoints import COSTS, Family
from providers.shared.amounts import USD, Anything, RawAmount, Written, amount, dollars_or_unit
from providers.shared.answers import ApiModel
from providers.shared.lines import Lines, Notes, Whole
from providers.shared.paging import NextPage
from usage.errors import ContractError
from usage.language.saying import say
from usage.peers.contract import expected
from usage.records.allocation import Charge, Use
from usage.records.record import NO_UNITS, Unit, UsageRecord

_TOKENS_IN: Final = {"tokens": 1, "1000_tokens": 1000}
"""Units of a cost line's quantity that are tokens, and how many each is."""
_MOST_TOKENS: Final = 10**15
_TOKEN_KINDS: Final = re.compile(r"input|output|cache|audio|image|text|token|training", re.IGNORECASE)
_OUT: Final = re.compile(r"output", re.IGNORECASE)
_IN: Final = re.compile(r"input|cache", re.IGNORECASE)
_MODALITIES: Final = ("text", "audio", "image")
_OF_MODALITIES: Final = tuple(
    (kind.format(modality), field.format(modality))
    for modality in _MODALITIES
    for kind, field in (
        ("{} input", "input_{}_tokens"),
        ("{} cached input", "input_cached_{}_tokens"),
        ("{} output", "output_{}_tokens"),
    )
)
"""Kinds of tokens of a modality, and the field of a usage line that counts them; of input those that were fresh."""
_KIND_OF_WORDS: Final = {
    frozenset({"input"}): "input",
    frozenset({"cached", "input"}): "cached input",
    frozenset({"cache", "write"}): "cache writes",
    frozenset({"cache", "write", "input"}): "cache writes",
    frozenset({"output"}): "output",
    frozenset[str](): "",
}
_WORDS: Final = re.compile(r"[^\W_]+")
_KIND_OF_UNIT: Final = {
    "images": Unit.IMAGES.value,
    "characters": Unit.CHARACTERS.value,
    "duration_seconds": Unit.SECONDS.value,
    "duration_minutes": Unit.SECONDS.value,
    "duration_hours": Unit.SECONDS.value,
}
"""What a line's quantity is counted in where that is no token: the kind of usage that it is for."""
_UNNAMED_LINE: Final = "(ligne sans intitulé)"


class Amount(ApiModel):
    """An amount of money: US dollars, as a number or, in newer answers, as decimal text."""

    value: RawAmount = None
    currency: str | None = None


_NO_AMOUNT: Final = Amount()


class CostResult(ApiModel):
    """One line of the costs report. Only `object` is promised.

    What goes beyond the money and its owner is read as it comes: an odd value there must not cost the money.
    """

    unused: ClassVar[frozenset[str]] = frozenset({"object", "organization_name", "user_id", "user_email", "api_source"})

    amount: Amount | None = None
    line_item: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None
    project_name: Any = None
    organization_id: Any = None
    quantity: Anything = None
    quantity_unit: Any = None

    @property
    def mark(self) -> object:
        """What no other line of the same day has."""
        return self.project_id, self.api_key_id, self.line_item


class UsageResult(ApiModel):
    """One line of any usage report: the dimensions, and the measures of all families, each of which has its own."""

    unused: ClassVar[frozenset[str]] = frozenset(
        {
            "object",
            "user_id",
            "batch",
            "service_tier",
            "api_source",
            "size",
            "source",
            "vector_store_id",
            "context_level",
            "project_name",
            "organization_id",
            "organization_name",
            "user_email",
            # Their sum is among the parts below.
            "input_cache_write_30m_tokens",
            "input_cache_write_12h_tokens",
        }
    )

    project_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    input_tokens: Whole | None = None
    output_tokens: Whole | None = None
    num_model_requests: Whole | None = None
    num_requests: Whole | None = None
    num_sessions: Whole | None = None
    images: Whole | None = None
    characters: Whole | None = None
    seconds: Whole | None = None
    usage_bytes: Whole | None = None
    # `input_tokens` and `output_tokens` hold all of these. Money that is told without keys is divided by them: an odd
    # value must not cost the line.
    input_uncached_tokens: Any = None
    input_cached_tokens: Any = None
    input_cache_write_tokens: Any = None
    input_text_tokens: Any = None
    input_audio_tokens: Any = None
    input_image_tokens: Any = None
    input_cached_text_tokens: Any = None
    input_cached_audio_tokens: Any = None
    input_cached_image_tokens: Any = None
    output_text_tokens: Any = None
    output_audio_tokens: Any = None
    output_image_tokens: Any = None

    @property
    def mark(self) -> object:
        """What no other line of the same day has. As text: what is read as it comes may be a list."""
        return repr([getattr(self, name) for name in UsageResult.model_fields])


R = TypeVar("R", CostResult, UsageResult)


class Bucket(ApiModel, Generic[R]):
    """One day of a report. Times are Unix seconds."""

    unused: ClassVar[frozenset[str]] = frozenset({"object", "end_time", "start_time_iso", "end_time_iso"})

    start_time: int
    results: Lines[R]


class ReportPage(ApiModel, Generic[R]):
    """One page of a report."""

    unused: ClassVar[frozenset[str]] = frozenset({"object"})

    data: list[Bucket[R]]
    has_more: bool | None = None
    next_page: str | None = None


CostPage = ReportPage[CostResult]
UsagePage = ReportPage[UsageResult]


class Named(ApiModel):
    """A project or a key: its id and name."""

    id: str
    name: str | None = None


class NamedPage(ApiModel):
    """One page of a registry."""

    data: list[Named]
    has_more: bool | None = None
    last_id: str | None = None


class Outline:
    """What tells a page of a report apart from others, and where the report goes on.

    A day may fill several pages (no cap on a bucket's lines is documented), but a line never comes twice: the days and
    the outermost lines tell pages apart. A token that comes without `has_more` ends the report like a null one. Costs
    were seen to hand out tokens past the last day.
    """

    def __init__(self) -> None:
        self._days: list[tuple[int, int]] = []
        self._lines: tuple[object, ...] = ()
        self._more: bool | None = None
        self._token: str | None = None

    def add(self, part: CostPage | UsagePage, /) -> None:
        """Take down a page, or its next part."""
        for bucket in part.data:
            ends = tuple(line.mark for line in (*bucket.results[:1], *bucket.results[-1:]))
            # Of the first day and of the last.
            self._lines = (self._lines[0] if self._days else ends, ends)
            self._days.append((bucket.start_time, len(bucket.results)))
        self._more, self._token = part.has_more, part.next_page

    def next_page(self, end: int) -> NextPage:
        """Where the report goes on, after a page of a range that ends then (Unix seconds)."""
        return NextPage(
            self._more is True,
            self._token,
            (tuple(self._days), self._lines) if self._days else None,
            lines=any(lines for _, lines in self._days),
            past=bool(self._days) and all(day >= end for day, _ in self._days),
        )


def next_registry_page(page: NamedPage, _: str | None = None) -> NextPage:
    """Where a registry goes on. The published examples have `last_id` in another spelling than the items' ids: the
    last item's own id comes first."""
    last = page.data[-1].id if page.data else page.last_id
    return NextPage(page.has_more, last if page.has_more else None, page.data[0].id if page.data else None)


def charges_of(results: Sequence[CostResult], records: Iterable[UsageRecord]) -> Iterator[Charge]:
    """The money of a day's lines with what each is for: records of the same model may be of several kinds.

    Args:
        results: The lines.
        records: What `cost_records` made of them, in the same order.
    """
    for result, record in zip(results, records, strict=True):
        unit = result.quantity_unit if isinstance(result.quantity_unit, str) else ""
        kind = _KIND_OF_UNIT.get(unit) or read_line_item(result.line_item).kind or result.line_item or ""
        yield Charge(record, kind if record.item is None else record.item)


def cost_records(
    results: Iterable[CostResult], day: date, notes: Notes, written: Written, ids: dict[str, str]
) -> Iterator[UsageRecord]:
    """One record for each line of a day's costs; no line is dropped.

    A line whose money can't be read is a missing amount, and noted. The tokens that a line was billed for stand in its
    record: whoever joins it with the usage reports takes them out where usage tells them.

    Args:
        results: The lines.
        day: The day, UTC.
        notes: Takes what can't be read.
        written: Takes how amounts were written.
        ids: Ids met so far. Lines repeat them, and records hold each once; `sys.intern` would look for them among all
            names of the program, which takes several times as long.
    """
    same = ids.setdefault
    for result in results:
        line, money = read_line_item(result.line_item), result.amount or _NO_AMOUNT
        raw = money.value
        try:
            value = amount(raw, COSTS)
        except ContractError:
            notes.lose(COSTS, expected("amount.value", say("a number")))
            value = None
        if value is not None:
            written.add(value, raw)
        # Another currency than dollars was never seen.
        cost, units = (value, NO_UNITS) if money.currency == USD else dollars_or_unit(value, money.currency)
        tokens = _tokens(result) if line.is_input or line.is_output else None
        project, key = result.project_id, result.api_key_id
        yield UsageRecord(
            day=day,
            project=same(project, project) if project else None,
            api_key=same(key, key) if key else None,
            model=line.model,
            item=line.item,
            cost=cost,
            tokens_input=tokens if line.is_input else None,
            tokens_output=tokens if line.is_output else None,
            units=units,
            missing_amounts=1 if value is None else 0,
        )


def _tokens(result: CostResult) -> int | None:
    """How many tokens a line was billed for; None where it does not say so."""
    unit, quantity = result.quantity_unit, result.quantity
    each = _TOKENS_IN.get(unit) if isinstance(unit, str) else None
    if each is None or not (type(quantity) is int or (isinstance(quantity, Decimal) and quantity.is_finite())):
        return None
    whole = int(quantity)
    if not -_MOST_TOKENS < whole < _MOST_TOKENS:
        return None
    return whole if each == 1 else int(quantity * each)


def usage_records(results: Iterable[UsageResult], day: date, family: Family, notes: Notes) -> Iterator[UsageRecord]:
    """One record for each line of a day's usage of one family; a line without the family's own measures is left out."""
    needed = _needed(family)
    for result in results:
        missing = next((name for name in needed if getattr(result, name) is None), None)
        if missing is not None:
            notes.lose(family.path, expected(missing, say("a whole number")))
            continue
        yield UsageRecord(
            day=day,
            project=result.project_id or None,
            api_key=result.api_key_id or None,
            model=None if family.item else result.model or None,
            item=family.item,
            tokens_input=result.input_tokens if family.tokens_in else None,
            tokens_output=result.output_tokens if family.tokens_out else None,
            requests=result.num_model_requests if family.requests else None,
            units=((family.unit.value, Decimal(getattr(result, family.measure))),) if family.unit else (),
        )


def uses_of(results: Iterable[UsageResult], day: date, family: Family) -> Iterator[Use]:
    """What keys used on a day, by the kinds that the bill tells apart; nothing of a family that is not told by key."""
    if "api_key_id" not in family.group_by:
        return
    for result in results:
        ids = (
            day,
            None,
            result.project_id or None,
            result.api_key_id or None,
            None if family.item else result.model or None,
            family.item,
        )
        for kind, used in _amounts_used(result, family):
            if used > 0:
                yield Use(ids, kind, used)


def _amounts_used(result: UsageResult, family: Family) -> Iterator[tuple[str, int]]:
    if family.item:
        yield family.item, _count(getattr(result, family.measure))
        return
    if family.unit is not None:
        used = _count(getattr(result, family.measure))
        yield family.unit.value, used
        if family.unit is not Unit.IMAGES:
            # Lines without a unit say `whisper-1, audio`.
            yield "audio", used
    if family.tokens_in:
        cached, written = _count(result.input_cached_tokens), _count(result.input_cache_write_tokens)
        # Older lines do not tell what was fresh.
        yield "input", _count(result.input_uncached_tokens) or _count(result.input_tokens) - cached - written
        yield "cached input", cached
        yield "cache writes", written
    if family.tokens_out:
        yield "output", _count(result.output_tokens)
        for kind, name in _OF_MODALITIES:
            yield kind, _count(getattr(result, name))


def _count(value: object) -> int:
    """A count that is one; anything else is no share in anything."""
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else 0


def _needed(family: Family) -> tuple[str, ...]:
    wanted = {
        "input_tokens": family.tokens_in,
        "output_tokens": family.tokens_out,
        "num_model_requests": family.requests,
        family.measure: family.unit is not None,
    }
    return tuple(name for name, needed in wanted.items() if needed)


@dataclass(frozen=True, slots=True)
class LineItem:
    """What was billed: a model's tokens of a kind, or an item without a model."""

    model: str | None = None
    item: str | None = None
    is_input: bool = False
    is_output: bool = False
    kind: str = ""
    """What kind of a model's usage it is for: `cached input`, `audio output`; empty where that can't be told."""


# A month repeats a few hundred of them in hundreds of thousands of lines.
@lru_cache(maxsize=4096)
def read_line_item(text: str | None) -> LineItem:
    """Read the text of a cost line, which is made for people and has no published grammar.

    Seen: `gpt-5.5, input`, `priority | gpt-5.6-sol, output, long context`, `assistants api | gpt-4o, input`,
    `gpt-audio-mini audio, input`, `gpt-realtime-2.1, audio input`, `web search tool calls`, `assistants api | file
    search`. What stands before the bar is a service tier or the surface that was used, never a model.
    """
    line = (text or "").strip()
    if not line:
        return LineItem(item=_UNNAMED_LINE)
    first, comma, kind = line.rpartition(" | ")[2].partition(", ")
    model, *modality = first.split() or [""]
    if not comma or not model or not _TOKEN_KINDS.search(kind) or not all(map(_TOKEN_KINDS.fullmatch, modality)):
        return LineItem(item=line)
    output = bool(_OUT.search(kind))
    is_input = not output and bool(_IN.search(kind))
    # What follows, like `long context`, is another price of the same tokens.
    words = [*modality, *_WORDS.findall(kind.partition(", ")[0])]
    return LineItem(model=model, is_output=output, is_input=is_input, kind=_kind(words))


def _kind(words: Sequence[str]) -> str:
    """The kind that words of a line stand for; empty where they say anything else."""
    said = {word.lower().rstrip("s") for word in words} - {"token"}
    modality = [name for name in _MODALITIES if name in said]
    kind = _KIND_OF_WORDS.get(frozenset(said - set(modality)))
    if kind is None or len(modality) > 1:
        return ""
    return " ".join([*modality, *([kind] if kind else [])])
