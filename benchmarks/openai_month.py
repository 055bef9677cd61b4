"""A month of OpenAI's costs as its answers are set: in lines and columns, amounts in both spellings that were seen.

Every line of a day has another project, key, model or kind than the others, and amounts have sixteen digits that repeat
nowhere: little can be added up, and nothing is known from the line before.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from decimal import Decimal

from usage.month import Month

MONTH = Month(2026, 1)
PROJECTS, KEYS, MODELS = 200, 10, 8
KINDS = ("input", "cached input", "output")


def days_of_costs(lines: int) -> tuple[list[str], Decimal]:
    """The month's buckets with so many lines, and the sum of their amounts in USD."""
    draw = random.Random(1)
    days, total = [], Decimal(0)
    for day in range(MONTH.days):
        share = lines // MONTH.days + (day < lines % MONTH.days)
        amounts = [f"{draw.randrange(100)}.{draw.randrange(10**16):016d}" for _ in range(share)]
        total += sum(map(Decimal, amounts))
        results = (_line(number, value, draw.randrange(10**6)) for number, value in enumerate(amounts))
        days.append(bucket(day, ",\n".join(results)))
    return days, total


def days_of_total(total: Decimal) -> list[str]:
    """The buckets that answer the question for the total, without grouping."""
    return [bucket(day, _line(0, str(total), 0) if day == 0 else "") for day in range(MONTH.days)]


def costs(lines: int) -> tuple[bytes, bytes]:
    """The answer, whole, and that to the question for the total."""
    days, total = days_of_costs(lines)
    return page(days), page(days_of_total(total))


def _line(number: int, value: str, quantity: int) -> str:
    project, rest = number % PROJECTS, number // PROJECTS
    return f"""        {{
          "object": "organization.costs.result",
          "amount": {{
            "value": {f'"{value}"' if number % 2 else value},
            "currency": "usd"
          }},
          "line_item": "gpt-4o-{rest % MODELS}-2026-01-01, {KINDS[rest % len(KINDS)]}",
          "project_id": "proj_{project:024d}",
          "project_name": "Projet n\\u00b0 {project}",
          "api_key_id": "key_{project:08d}{rest % KEYS:08d}",
          "user_id": null,
          "user_email": null,
          "quantity": {quantity}.0,
          "quantity_unit": "tokens",
          "organization_id": "org-benchmark",
          "organization_name": "Benchmark"
        }}"""


def bucket(day: int, results: str) -> str:
    """One day, counted from 0, with its lines."""
    start = int(MONTH.start.timestamp()) + day * 86_400
    return f"""    {{
      "object": "bucket",
      "start_time": {start},
      "end_time": {start + 86_400},
      "results": [
{results}
      ]
    }}"""


def page(days: Sequence[str], following: str | None = None) -> bytes:
    """One page, and the token of the one that follows it."""
    joined = ",\n".join(days)
    return f"""{{
  "object": "page",
  "data": [
{joined}
  ],
  "has_more": {json.dumps(following is not None)},
  "next_page": {json.dumps(following)}
}}""".encode()
