"""A month that its provider no longer has, and of which a reading is kept, is never called unavailable."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from providers import provider as provider_named
from providers.shared.job import Job
from sandbox.faults import Fault, Kind
from tests.cli.corrections import MONTH, ONE_KEY
from tests.cli.programs import Cli
from usage.errors import UnavailableError
from usage.language.sentence import Sentence
from usage.names import ProviderName

LATER = "2027-03-01T08:00:00Z"
KEPT = (
    "La lecture du 2026-02-14 est dans l’archive : les chiffres restent. Pour les publier à nouveau : llm-usage replay"
)


@pytest.fixture
def archived(ready: Cli, tmp_path: Path) -> Cli:
    ready.set(LLM_USAGE_ARCHIVE=str(tmp_path / "archive"))
    return ready


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has every provider refuse the month from now on."""

    async def refuse(_self: object, job: Job) -> NoReturn:
        raise UnavailableError(Sentence.of(f"Le fournisseur ne donne plus {job.month}."))

    def all_gone() -> None:
        for name in ProviderName:
            monkeypatch.setattr(type(provider_named(name)), "collect", refuse)

    return all_gone


@pytest.mark.parametrize("provider", ProviderName)
def test_what_was_read_before_stays_and_can_be_published_again(
    archived: Cli, provider: ProviderName, gone: Any
) -> None:
    archived.only(ONE_KEY[provider])
    first = archived("collect", "--month", MONTH, "--json").json["sources"][0]
    before = archived.figures()
    gone()
    archived.set(LLM_USAGE_NOW=LATER)
    told = archived("collect", "--month", MONTH, "--json")
    (source,) = told.json["sources"]
    assert (told.status, told.json["status"], source["status"]) == (0, "Succes", "Succes")
    assert source["cost_usd"] == first["cost_usd"]
    assert "Le fournisseur ne donne plus 2026-01." in source["log"]
    assert f"{KEPT} {MONTH} --provider {provider}" in source["log"]
    after = archived.figures()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if name.endswith("(collecte)")}
    (own,) = changed
    assert after[own]["Statut Collecte"] == "Succes"
    # It still vouches for the reading whose figures stand there.
    assert after[own]["Breakdown JSON"] == before[own]["Breakdown JSON"]


def test_the_rows_come_back_by_a_replay(archived: Cli) -> None:
    archived.only("OPENROUTER_MANAGEMENT_KEY")
    assert archived("collect", "--month", MONTH).status == 0
    before = archived.figures()
    for name, row in archived.rows().items():
        if not name.endswith("(collecte)"):
            archived.sandbox.notion.store.trash(row)
    archived.set(LLM_USAGE_NOW=LATER)
    refusal = Fault(api="openrouter", kind=Kind.STATUS, status=400, path="/analytics", times=-1)
    archived.sandbox.faults.add(refusal)
    told = archived("collect", "--month", MONTH, "--json")
    assert (told.status, told.json["sources"][0]["status"]) == (0, "Succes")
    assert "OpenRouter ne remonte qu’à 365 jours" in told.json["sources"][0]["log"]
    assert archived("replay", MONTH, "--provider", "openrouter").status == 0
    after = archived.figures()
    assert after.keys() == before.keys()
    assert {name: row["Cout USD"] for name, row in after.items()} == {
        name: row["Cout USD"] for name, row in before.items()
    }


def test_without_a_kept_reading_it_is_not_available(archived: Cli, gone: Any) -> None:
    archived.only("DEEPGRAM_API_KEY_PROD")
    gone()
    # The first attempt leaves a reading that says so, which is none of the month's.
    for _ in range(2):
        told = archived("collect", "--month", MONTH, "--json")
        assert (told.status, told.json["sources"][0]["status"]) == (0, "Donnees indisponibles")
        assert "archive" not in told.json["sources"][0]["log"]
