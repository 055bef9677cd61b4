"""Whatever is said stands in the catalogue, with the same places; figures are written as people write them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from usage.language.choice import Language, of_the_locale
from usage.language.words import NOTHING, Words, sentences
from usage.month import Month

ROOT = Path(__file__).parents[3]
SPEAKING = ("archive", "cli", "flows", "notion", "providers", "reports", "tasks", "usage")
FRENCH = sorted((ROOT / "usage" / "language" / "french").glob("*.po"))


def said() -> Iterator[tuple[Path, str]]:
    """Every sentence in the code: the texts that objects called `words` are given."""
    for path in (path for package in SPEAKING for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and is_said_by(node.func):
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value:
                        yield path, argument.value
    environment = Environment()  # noqa: S701  # nothing is rendered
    for path in (path for package in SPEAKING for path in (ROOT / package).rglob("*.jinja")):
        for call in environment.parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "words":
                yield from ((path, str(one.value)) for one in call.args[:1] if isinstance(one, nodes.Const))
    for path in (ROOT / "prefect.yaml", ROOT / "automations.yaml"):
        for text in texts(yaml.safe_load(path.read_text("utf-8"))):
            # Braces are Prefect's there.
            yield path, text.replace("{", "{{").replace("}", "}}")


def texts(declared: Any) -> Iterator[str]:
    """What a file for a Prefect server says to people."""
    if isinstance(declared, list):
        yield from (text for one in declared for text in texts(one))
    elif isinstance(declared, dict):
        for name, value in declared.items():
            if isinstance(value, str) and name in ("description", "subject", "body", "message"):
                yield value
            else:
                yield from texts(value)


def is_said_by(called: ast.expr) -> bool:
    """Whether it is `words(…)`, `self._words(…)`, `words.count(…)`, `say(…)` and its like."""
    if isinstance(called, ast.Attribute) and called.attr == "count":
        called = called.value
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return name.lstrip("_") == "words" or name in ("phrase", "say", "say_count", "to_say", "headings")


@cache
def catalogue() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for path in FRENCH:
        with path.open("rb") as file:
            found |= sentences(read_po(file, locale="fr"))
    return found


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_sentence_exists_in_french() -> None:
    lacking = [f"{path.relative_to(ROOT)}: {sentence}" for path, sentence in said() if sentence not in catalogue()]
    assert not lacking, "\n".join(lacking)


def test_every_sentence_of_the_catalogue_is_said() -> None:
    assert sorted(catalogue().keys() - {sentence for _, sentence in said()}) == []


def test_what_models_count_has_one_name_in_french_that_of_notions_columns() -> None:
    # What opens Notion is a `jeton`, and there is one of it.
    assert [sentence for sentence in catalogue().values() if "jetons" in sentence.lower()] == []


def test_no_sentence_stands_in_two_files() -> None:
    counts: Counter[str] = Counter()
    for path in FRENCH:
        with path.open("rb") as file:
            counts.update(sentences(read_po(file, locale="fr")).keys())
    assert [sentence for sentence, count in counts.items() if count > 1] == []


def test_both_languages_have_the_same_places() -> None:
    assert [english for english, french in catalogue().items() if places(english) != places(french)] == []


def test_what_the_catalogue_lacks_is_an_error_and_no_english_in_french() -> None:
    assert Words(Language.EN)("Nobody says {this}.", this="that") == "Nobody says that."
    with pytest.raises(KeyError):
        Words(Language.FR)("Nobody says {this}.", this="that")


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("1180.854", "$1,180.85", "1\u202f180,85\xa0$US"),
        ("0.0000001", "$0.0000001", "0,0000001\xa0$US"),
        ("0", "$0.00", "0,00\xa0$US"),
        ("-3", "-$3.00", "-3,00\xa0$US"),
        ("1234567.5", "$1,234,567.50", "1\u202f234\u202f567,50\xa0$US"),
    ],
)
def test_amounts_are_written_as_people_do(text: str, english: str, french: str) -> None:
    assert Words(Language.EN).dollars(Decimal(text)) == english
    assert Words(Language.FR).dollars(Decimal(text)) == french


def test_what_nobody_knows_is_no_zero() -> None:
    words = Words(Language.EN)
    assert {words.dollars(None), words.whole(None), words.percent(None), words.signed(None)} == {NOTHING}


def test_changes_have_a_sign() -> None:
    assert Words(Language.EN).signed(Decimal(5)) == "+$5.00"
    assert Words(Language.FR).percent(Decimal("0.121"), signed=True) == "+12\xa0%"
    assert Words(Language.EN).percent(Decimal("-0.121"), signed=True) == "-12%"


def test_months_and_days_have_names() -> None:
    assert Words(Language.FR).month(Month.parse("2026-01")) == "janvier 2026"
    assert Words(Language.EN).day(date(2026, 1, 5)) == "Jan 5, 2026"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "fr_CH.UTF-8"}, Language.FR),
        ({"LANG": "fr_CH.UTF-8", "LC_ALL": "C"}, Language.EN),
        ({"LC_MESSAGES": "FR"}, Language.FR),
        ({}, Language.EN),
        ({"LC_ALL": "", "LANG": "fr"}, Language.FR),
    ],
)
def test_the_locale_tells_the_language(environment: dict[str, str], language: Language) -> None:
    assert of_the_locale(environment) is language


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=20))
def test_no_amount_is_refused_or_shown_as_nothing(amount: Decimal) -> None:
    for language in Language:
        text = Words(language).dollars(amount)
        assert (amount == 0) == (not any(digit in text for digit in "123456789"))


@pytest.mark.parametrize(
    ("month", "shown"), [("2025-10", "Total d’octobre 2025"), ("2026-01", "Total de janvier 2026")]
)
def test_french_months_that_begin_with_a_vowel_are_elided(month: str, shown: str) -> None:
    words = Words(Language.FR)
    told = words("Total of {month}: {total}.", month=words.month(Month.parse(month)), total="1")
    assert told.replace("\N{NO-BREAK SPACE}", " ").startswith(shown)
