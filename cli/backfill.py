"""`llm-usage backfill`: each month of a range, one after the other."""

from __future__ import annotations

import argparse
import json

from cli.collect import collect_month
from cli.display import print_result
from cli.server import prefect_server
from usage.errors import SettingsError
from usage.month import Month
from usage.names import ProviderName
from usage.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Collect the months; 1 when one of them could not be collected in full."""
    now = load_settings().now()
    first, last = Month.resolve(arguments.first, now), Month.resolve(arguments.last, now)
    if first > last:
        raise SettingsError(f"the range is turned round: {first} comes after {last}")
    providers = tuple(ProviderName(name) for name in arguments.provider)
    results = []
    with prefect_server() as server:
        for month in first.until(last):
            result = collect_month(server, str(month), providers, quiet=arguments.json)
            results.append(result)
            if not arguments.json:
                print_result(result)
    if arguments.json:
        print(json.dumps({"months": [json.loads(result.to_json()) for result in results]}, ensure_ascii=False))
    return 0 if all(result.succeeded for result in results) else 1
