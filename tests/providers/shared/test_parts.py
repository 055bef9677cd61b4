from __future__ import annotations

import asyncio

import pytest

from providers.shared.parts import Part, PartResults, days_gap, gap_of, read_parts
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
    UnavailableError,
)
from usage.language.sentence import Sentence
from usage.month import Month
from usage.outcomes.report import Gap, GapKind

IMAGES = Sentence(en="the images", fr="les images")


async def give(result: str | Exception) -> str:
    if isinstance(result, Exception):
        raise result
    return result


def part(result: str | Exception, *, optional: bool = False, apart: bool = False) -> Part[str]:
    return Part(IMAGES, give(result), optional=optional, apart=apart)


def read(*parts: Part[str]) -> PartResults[str]:
    return asyncio.run(read_parts(parts))


def test_parts_come_back_in_their_order() -> None:
    assert read(part("a"), part("b"), part("c")) == PartResults(("a", "b", "c"), ())
    assert read() == PartResults((), ())


@pytest.mark.parametrize(
    ("error", "kind", "passing"),
    [
        (CredentialError(Sentence.of("Refusé.")), GapKind.MISSING, False),
        (RefusedError(Sentence.of("Refusé.")), GapKind.MISSING, False),
        (TransientError(Sentence.of("Refusé.")), GapKind.MISSING, True),
        (UnavailableError(Sentence.of("Refusé.")), GapKind.UNAVAILABLE, False),
        (NotOfferedError(Sentence.of("Refusé.")), GapKind.UNAVAILABLE, False),
    ],
)
def test_a_part_that_fails_leaves_a_gap(error: SourceError, kind: GapKind, passing: bool) -> None:
    sentence = Sentence(en="Without the images: Refusé.", fr="Il manque les images : Refusé.")
    gap = Gap(kind=kind, sentence=sentence, passing=passing)
    assert gap_of(IMAGES, error) == gap
    assert read(part("a"), part(error), part("c")) == PartResults(("a", None, "c"), (gap,))


def test_an_optional_part_may_be_missing_without_a_word() -> None:
    assert read(part("a"), part(NotOfferedError(Sentence.of("…")), optional=True)) == PartResults(("a", None), ())
    assert len(read(part("a"), part(CredentialError(Sentence.of("…")), optional=True)).gaps) == 1


def test_a_broken_contract_stops_the_source() -> None:
    with pytest.raises(ContractError, match="champ"):
        read(part("a"), part(TransientError(Sentence.of("…"))), part(ContractError(Sentence.of("champ"))))


@pytest.mark.parametrize("optional", [True, False])
def test_a_part_that_others_do_not_depend_on_costs_only_itself(*, optional: bool) -> None:
    gap = Gap(
        kind=GapKind.MISSING, sentence=Sentence(en="Without the images: champ", fr="Il manque les images : champ")
    )
    broken = part(ContractError(Sentence.of("champ")), optional=optional, apart=not optional)
    assert read(part("a"), broken) == PartResults(("a", None), (gap,))


def test_a_source_all_parts_of_which_break_the_contract_has_failed() -> None:
    with pytest.raises(ContractError, match="champ"):
        read(
            part(ContractError(Sentence.of("champ")), apart=True),
            part(NotOfferedError(Sentence.of("…")), optional=True),
        )


@pytest.mark.parametrize(
    ("days", "reach", "sentence"),
    [
        (31, 0, None),
        (None, 0, None),
        (20, 11, None),
        (20, 0, "Il manque 11 jours : 20 jours lus sur 31."),
        (20, 10, "Il manque 1 jour : 20 jours lus sur 31."),
        (1, 0, "Il manque 30 jours : 1 jour lu sur 31."),
    ],
)
def test_days_that_are_missing(days: int | None, reach: int, sentence: str | None) -> None:
    found = days_gap(Month(2026, 1), days, out_of_reach=reach)
    assert [gap.sentence.fr for gap in found] == ([] if sentence is None else [sentence])
    assert all(gap.kind is GapKind.MISSING for gap in found)


def test_a_mistake_of_ours_is_not_taken_for_a_gap() -> None:
    with pytest.raises(KeyError):
        read(part("a"), part(KeyError("ours")))


def test_a_source_of_which_nothing_was_read_has_failed() -> None:
    with pytest.raises(CredentialError, match="first"):
        read(part(CredentialError(Sentence.of("first"))), part(NotOfferedError(Sentence.of("second")), optional=True))


def test_every_part_is_read_to_its_end_before_one_stops_the_source() -> None:
    done: list[str] = []

    async def slow() -> str:
        await asyncio.sleep(0)
        done.append("slow")
        return "slow"

    with pytest.raises(ContractError):
        read(part(ContractError(Sentence.of("champ"))), Part(Sentence.of("les coûts"), slow()))
    assert done == ["slow"]
