"""Budgets: what may stand in the file, what wins, and what is said of a file that can't be used."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.planning.budgets import Budgets, budgets_of
from reports.planning.subjects import Kind, Subject
from tests.reports.histories import own, row
from usage.errors import SettingsError
from usage.month import Month

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
FILE = """\
total = 1_500.50

[provider]
OpenAI = 800
deepgram = 0

[project]
proj_abc = 300
"Salle d'été, Paris" = 20.25

[column.Client]
Acme = 200

[column."Équipe produit"]
"R&D = 1" = 90

[month.2026-02]
total = 2000
provider.openai = 1000

[month.2026-02.column.Client]
Acme = 250
"""


def amounts(budgets: Budgets, month: Month) -> dict[str, str]:
    return {f"{one.subject.kind} {one.subject.label}".strip(): str(one.amount) for one in budgets.of(month)}


def refused(text: str) -> str:
    with pytest.raises(SettingsError) as error:
        budgets_of({}, text, "/home/ana/budgets.toml")
    return str(error.value)


def test_all_that_can_be_bounded_and_a_month_of_its_own() -> None:
    budgets = budgets_of({}, FILE)
    usual = {
        "total": "1500.50",
        "provider OpenAI": "800",
        "provider Deepgram": "0",
        "project proj_abc": "300",
        "project Salle d'été, Paris": "20.25",
        "column Client: Acme": "200",
        "column Équipe produit: R&D = 1": "90",
    }
    assert amounts(budgets, JANUARY) == usual
    special = usual | {"total": "2000", "provider OpenAI": "1000", "column Client: Acme": "250"}
    assert amounts(budgets, FEBRUARY) == special
    assert list(amounts(budgets, FEBRUARY)) == list(usual)


def test_the_example_of_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "budgets.toml").read_text("utf-8")
    budgets = budgets_of({}, text)
    assert len(budgets.of(JANUARY)) == 6
    assert amounts(budgets, Month(2026, 12))["column Client: Acme"] == "600"


def test_variables_win_over_the_file_in_every_month() -> None:
    budgets = budgets_of({"total": Decimal("99.5"), "anthropic": Decimal(7)}, FILE)
    assert amounts(budgets, FEBRUARY)["total"] == "99.5"
    assert amounts(budgets, JANUARY)["provider Anthropic"] == "7"
    assert amounts(budgets, JANUARY)["provider OpenAI"] == "800"
    assert not budgets_of({})
    assert budgets_of({"total": Decimal(1)})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("total = 1500\n\n[provider\nopenai = 1", 3, "this is not TOML"),
        ("total =", 1, "this is not TOML"),
        ("total = 1\ntotal = 2", 2, "this is not TOML"),
        ('# ours\n\ntotal = "1500"', 3, "write US dollars a month, like 1500 or 1500.50"),
        ("total = -1", 1, "like 1500"),
        ("total = nan", 1, "like 1500"),
        ("total = inf", 1, "like 1500"),
        ("total = true", 1, "like 1500"),
        ("total = 1e400", 1, "like 1500"),
        ("total = 0.0000001", 1, "like 1500"),
        ("total = 2026-01-01", 1, "like 1500"),
        ("total = 1\n[provider]\nopenai = 5\nopneai = 6", 4, "write one of openai, anthropic"),
        ("[provider]\nopenai = 5\nOpenAI = 6", 3, "has a budget already"),
        ("[column.Client]\nAcme = 1\nacme = 2", 3, "has a budget already"),
        ("provider = 5", 1, "write [provider], and below it: name = 1500"),
        ("[column]\nClient = 5", 2, "write [column.Client]"),
        ('[project]\n" " = 5', 2, "write what it is for"),
        ('[column.""]\nx = 5', 2, "write what it is for"),
        ("[projects]\nx = 5", 1, "what can stand in the file: total, [provider], [project], [column."),
        ("[month.2026-13]\ntotal = 1", 1, "write [month.2026-01]"),
        ("total = 1\n[month.january]\ntotal = 1", 2, "write [month.2026-01]"),
        ("[month.2026-01]\ntotal = 1\n[month.2026-01.provider]\nacme = 1", 4, "is no provider"),
        ('[project]\n"a = b" = 1\n"c = d" = -1', 3, "like 1500"),
        ("provider = { openai = 1, acme = 2 }", 1, "is no provider"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_path_line_and_what_to_write(
    text: str, line: int, said: str
) -> None:
    sentence = refused(text)
    assert sentence.startswith(f"/home/ana/budgets.toml, line {line}: ")
    assert said in sentence


def test_a_refusal_is_in_the_language_of_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")
    assert refused("\n[provider]\nopneai = 6") == (
        "/home/ana/budgets.toml, ligne 3 : 'opneai' n’est pas un fournisseur ; "
        "écrivez l’un de openai, anthropic, elevenlabs, deepgram, openrouter"
    )


@given(st.text(alphabet="ab[].=\"'{}#\n-1 ", max_size=60))
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_one_sentence(text: str) -> None:
    said = ""
    with suppress(SettingsError):
        budgets_of({}, text)
        said = "budgets.toml, line 1: fine"
    if not said:
        said = refused(text)
    assert re.match(r"\S*budgets.toml, line [1-9]\d*: .", said)


NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(str.strip)


@given(
    st.dictionaries(NAMES, st.decimals(min_value=0, max_value=10**9, places=2), max_size=5),
    st.dictionaries(NAMES, st.decimals(min_value=0, max_value=10**9, places=2), max_size=5),
)
def test_what_is_written_is_what_is_read(projects: dict[str, Decimal], others: dict[str, Decimal]) -> None:
    def table(name: str, amounts: dict[str, Decimal]) -> str:
        quoted = (f'"{key}" = {amount}'.replace("\\", "\\\\") for key, amount in amounts.items() if '"' not in key)
        return "\n".join([f"[{name}]", *quoted])

    text = f"{table('project', projects)}\n{table('month.2026-02.project', others)}"
    found = {one.subject.name: one.amount for one in budgets_of({}, text).of(FEBRUARY)}
    assert found == {name: amount for name, amount in (projects | others).items() if '"' not in name}


def test_whose_cost_counts() -> None:
    one = row(JANUARY, "proj_abc", (), name="Salle d'Été", account="labo", own=own("Équipe", "R&D", "Ventes"))
    assert Subject(Kind.TOTAL).takes(one)
    assert Subject(Kind.PROVIDER, "openai").takes(one)
    assert not Subject(Kind.PROVIDER, "deepgram").takes(one)
    for name in ("proj_abc", "salle d'ete", "Salle d'été (labo)"):
        assert Subject(Kind.PROJECT, name).takes(one)
    assert not Subject(Kind.PROJECT, "PROJ_ABC").takes(one)
    assert Subject(Kind.COLUMN, "ventes", "Equipe").takes(one)
    assert not Subject(Kind.COLUMN, "ventes", "Client").takes(one)


def test_a_file_is_refused_in_both_languages() -> None:
    with pytest.raises(SettingsError) as error:
        budgets_of({}, "total = 1\nfoo = 3", "b.toml")
    assert error.value.sentence.en.startswith("b.toml, line 2: 'foo' means nothing here")
    assert error.value.sentence.fr.startswith("b.toml, ligne 2")
    assert "'foo' ne veut rien dire ici" in error.value.sentence.fr
