"""A workspace made by hand after an older guide and filled by an older collector: from its first check to clean months.

Accents, other names, doubled rows, a row `… - Error`, a column of a wrong type, and what people have written meanwhile.
"""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion.screen.cells import Cell
from tests.cli.programs import Cli

MONTHS = ("2025-12", "2026-01")
CENTRE, NARRATION = "Call centre 📞, EU", "Narration"


@pytest.fixture
def old(cli: Cli, prefect_api: str) -> Cli:
    cli.only("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")
    make_databases(cli)
    fill(cli)
    return cli


def make_databases(cli: Cli) -> None:
    store = cli.sandbox.notion.store
    text: dict[str, Any] = {"rich_text": {}}
    services = store.make_database(
        "Services LLM", {"Nom": {"title": {}}, "Statut": {"select": {"options": [{"name": "Actif"}]}}, "Notes": text}
    )
    usages = store.make_database(
        "Usages LLM",
        {
            "Identifiant": {"title": {}},
            "Service": {
                "relation": {
                    "data_source_id": services.source_id,
                    "type": "dual_property",
                    "dual_property": {"synced_property_name": "Usages"},
                }
            },
            "Mois": text,
            "Projet/API Key": text,
            "Workspace": text,
            "Modèles": text,
            "Tokens Input": {"number": {}},
            "Tokens Output": {"number": {}},
            "Coût USD": {"number": {"format": "dollar"}},
            "Requêtes": text,
            "Breakdown JSON": text,
            "Collecté le": {"date": {}},
            "Statut Collecte": {"select": {"options": [{"name": "Succes"}, {"name": "Erreur"}]}},
            "Log Status": text,
            "Remarques": text,
            "Suivi": {"multi_select": {"options": []}},
            "Vu": {"checkbox": {}},
        },
    )
    store.change_schema(usages, {"Tokens Total": {"formula": {"expression": 'prop("Tokens Input")'}}})
    rollup = {"relation_property_name": "Usages", "rollup_property_name": "Identifiant", "function": "count"}
    store.change_schema(services, {"Nb Collectes": {"rollup": rollup}})
    for name in ("Deepgram", "ElevenLabs", "Mistral"):
        store.add_row(services, {"Nom": name, "Statut": "Actif", "Notes": f"à propos de {name}"})


def fill(cli: Cli) -> None:
    """What the older collector wrote, run after run, and what people added to it."""
    put(cli, "Deepgram", CENTRE, **{"Projet/API Key": CENTRE, "Coût USD": 900, "Remarques": "à refacturer"})
    put(cli, "Deepgram", CENTRE, **{"Projet/API Key": CENTRE, "Coût USD": 950, "Suivi": ("client",)})
    put(cli, "Deepgram", CENTRE, **{"Projet/API Key": CENTRE, "Coût USD": 950, "Remarques": "facturé en février"})
    put(cli, "Deepgram", "Error", Workspace="", **{"Statut Collecte": "Erreur"})
    put(cli, "Deepgram", "Error", "2025-12", Remarques="clé changée ce jour-là", **{"Statut Collecte": "Erreur"})
    put(cli, "ElevenLabs", NARRATION, **{"Requêtes": "120", "Coût USD": 12, "Vu": True, "Remarques": "série d’été"})
    put(cli, "ElevenLabs", NARRATION, **{"Requêtes": "120", "Coût USD": 12, "Vu": True, "Suivi": ("voix", "client")})
    put(cli, "ElevenLabs", NARRATION, "2025-12", **{"Projet/API Key": NARRATION, "Remarques": "série d’hiver"})
    put(cli, "ElevenLabs", "Archive", "2025-11", **{"Projet/API Key": "0123abcd", "Coût USD": 1, "Workspace": "studio"})
    put(cli, "ElevenLabs", "Archive", "2025-10", **{"Projet/API Key": "Archive", "Coût USD": 2, "Suivi": ("clos",)})
    put(cli, "Mistral", "Essais", **{"Projet/API Key": "Essais", "Remarques": "pas collecté"})
    put(cli, "Mistral", "Essais", **{"Projet/API Key": "Essais", "Remarques": "pas collecté non plus"})


def put(cli: Cli, service: str, name: str, month: str = "2026-01", /, **cells: Any) -> None:
    store = cli.sandbox.notion.store
    row = store.database("Services LLM").row(service)
    fields: dict[str, Cell] = {"Identifiant": f"{month} - {service} - {name}", "Service": (row.id,), "Mois": month}
    store.add_row(store.database("Usages LLM"), {**fields, **cells})


def usages(cli: Cli) -> Any:
    return cli.sandbox.notion.store.database("Usages LLM")


def written(cli: Cli) -> set[str]:
    """All that people wrote, in rows that are not in the trash."""
    rows = usages(cli).rows()
    texts = {line for row in rows for line in str(row.value("Remarques") or "").splitlines()}
    return texts | {option for row in rows for option in row.value("Suivi")}


def identities(cli: Cli) -> list[tuple[Any, ...]]:
    return [
        (row.value("Mois"), *(one.title for one in row.linked("Service")), row.value("Projet/API Key") or row.title)
        for row in usages(cli).rows()
        if "Mistral" not in row.title
    ]


def edited(cli: Cli) -> dict[str, Any]:
    """When each row was last written to, the sources' own rows left out."""
    return {
        row.id: (row.last_edited_time, row.values())
        for row in usages(cli).rows()
        if row.value("Projet/API Key") != "(collecte)"
    }


def person_renames_the_column(cli: Cli) -> None:
    cli.sandbox.notion.store.change_schema(usages(cli), {"Requêtes": {"name": "Requêtes (ancien)"}})


def person_changes_its_type(cli: Cli) -> None:
    cli.sandbox.notion.store.change_schema(usages(cli), {"Requêtes": {"number": {}}})


@pytest.mark.parametrize("person_acts", [person_renames_the_column, person_changes_its_type])
def test_from_an_old_workspace_to_a_clean_month(old: Cli, person_acts: Any) -> None:
    services = old.sandbox.notion.store.database("Services LLM")
    wrong = "The column “Requêtes” of “Usages LLM” is of type rich_text instead of number"
    checked = old("check")
    assert checked.status == 1
    assert "Requêtes (rich_text)" in checked.out
    set_up = old("setup")
    assert (set_up.status, wrong in set_up.err) == (0, True)
    for arguments in (("collect", "--month", "2026-01"), ("heal", "--yes")):
        told = old(*arguments)
        assert (told.status, wrong in told.err) == (2, True)

    person_acts(old)
    columns, notes = usages(old).kinds | services.kinds, written(old)
    assert old("setup").status == 0
    assert old("check").status == 0

    planned = old("heal", "--dry-run", "--json")
    before = edited(old)
    healed = old("heal", "--yes", "--json")
    assert (planned.status, healed.status) == (0, 0)
    assert before != edited(old)
    counts = {name: healed.json[name] for name in ("months", "merged", "trashed", "completed", "adopted", "left")}
    assert counts == {
        "months": ["2025-10", "2025-11", "2026-01"],
        "merged": 2,
        # Two doubles of the call centre, one of the narration, the error row that says nothing.
        "trashed": 4,
        "completed": 1,
        # The archive's row that has its id, as it is.
        "adopted": 1,
        "left": [],
    }
    assert counts == {name: planned.json[name] for name in counts}
    assert written(old) == notes

    for month in MONTHS:
        told = old("collect", "--month", month, "--json")
        assert (told.status, told.json["status"]) == (0, "Succes")
    assert len(identities(old)) == len(set(identities(old)))
    trashed = [row.title for row in usages(old).rows(trashed=True)]
    assert trashed.count("2026-01 - Deepgram - Error") == 1
    assert usages(old).row("2025-12 - Deepgram - Error").value("Remarques") == "clé changée ce jour-là"
    assert usages(old).row("2025-10 - ElevenLabs - Archive").value("Projet/API Key") == "0123abcd"
    centre = usages(old).row(f"2026-01 - Deepgram - {CENTRE}")
    assert str(centre.value("Remarques")).splitlines() == ["à refacturer", "facturé en février"]
    for title in (f"2026-01 - Deepgram - {CENTRE}", f"2026-01 - ElevenLabs - {NARRATION}"):
        assert usages(old).row(title).value("Projet/API Key") not in (CENTRE, NARRATION, None)
        assert usages(old).row(title).value("Coût USD") not in (900, 950, 12)
    assert columns.items() <= (usages(old).kinds | services.kinds).items()
    assert services.row("Mistral").value("Notes") == "à propos de Mistral"
    assert written(old) == notes

    # Its name has got an id by now; a collection leaves to heal what somebody else wrote.
    again = old("heal", "--yes", "--json").json
    assert (again["months"], again["merged"], again["left"], written(old) == notes) == (["2025-12"], 1, [], True)
    settled = edited(old)
    assert old("heal", "--yes", "--json").json["months"] == []
    for month in MONTHS:
        assert old("collect", "--month", month, "--json").status == 0
    assert edited(old) == settled
