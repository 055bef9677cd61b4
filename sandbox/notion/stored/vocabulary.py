"""Closed lists of Notion's words."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = frozenset(
    [
        "title",
        "rich_text",
        "url",
        "email",
        "phone_number",
        "checkbox",
        "date",
        "files",
        "people",
        "created_time",
        "last_edited_time",
        "created_by",
        "last_edited_by",
    ]
)
KINDS: Final = _PLAIN | {"number", "select", "multi_select", "relation", "formula", "rollup", "unique_id"}
NUMBER_FORMATS: Final = frozenset(
    [
        "number",
        "number_with_commas",
        "percent",
        "dollar",
        "australian_dollar",
        "canadian_dollar",
        "singapore_dollar",
        "euro",
        "pound",
        "yen",
        "ruble",
        "rupee",
        "won",
        "yuan",
        "real",
        "lira",
        "rupiah",
        "franc",
        "hong_kong_dollar",
        "new_zealand_dollar",
        "krona",
        "norwegian_krone",
        "mexican_peso",
        "rand",
        "new_taiwan_dollar",
        "danish_krone",
        "zloty",
        "baht",
        "forint",
        "koruna",
        "shekel",
        "chilean_peso",
        "philippine_peso",
        "dirham",
        "colombian_peso",
        "riyal",
        "ringgit",
        "leu",
        "argentine_peso",
        "uruguayan_peso",
        "peruvian_sol",
    ]
)
ROLLUP_FUNCTIONS: Final = frozenset(
    [
        "count",
        "count_values",
        "empty",
        "not_empty",
        "unique",
        "show_unique",
        "percent_empty",
        "percent_not_empty",
        "sum",
        "average",
        "median",
        "min",
        "max",
        "range",
        "earliest_date",
        "latest_date",
        "date_range",
        "checked",
        "unchecked",
        "percent_checked",
        "percent_unchecked",
        "count_per_group",
        "percent_per_group",
        "show_original",
    ]
)
WRITABLE: Final = frozenset(
    [
        "title",
        "rich_text",
        "number",
        "select",
        "multi_select",
        "date",
        "url",
        "email",
        "phone_number",
        "checkbox",
        "relation",
        "files",
        "people",
    ]
)
