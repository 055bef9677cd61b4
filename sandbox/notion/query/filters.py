"""Query filters: read strictly, then asked of each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.notion.answers.computed import Beyond, Computed, formula, rollup, scalar
from sandbox.notion.errors import Json, invalid, malformed, missing
from sandbox.notion.query import conditions
from sandbox.notion.stored.columns import Formula, Property, Rollup, Select
from sandbox.notion.stored.contents import Check, Files, Links, People, Value
from sandbox.notion.stored.dates import DateSpan
from sandbox.notion.stored.formulas import Scalar
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.workspace import Workspace

Test = Callable[[PageRecord], bool]
TIMESTAMPS: Final = ("created_time", "last_edited_time")
_TEXT: Final = frozenset({"title", "rich_text", "url", "email", "phone_number"})
_MOST, _DEPTH = 100, 2


@dataclass
class FilterReader:
    """Reads the filter of a query into a test on rows."""

    workspace: Workspace
    source: SourceRecord

    def read(self, value: Any, path: str = "filter", depth: int = 0) -> Test:
        """The test.

        Raises:
            Refusal: 400: wrong form, too deep (two levels), over 100 in a list, unknown property, another type.
        """
        if not isinstance(value, dict):
            raise malformed(path, "an object", value)
        joined = next((key for key in ("and", "or") if key in value), None)
        if joined is None:
            return self._timestamp(value, path) if "timestamp" in value else self._property(value, path)
        if len(value) > 1 or depth >= _DEPTH:
            raise malformed(path, "a property filter", value)
        parts = value[joined]
        if not isinstance(parts, list):
            raise malformed(f"{path}.{joined}", "an array", parts)
        if len(parts) > _MOST:
            raise invalid(
                f"body failed validation: body.{path}.{joined}.length should be ≤ `{_MOST}`, "
                f"instead was `{len(parts)}`."
            )
        tests = [self.read(part, f"{path}.{joined}[{index}]", depth + 1) for index, part in enumerate(parts)]
        if joined == "and":
            return lambda page: all(test(page) for test in tests)
        return lambda page: any(test(page) for test in tests)

    def _timestamp(self, value: Json, path: str) -> Test:
        name = value["timestamp"]
        if name not in TIMESTAMPS:
            raise malformed(f"{path}.timestamp", '`"created_time"` or `"last_edited_time"`', name)
        test = self._dates(_inner(value, name, path), f"{path}.{name}")
        return lambda page: test(DateSpan(page.stamp.created if name == "created_time" else page.stamp.edited))

    def _property(self, value: Json, path: str) -> Test:
        name = value.get("property")
        if not isinstance(name, str):
            raise missing(f"{path}.property")
        one = self.source.find(name)
        if one is None:
            raise invalid(f"Could not find property with name or id: {name}")
        asked = [key for key in value if key not in ("property", "type")]
        if len(asked) != 1:
            raise malformed(path, "a filter with one condition", value)
        kind = one.config.kind
        if asked[0] != kind and not (asked[0] == "rich_text" and kind in _TEXT):
            raise invalid(f"database property {kind} does not match filter {asked[0]}")
        body, where = _inner(value, asked[0], path), f"{path}.{asked[0]}"
        if isinstance(one.config, Formula):
            return self._formula(one.config, body, where)
        if isinstance(one.config, Rollup):
            return self._rollup(one.config, body, where)
        return self._stored(one, body, where)

    def _stored(self, one: Property, body: Json, path: str) -> Test:
        kind, key = one.config.kind, one.id
        if kind in TIMESTAMPS:
            return self._timestamp({"timestamp": kind, kind: body}, path)
        if kind in _TEXT:
            words = self._words(body, path)
            return lambda page: words(str(scalar(page, one) or ""))
        if kind in ("number", "unique_id"):
            numbers = conditions.numbers(body, path)
            return lambda page: numbers(_number(scalar(page, one)))
        if kind == "checkbox":
            ticks = conditions.ticks(body, path)
            return lambda page: ticks(page.values.get(key) == Check(True))
        if kind == "date":
            dates = self._dates(body, path)
            return lambda page: dates(_span(page.values.get(key)))
        if isinstance(one.config, Select):
            test = conditions.choices(one.config, body, path)
        else:
            test = self._members(kind, body, path)
        return lambda page: test(page.values.get(key))

    def _formula(self, config: Formula, body: Json, path: str) -> Test:
        if not config.typed:
            raise invalid("Unable to filter based on a formula of unknown type")

        def result(page: PageRecord) -> Scalar:
            value = formula(self.workspace, self.source, page, config)
            return None if isinstance(value, Beyond) else value

        asked, inner = _one(body, path)
        if asked == "number":
            numbers = conditions.numbers(inner, f"{path}.number")
            return lambda page: numbers(_number(result(page)))
        if asked == "string":
            words = self._words(inner, f"{path}.string")
            return lambda page: words(str(result(page) or ""))
        if asked == "checkbox":
            ticks = conditions.ticks(inner, f"{path}.checkbox")
            return lambda page: ticks(result(page) is True)
        raise malformed(path, "a condition on a number, a string or a checkbox", body)

    def _rollup(self, config: Rollup, body: Json, path: str) -> Test:
        def result(page: PageRecord) -> Computed:
            return rollup(self.workspace, self.source, page, config, in_answer=True)

        asked, inner = _one(body, path)
        if asked == "number":
            numbers = conditions.numbers(inner, f"{path}.number")
            return lambda page: numbers(_number(result(page)))
        if asked == "date":
            dates = self._dates(inner, f"{path}.date")
            return lambda page: dates(_span(result(page)))
        raise malformed(path, "a condition on a number or a date", body)

    def _words(self, body: Json, path: str) -> Callable[[str], bool]:
        return conditions.words(body, path, ignore_case=self.workspace.switches.text_equals_ignores_case)

    def _dates(self, body: Json, path: str) -> Callable[[DateSpan | None], bool]:
        return conditions.dates(body, path, today=self.workspace.now().date())

    def _members(self, kind: str, body: Json, path: str) -> Callable[[Value | None], bool]:
        operator, operand = conditions.condition(body, path)
        if operator in ("is_empty", "is_not_empty"):
            return lambda value: bool(self._live(value)) is (operator == "is_not_empty")
        if kind not in ("relation", "people"):
            raise malformed(path, "`is_empty` or `is_not_empty`", body)
        key = read_uuid(operand, f"{path}.{operator}")
        table: dict[str, Callable[[Value | None], bool]] = {
            "contains": lambda value: key in self._live(value),
            "does_not_contain": lambda value: key not in self._live(value),
        }
        return conditions.known(table, operator, path)

    def _live(self, value: Value | None) -> tuple[str, ...]:
        if isinstance(value, Links):
            pages = self.workspace.pages
            return tuple(key for key in value.page_ids if not self.workspace.page_trashed(pages[key]))
        if isinstance(value, People):
            return value.user_ids
        return tuple(file.name for file in value.files) if isinstance(value, Files) else ()


def _inner(value: Json, key: str, path: str) -> Json:
    body = value.get(key)
    if not isinstance(body, dict):
        raise malformed(f"{path}.{key}", "an object", body)
    return body


def _one(body: Json, path: str) -> tuple[str, Json]:
    if len(body) != 1:
        raise malformed(path, "an object with one condition", body)
    asked = next(iter(body))
    return asked, _inner(body, asked, path)


def _number(value: Computed) -> float | None:
    return value if isinstance(value, float) else None


def _span(value: Value | Computed) -> DateSpan | None:
    return value if isinstance(value, DateSpan) else None
