"""Content over Notion's limits, and text that is none of the usual: written, compared, and the same the next time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.errors import invalid
from tests.notion.mortal import Died, Mortal
from tests.notion.office import Notion, Office
from tests.notion.tables import Made
from usage.month import Month
from usage.outcomes.rows import UsageRow, totals
from usage.records.breakdown import OTHERS, BreakdownEntry, dearest_first, fit_json, to_json

LATER = datetime(2026, 2, 6, 8, tzinfo=UTC)
UPLOAD = ["POST /file_uploads", "POST /file_uploads/*/send"]


def many(count: int = 2500, first: str = "100") -> tuple[BreakdownEntry, ...]:
    """A breakdown of so many models, over Notion's limit from about 2,000 of them on; emoji fall on every cut."""
    return dearest_first(
        BreakdownEntry(
            model=f"modèle 🤖🤖🤖 {number:05d}",
            cost=Decimal(first) if number == 0 else Decimal(number) / 1000,
            requests=number,
            tokens_input=3,
            tokens_output=1,
        )
        for number in range(count)
    )


def row_of(made: Made, entries: tuple[BreakdownEntry, ...], key: str = "proj_long", **more: Any) -> UsageRow:
    row: UsageRow = made.row(key, breakdown=entries, models=tuple(entry.name for entry in entries), **more)
    return row.model_copy(
        update={
            "totals": totals([row]).model_copy(
                update={"cost": sum((entry.cost or Decimal(0) for entry in entries), Decimal(0))}
            )
        }
    )


def sums(text: str | bytes) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for entry in json.loads(text, parse_float=Decimal):
        for name in ("cost", "requests", "tokens_input", "tokens_output"):
            found[name] += entry.get(name, 0)
    return dict(found)


def rows(office: Office) -> Any:
    """The row of the long breakdown."""
    (row,) = [row for row in office.base.rows() if row.value("Projet/API Key") == "proj_long"]
    return row


def files(office: Office) -> list[bytes]:
    return list(rows(office).attached())


def asked(office: Office) -> list[str]:
    """Requests about files and pages' content since the last look, without those that find the databases."""
    parent, requests = office.notion.api.parent_page_id, office.notion.server.journal.requests()
    lines = [
        line
        for request, line in zip(requests, office.notion.asked(), strict=True)
        if ("file_uploads" in line or "blocks" in line) and parent not in request.path
    ]
    office.notion.server.journal.clear()
    return lines


# -- breakdowns that don't fit


def test_a_breakdown_over_the_limit_is_whole_in_a_file(office: Office, made: Made) -> None:
    entries = many()
    office.collect(made.outcome(row_of(made, entries)))
    text = str(rows(office).value("Breakdown JSON"))
    assert len(text.encode("utf-16-le")) // 2 <= 200_000
    shown = json.loads(text, parse_float=Decimal)
    assert (shown[0]["cost"], shown[-1]["item"]) == (Decimal("100.00"), OTHERS)
    assert shown[-1]["count"] + len(shown) - 1 == len(entries)
    (content,) = files(office)
    assert content.decode() == to_json(entries)
    assert sums(text) == sums(content)
    assert float(sums(text)["cost"]) == rows(office).value("Cout USD")
    assert asked(office) == UPLOAD


def test_again_nothing_is_sent(office: Office, made: Made) -> None:
    outcome = made.outcome(row_of(made, many()))
    office.collect(outcome)
    asked(office)
    done = office.collect(outcome)
    assert (done.counts.created, done.counts.unchanged) == (0, 1)
    assert asked(office) == []


def test_a_changed_breakdown_gets_a_new_file(office: Office, made: Made) -> None:
    """The old one goes to the trash; a person's own file stays."""
    office.collect(made.outcome(row_of(made, many())))
    mine = {"type": "external", "external": {"url": "https://example.org/a.pdf"}, "name": "breakdown.pdf"}
    office.notion.connection.append_blocks(rows(office).id, [{"type": "file", "file": mine}])
    asked(office)
    entries = many(first="101")
    office.collect(made.outcome(row_of(made, entries)))
    children = "/blocks/*/children"
    assert asked(office) == [f"GET {children}", *UPLOAD, f"PATCH {children}", "DELETE /blocks/*"]
    names = [block.file.name for block in office.notion.connection.children(rows(office).id) if block.file]
    assert (len(names), "breakdown.pdf" in names) == (2, True)
    assert files(office) == [to_json(entries).encode()]


def test_rows_that_fit_cost_no_request_more(office: Office, made: Made) -> None:
    office.collect(made.outcome(row_of(made, many(100))))
    office.collect(made.outcome(row_of(made, many(100, first="101"))))
    assert asked(office) == []


@pytest.mark.parametrize("path", ["/file_uploads$", "/send$"])
def test_a_plan_that_refuses_files(office: Office, made: Made, path: str, caplog: pytest.LogCaptureFixture) -> None:
    office.notion.server.faults.add(trouble.answer(invalid("The file is too large."), path=path))
    assert office.collect(made.outcome(row_of(made, many()))).counts.created == 2
    assert files(office) == []
    assert "The file is too large." in caplog.text


def test_a_breakdown_that_a_double_has_whole_leaves_no_wrong_file(
    office: Office, made: Made, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("notion.plan.desired.fit_json", partial(fit_json, limit=2000))
    office.collect(made.outcome(row_of(made, many(30))))
    kept = rows(office)
    office.notion.wait(minutes=1)
    # The same thing in another month is a double as soon as a person says so.
    newer = made.outcome(row_of(made, many(30, first="101")), month=Month(2025, 12), attempted_at=LATER)
    office.collect(newer)
    (double,) = [row for row in office.base.rows() if row.title == "2025-12 - OpenAI - proj_long"]
    office.notion.api.store.edit(double, {"Mois": "2026-01", "Identifiant": kept.title})
    text = double.value("Breakdown JSON")
    workspace = office.open(office.notion.connection)
    workspace.heal(workspace.healing())
    assert (double.in_trash, kept.value("Breakdown JSON")) == (True, text)
    assert list(kept.attached()) == []
    assert "sur la page de sa ligne en double" in caplog.text


# -- cut anywhere


@pytest.mark.parametrize("end", ["before", "after", "lost"])
@pytest.mark.parametrize("there", [False, True], ids=["new row", "changed row"])
def test_cut_at_any_request(
    notion: Notion,
    set_up_office: Callable[..., Office],
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
    *,
    there: bool,
    end: str,
) -> None:
    """Before the request is sent; after it was carried out, its answer lost with the program; its answer lost alone."""
    # As if Notion took less: breakdowns over its real limit take their time.
    monkeypatch.setattr("notion.plan.desired.fit_json", partial(fit_json, limit=2000))
    old, new = made.outcome(row_of(made, many(30))), made.outcome(row_of(made, many(30, first="101")))

    def start() -> Office:
        notion.renew()
        office = set_up_office(notion)
        if there:
            office.collect(old)
        notion.server.journal.clear()
        return office

    pace = Mortal()
    mortal = notion.gateway(pace=pace)
    start().collect(new)
    requests = len(notion.asked())
    for cut in range(requests):
        office = start()
        if end != "before":
            notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=cut))
        if end != "lost":
            # After a lost answer the next thing that is sent is the one too many.
            pace.left = cut + (end == "after")
            with pytest.raises(Died):
                office.collect(new, gateway=mortal)
        office.collect(new)
        assert files(office) == [to_json(new.rows[0].breakdown).encode()], cut
        assert float(new.rows[0].totals.cost or 0) == rows(office).value("Cout USD")
        asked(office)
        assert office.collect(new).counts.updated == 1
        assert asked(office) == []


# -- other people's text

NAMES = {
    "commas": "Sales, EU, and more",
    "right to left": "مساعد الدعم 🤖 תמיכה",
    "control characters": "a\x00b\x07c\x1b[31md\u0085e",
    "lines": "first\r\nsecond\n\nthird\tfourth",
    "emoji at the cut": "🤖" * 3000,
    "combined": "e\u0301" * 2000 + "👩‍👩‍👧‍👦" * 300,
    "half a pair": "before \ud83e after",
    "markup": "<b>=1+1</b> | *bold* `code` [x](https://example.org)",
    "spaces": "  \u00a0 ",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("utf16", [False, True], ids=["code points", "UTF-16"])
def test_names_of_every_kind(office: Office, made: Made, name: str, utf16: bool) -> None:
    """They are taken at the first try, whichever way Notion counts, and nothing is written the second time."""
    office.notion.api.utf16_lengths = utf16
    entries = (BreakdownEntry(model=name, cost=Decimal("1.5")),)
    outcome = made.outcome(row_of(made, entries, name=name, workspace=name, log=f"Par projet « {name} »."))
    office.collect(outcome)
    refused = [request for request in office.notion.server.journal.requests() if request.status >= 400]
    assert refused == []
    texts = [value for value in rows(office).values().values() if isinstance(value, str)]
    assert not any(set(text) & set("\x00\x07\x1b\u0085\ud83e") for text in texts)
    assert json.loads(str(rows(office).value("Breakdown JSON")), parse_float=Decimal)[0]["cost"] == Decimal("1.5")
    assert office.collect(outcome).counts.unchanged == 1


def test_texts_over_every_limit(office: Office, made: Made) -> None:
    """Cut with a mark at the end, and equal to themselves the next time."""
    long = "données manquantes 🧪 " * 20_000
    outcome = made.outcome(made.row("proj_long", log=long, models=("x" * 150_000, "y" * 150_000)), log=long)
    office.collect(outcome)
    for column in ("Log Status", "Modeles"):
        assert str(rows(office).value(column)).endswith("…")
        assert len(str(rows(office).value(column)).encode("utf-16-le")) // 2 <= 200_000
    assert office.collect(outcome).counts.unchanged == 1


def test_statuses_are_a_closed_list(office: Office, made: Made) -> None:
    """Notion refuses a select's option with a comma; nobody's names become options."""
    office.collect(made.outcome(row_of(made, many(3), name="a, b", workspace="c, d")))
    columns: Iterable[Any] = office.notion.connection.data_source(office.base.source_id).properties.values()
    (options,) = [[one.name for one in column.select.options] for column in columns if column.select]
    assert options == ["Succes", "Echec", "Partiel", "Donnees indisponibles"]
