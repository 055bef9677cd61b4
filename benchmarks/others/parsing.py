"""The least that can be done with the answers: parsed, with rounded amounts, and thrown away. Prints the lines."""

import sys
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson

address, start, end = sys.argv[1:]
lines, page = 0, None
grouped = [("group_by[]", name) for name in ("project_id", "api_key_id", "line_item")]
while True:
    query = [("start_time", start), ("end_time", end), *grouped, *([("page", page)] if page else [])]
    with urlopen(f"{address}/organization/costs?{urlencode(query)}") as response:
        answer = orjson.loads(response.read())
    lines += sum(len(bucket["results"]) for bucket in answer["data"])
    page = answer["next_page"]
    if not answer["has_more"]:
        break
print(lines)
