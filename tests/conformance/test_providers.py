"""What every provider has to do, whatever its API looks like."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from providers.shared.checks import CheckStatus
from providers.shared.patience import SOURCE_PATIENCE
from sandbox.faults import Fault, Kind
from sandbox.shared.bill import BillRow
from tests.conformance.desk import Case, Desk, Drift, Scope
from usage.errors import ContractError, CredentialError, SourceError, TransientError
from usage.grain import NO_API_KEY, NO_PROJECT
from usage.money import exact_sum
from usage.names import Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import UsageRow, totals
from usage.outcomes.story import source_log
from usage.settings import KEY_VARIABLES

SECRET = "sk-secret-in-an-answer"


def fault(desk: Desk, kind: Kind, path: str = "", **more: Any) -> Fault:
    return desk.server.faults.add(Fault(desk.case.name.value, kind, path=path and path + "$", **more))


def paths(desk: Desk) -> list[str]:
    return [request.path for request in desk.server.journal.requests()]


def key_of(row: UsageRow) -> str:
    return "" if row.key in (NO_PROJECT, NO_API_KEY) else row.key


def matches(desk: Desk, report: SourceReport, *, names: bool = True) -> None:
    """Row for row what the stand-in's own facts come to."""
    account = desk.account_of(report.source)
    rows = desk.rows(report)
    bill: dict[tuple[str, str], BillRow] = {
        (row.workspace, row.key): row for row in desk.api.bill(account, str(report.month)).rows
    }
    # Providers without workspaces have the account in their place.
    found = {(row.workspace if any(place for place, _ in bill) else "", key_of(row)): row for row in rows}
    assert found.keys() == bill.keys()
    assert len(found) == len(rows)
    for place, expected in bill.items():
        row = found[place]
        assert row.totals.cost == expected.cost, place
        figures = (row.totals.tokens_input, row.totals.tokens_output, row.totals.requests)
        assert figures == (expected.tokens_input, expected.tokens_output, expected.requests), place
        if names and expected.name and expected.name.strip():
            assert row.name == expected.name
        assert row.name.strip()
        costs = {entry.name: entry.cost for entry in row.breakdown}
        for name, cost in expected.models.items():
            if name and cost is not None:
                assert costs[name] == cost, (place, name)
            assert name in costs or not name, (place, name)


# The figures


@pytest.mark.parametrize("month", ["2026-01", "2025-12"])
def test_rows_match_the_bill_to_the_last_digit(case: Case, desk: Desk, month: str) -> None:
    for source in desk.sources:
        report = desk.read(month, source)
        matches(desk, report)
        total = desk.api.bill(desk.account_of(source), month).total
        assert totals(desk.rows(report)).cost == exact_sum(record.cost for record in report.records) == total
        assert report.status is Status.SUCCES
        assert report.gaps == ()
        assert (str(report.month), report.source, report.data_until) == (month, source, None)


def test_another_world(case: Case, fresh: Desk) -> None:
    for source in fresh.sources:
        matches(fresh, fresh.read(source=source))


def test_the_control_total_agrees(case: Case, desk: Desk) -> None:
    report = desk.read()
    assert report.control is not None
    assert report.control.agrees
    assert report.control.summed == desk.api.bill(desk.account, "2026-01").total


def test_a_second_reading_says_the_same(case: Case, desk: Desk) -> None:
    first, second = desk.rows(desk.read()), desk.rows(desk.read())
    assert first == second


@pytest.mark.paged
def test_the_smallest_pages(case: Case, fresh: Desk) -> None:
    assert case.shrink is not None
    case.shrink(fresh.api)
    report = fresh.read()
    matches(fresh, report)
    assert report.status is Status.SUCCES


def test_the_running_month(case: Case, desk: Desk) -> None:
    report = desk.read("2026-02")
    matches(desk, report)
    assert report.data_until is not None
    assert report.month.start < report.data_until <= report.read_at
    assert report.control is None
    assert not report.empty_proven
    assert report.status is Status.SUCCES
    assert all("Chiffres d’un mois en cours." in row.log.fr for row in desk.rows(report))


def test_a_month_without_usage(case: Case, fresh: Desk) -> None:
    for account in fresh.api.accounts:
        account.clear("2026-01")
    report = fresh.read()
    assert report.records == ()
    assert report.status is Status.SUCCES
    assert report.empty_proven is case.proves_empty


def test_every_row_has_a_note(case: Case, desk: Desk) -> None:
    report = desk.read()
    assert report.row_note.fr.endswith(".")
    assert all(row.log.fr.startswith(report.row_note.fr) for row in desk.rows(report))


FRENCH = re.compile(r"[éèêàùçô«»]| [:;!?]|\b(le|la|les|des|du|est|pas|pour|sur|dans|une)\b")
ENGLISH = re.compile(r"\b(the|is|are|of|not|by|with|which|it)\b")


def test_whatever_is_told_is_told_in_both_languages(case: Case, desk: Desk) -> None:
    report = desk.read()
    told = [report.row_note, *report.remarks, *(finding.sentence for finding in desk.check())]
    for status in (400, 401, 403, 404, 429, 503):
        desk.server.faults.clear()
        fault(desk, Kind.STATUS, status=status, headers={"Retry-After": "3600"}, times=-1)
        try:
            told += [gap.sentence for gap in desk.read().gaps]
        except SourceError as error:
            told.append(error.sentence)
        told += [finding.sentence for finding in desk.check()]
    for sentence in told:
        assert sentence.en != sentence.fr
        # Paths are the provider's own words.
        english, french = (re.sub(r"/\S+", "", text) for text in (sentence.en, sentence.fr))
        assert not FRENCH.search(english), sentence.en
        assert not ENGLISH.search(french), sentence.fr


# The requests


def test_requests_stay_within_the_budget_and_only_read(case: Case, desk: Desk) -> None:
    for source in desk.sources:
        report = desk.read(source=source)
        requests = desk.server.journal.requests()
        assert report.requests == len(requests) <= case.budget(desk.account_of(source))
        assert report.pages == len(requests)
        # The stand-ins refuse parameters and fields that the published descriptions do not have.
        assert {request.status for request in requests} == {200}
        others = {(request.method, request.path) for request in requests if request.method != "GET"}
        assert others <= {("POST", path) for path in case.posts}


def test_nothing_is_asked_for_twice(case: Case, desk: Desk) -> None:
    """But the total, which is asked for without grouping."""
    desk.read()
    asked = Counter((request.path, request.query, request.body) for request in desk.server.journal.requests())
    assert max(asked.values()) == 1


# Trouble that passes


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.STATUS, {"status": 503}),
        (Kind.STATUS, {"status": 429, "headers": {"Retry-After": "7"}}),
        (Kind.STATUS, {"status": 408}),
        (Kind.STATUS_AFTER, {"status": 500}),
        (Kind.CUT_BEFORE, {}),
        (Kind.CUT_AFTER, {}),
        (Kind.TRUNCATE, {}),
    ],
)
def test_trouble_that_passes(case: Case, desk: Desk, kind: Kind, more: dict[str, Any]) -> None:
    fault(desk, kind, case.money, times=2, **more)
    report = desk.read()
    matches(desk, report)
    assert report.status is Status.SUCCES
    if "headers" in more:
        # What is read at the same time waits for a rate limit, too.
        assert len(desk.slept) >= 2
        assert max(desk.slept) >= 7
    else:
        assert len(desk.slept) == 2


def test_trouble_everywhere_that_passes(case: Case, desk: Desk) -> None:
    desk.read()
    for path in set(paths(desk)):
        fault(desk, Kind.STATUS, path, status=502)
    matches(desk, desk.read())


# Trouble that stays


def test_a_server_that_is_down(case: Case, desk: Desk) -> None:
    fault(desk, Kind.STATUS, status=503, times=-1)
    with pytest.raises(TransientError) as error:
        desk.read()
    assert error.value.status == 503
    asked = Counter((request.path, request.query, request.body) for request in desk.server.journal.requests())
    assert max(asked.values()) == 5


def test_money_that_can_not_be_read_now(case: Case, desk: Desk) -> None:
    fault(desk, Kind.STATUS, case.money, status=503, times=-1)
    if not case.money_apart:
        with pytest.raises(TransientError):
            desk.read()
        return
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert any(gap.kind is GapKind.MISSING and gap.passing for gap in report.gaps)
    expected = desk.api.bill(desk.account, "2026-01").rows
    rows = desk.rows(report)
    assert sum(row.totals.requests or 0 for row in rows) == sum(row.requests or 0 for row in expected)
    assert {row.totals.cost for row in rows} == {None}
    assert {row.status for row in rows} == {Status.PARTIEL}
    assert "Pour relancer" in source_log(report, totals(rows).cost, len(rows)).fr


def test_a_wait_that_is_too_long(case: Case, desk: Desk) -> None:
    fault(desk, Kind.STATUS, status=429, headers={"Retry-After": "3600"}, times=-1)
    with pytest.raises(TransientError, match="3600 s"):
        desk.read()
    assert desk.slept == []


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
def test_a_limit_by_the_minute_is_waited_for(case: Case, desk: Desk, headers: dict[str, str]) -> None:
    desk.read()
    path = next(path for path in paths(desk) if path.endswith(case.money))
    fault(desk, Kind.STATUS, path, status=429, headers=headers, times=6)
    report = desk.read()
    matches(desk, report)
    assert report.status is Status.SUCCES
    assert sum(desk.slept) > 60


def test_a_source_is_not_waited_for_without_end(case: Case, desk: Desk) -> None:
    fault(desk, Kind.STATUS, status=429, headers={"Retry-After": "115"}, times=-1)
    with pytest.raises(TransientError):
        desk.read()
    assert sum(desk.slept) <= SOURCE_PATIENCE


def test_a_source_that_hangs_is_given_up(case: Case, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(_: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("providers.reading.LONGEST_READING", 0.05)
    monkeypatch.setattr(desk, "_sleep", for_ever)
    fault(desk, Kind.STATUS, status=503, times=-1)
    with pytest.raises(TransientError, match="La lecture n’a pas fini en") as error:
        desk.read()
    assert error.value.final


# Days


@pytest.mark.parametrize("month", ["2026-01", "2025-12"])
def test_days_are_told_where_they_are_given(case: Case, desk: Desk, month: str) -> None:
    report = desk.read(month)
    log = source_log(report, totals(desk.rows(report)).cost, 1).fr
    if report.days_read is None:
        assert not re.search(r"jours? lus?", log)
    else:
        assert log.startswith(f"{report.days_read} jours lus sur 31, ")
        assert report.days_read == 31


# Keys


def test_a_wrong_key(case: Case, desk: Desk) -> None:
    wrong = desk.account.key[:-4] + "zzzz"
    desk.use_key(wrong)
    with pytest.raises(CredentialError) as error:
        desk.read()
    asked = Counter((request.path, request.query, request.body) for request in desk.server.journal.requests())
    assert max(asked.values()) == 1
    assert wrong not in repr(error.value)
    assert desk.slept == []


def test_a_key_that_may_not_do_everything(scope: Scope, case: Case, desk: Desk) -> None:
    desk.use_key(getattr(desk.account, scope.key))
    if not isinstance(scope.outcome, Status):
        with pytest.raises(scope.outcome):
            desk.read()
        return
    report = desk.read()
    assert report.status is scope.outcome
    if scope.outcome is Status.SUCCES:
        matches(desk, report, names=scope.names)
        assert report.remarks
        assert report.gaps == ()
    else:
        assert report.missing


def test_checking(case: Case, desk: Desk) -> None:
    findings = desk.check()
    assert {finding.status for finding in findings} == {CheckStatus.OK}
    assert len(desk.server.journal.requests()) <= 2 + 2 * len(findings)
    desk.use_key(desk.account.key[:-4] + "zzzz")
    findings = desk.check()
    assert CheckStatus.BAD in {finding.status for finding in findings}
    assert all(finding.sentence.fr for finding in findings)


# Answers that are not what they should be


NO_ANSWERS = [
    (Kind.HTML, {}),
    (Kind.STATUS, {"status": 200, "body": '{"data": [{"id": "'}),
    (Kind.STATUS, {"status": 200, "body": ""}),
    (Kind.STATUS, {"status": 200, "body": {"error": {"message": SECRET, "code": "server_error"}}}),
]


@pytest.mark.parametrize("which", ["money", "names"])
@pytest.mark.parametrize(("kind", "more"), NO_ANSWERS)
def test_an_answer_that_is_none_is_asked_for_once_more(
    case: Case, desk: Desk, which: str, kind: Kind, more: dict[str, Any]
) -> None:
    fault(desk, kind, case.money if which == "money" else case.names, **more)
    report = desk.read()
    matches(desk, report)
    assert (report.status, len(desk.slept)) == (Status.SUCCES, 1)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        *NO_ANSWERS,
        (Kind.STATUS, {"status": 200, "body": ["unexpected"]}),
        (Kind.STATUS, {"status": 302, "headers": {"Location": "/elsewhere"}}),
    ],
)
def test_a_broken_contract(case: Case, desk: Desk, kind: Kind, more: dict[str, Any]) -> None:
    fault(desk, kind, case.money, times=-1, **more)
    with pytest.raises(ContractError) as error:
        desk.read()
    assert case.money in error.value.sentence.fr
    assert SECRET not in error.value.sentence.fr


@pytest.mark.parametrize(
    ("kind", "more"),
    [*NO_ANSWERS, (Kind.STATUS, {"status": 200, "body": ["unexpected"]}), (Kind.STATUS, {"status": 302})],
)
def test_names_that_can_not_be_read(case: Case, desk: Desk, kind: Kind, more: dict[str, Any]) -> None:
    fault(desk, kind, case.names, times=-1, **more)
    if case.needs_names:
        with pytest.raises(ContractError) as error:
            desk.read()
        said = error.value.sentence.fr
    else:
        report = desk.read()
        assert exact_sum(record.cost for record in report.records) == desk.api.bill(desk.account, "2026-01").total
        assert bool(report.missing) is case.names_are_ids
        said = " ".join(one.fr for one in (*report.missing, *report.remarks))
    assert case.names in said
    assert SECRET not in said


def holders(body: Any, steps: list[str]) -> list[Any]:
    """All objects that should have the last step's field."""
    found = [body]
    for step in steps[:-1]:
        found = [inner for one in found for inner in (one if step == "*" else [one[step]])]
    return found


@pytest.mark.parametrize("how", ["removed", "retyped"])
def test_a_required_field_that_changes_is_named(drift: Drift, case: Case, desk: Desk, how: str) -> None:
    steps = drift.field.split(".")
    changed = 0

    def change(body: Any) -> Any:
        nonlocal changed
        for holder in holders(body, steps):
            changed += 1
            if how == "removed":
                del holder[steps[-1]]
            else:
                holder[steps[-1]] = {SECRET: SECRET}
        return body

    fault(desk, Kind.REWRITE, drift.path, rewrite=change, times=-1)
    if drift.stops:
        with pytest.raises(ContractError) as error:
            desk.read()
        said = repr(error.value)
    else:
        report = desk.read()
        assert exact_sum(record.cost for record in report.records) == desk.api.bill(desk.account, "2026-01").total
        dropped = (one.what for one in report.dropped)
        said = " ".join(one.fr for one in (*report.missing, *report.remarks, *dropped))
    assert changed
    # A field of a line is named below its line.
    named = re.escape(steps[-1])
    assert re.search(rf"{re.escape(drift.path)} .*champ ([\w.]+\.)?{named}\b", said), said
    assert SECRET not in said


def grown(value: Any) -> Any:
    """The same JSON with a field more in every object."""
    if isinstance(value, dict):
        return {name: grown(inner) for name, inner in value.items()} | {"brand_new_field": {"a": [1, None]}}
    return [grown(inner) for inner in value] if isinstance(value, list) else value


def test_fields_that_nobody_knows_are_ignored(case: Case, desk: Desk) -> None:
    before = desk.rows(desk.read())
    fault(desk, Kind.REWRITE, rewrite=grown, times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    # But not overlooked: a new column of a line may be money.
    noticed = any("brand_new_field" in new.what.en and new.count > 0 for new in report.new_fields)
    assert noticed is case.lines_are_objects
    after = desk.rows(report)
    assert [(row.key, row.workspace, row.name) for row in after] == [(r.key, r.workspace, r.name) for r in before]
    for old, new in zip(before, after, strict=True):
        assert new.totals.requests == old.totals.requests
        # The server of the tests rewrites answers through floats.
        assert new.totals.cost == pytest.approx(old.totals.cost, abs=Decimal("1E-9"))


# Names and secrets


def test_awkward_names_come_through_unchanged(case: Case, desk: Desk) -> None:
    """Escaping is for the places they go to, later."""
    names = [row.name for source in desk.sources for row in desk.rows(desk.read(source=source))]
    assert any(not name.isascii() for name in names)
    assert any(re.search(r"[|<=\n,]", name) for name in names)


# Answers that are meant to do harm, or might as well be


def bomb() -> bytes:
    """A megabyte of white space before an object, in a kilobyte."""
    return gzip.compress(b" " * 2**20 + b"{}")


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"body": bomb(), "headers": {"Content-Encoding": "gzip"}}, "dépasse 0.5 Mio"),
    ({"body": " " * 2**20 + "{}"}, "dépasse 0.5 Mio"),
    ({"body": '{"data":' * 5000 + "1" + "}" * 5000}, "imbriqué sur plus de 100 niveaux"),
    ({"body": '{"data": ' + "9" * 5000 + "}"}, "un nombre de plus de 400 chiffres"),
    ({"body": '{"data": 0.' + "1" * 5000 + "}"}, "un nombre de plus de 400 chiffres"),
]


@pytest.mark.parametrize(("answer", "what"), HOSTILE, ids=["bomb", "huge", "deep", "digits", "decimals"])
def test_a_hostile_answer_ends_in_a_sentence(case: Case, desk: Desk, answer: dict[str, Any], what: str) -> None:
    fault(desk, Kind.STATUS, case.money, status=200, times=-1, **answer)
    with pytest.raises(ContractError) as error:
        desk.read(most_bytes=2**19)
    assert what in error.value.sentence.fr
    assert case.money in error.value.sentence.fr


COUNTS = re.compile(r".*(tokens|count|requests|images|characters|seconds|sessions|usage_bytes).*")
NO_COUNTS = re.compile(r".*(cost|amount|credit|_unit|interval|total_count).*")


def miscounted(value: Any, wrong: Any) -> Any:
    """The same JSON with another value in place of every whole number that counts something."""
    if isinstance(value, list):
        return [miscounted(inner, wrong) for inner in value]
    if not isinstance(value, dict):
        return value
    if "columns" in value and "rows" in value:
        rows = [
            [wrong if is_count(*cell) else cell[1] for cell in zip(value["columns"], row, strict=True)]
            for row in value["rows"]
        ]
        return value | {"rows": rows}
    return {field: wrong if is_count(field, inner) else miscounted(inner, wrong) for field, inner in value.items()}


def is_count(field: str, value: Any) -> bool:
    # Some providers write them as text.
    is_whole = type(value) is int or (isinstance(value, str) and value.isdecimal())
    return is_whole and bool(COUNTS.fullmatch(field)) and not NO_COUNTS.fullmatch(field)


@pytest.mark.parametrize("wrong", [-5, True, 10**30])
def test_counts_that_count_nothing_are_not_believed(case: Case, desk: Desk, wrong: Any) -> None:
    """Money stays where it comes by itself; what is dropped is named."""
    seen = 0

    def change(body: Any) -> Any:
        nonlocal seen
        changed = miscounted(body, wrong)
        seen += changed != body
        return changed

    fault(desk, Kind.REWRITE, rewrite=change, times=-1)
    try:
        report = desk.read()
    except ContractError as error:
        assert "attendu : un" in error.sentence.fr  # noqa: PT017
        return
    figures = [
        figure
        for record in report.records
        for figure in (record.tokens_input, record.tokens_output, record.requests)
        if figure is not None
    ]
    assert all(0 <= figure < 10**16 for figure in figures)
    assert seen
    assert report.missing


def halved(value: Any) -> Any:
    """The same JSON with half of a character at the end of every name."""
    if isinstance(value, dict):
        names = ("name", "comment", "service_account_name")
        return {
            field: f"{inner}\ud83d" if field in names and isinstance(inner, str) else halved(inner)
            for field, inner in value.items()
        }
    return [halved(inner) for inner in value] if isinstance(value, list) else value


def test_half_a_character_in_a_name_costs_nothing(case: Case, desk: Desk) -> None:
    fault(desk, Kind.REWRITE, case.names, rewrite=halved, times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    names = [row.name for row in desk.rows(report)]
    assert [name.encode().decode() for name in names] == names
    assert any(name.endswith("\N{REPLACEMENT CHARACTER}") for name in names)


def secrets_of(desk: Desk) -> list[str]:
    return [
        value for name, value in desk.server.environment().items() if name.startswith(tuple(KEY_VARIABLES.values()))
    ]


def test_keys_are_nowhere(case: Case, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    assert len(secrets_of(desk)) == len(desk.sources)
    seen = []
    with caplog.at_level(logging.DEBUG):
        for source in desk.sources:
            report = desk.read(source=source)
            rows = desk.rows(report)
            seen += [
                report.model_dump_json(),
                repr(report),
                repr(source_log(report, totals(rows).cost, len(rows))),
                repr(rows),
            ]
        seen += [finding.model_dump_json() for finding in desk.check()]
        body = {"error": {"message": f"Bad key {secrets_of(desk)[0]}"}}
        for status in (400, 401, 402, 403, 404, 409, 422, 429, 500):
            desk.server.faults.clear()
            fault(desk, Kind.STATUS, status=status, body=body, times=-1)
            try:
                seen.append(repr(desk.read()))
            except SourceError as error:
                seen += [repr(error), str(error), repr(error.__cause__)]
    seen += [record.getMessage() for record in caplog.records]
    for text in seen:
        for secret in secrets_of(desk):
            assert secret not in text
