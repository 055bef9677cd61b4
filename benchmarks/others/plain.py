"""What a person would write: a month of OpenAI's costs by project, model and day, exact, and nothing else.

No other request, no registry, no check of a total, no limit, no archive. Prints the lines, and their sum in USD.
"""

import json
import sys
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal, getcontext
from urllib.parse import urlencode
from urllib.request import Request, urlopen

address, start, end = sys.argv[1:]
getcontext().prec = 60
sums: defaultdict[tuple[object, ...], Decimal] = defaultdict(Decimal)
lines, page = 0, None
grouped = [("group_by[]", name) for name in ("project_id", "api_key_id", "line_item")]
while True:
    query = [("start_time", start), ("end_time", end), *grouped, *([("page", page)] if page else [])]
    request = Request(f"{address}/organization/costs?{urlencode(query)}", headers={"Authorization": "Bearer key"})
    with urlopen(request) as response:
        answer = json.loads(response.read(), parse_float=Decimal)
    for bucket in answer["data"]:
        day = datetime.fromtimestamp(bucket["start_time"], UTC).date()
        for line in bucket["results"]:
            model = line["line_item"].split(", ")[0]
            sums[line["project_id"], model, day] += Decimal(line["amount"]["value"])
            lines += 1
    page = answer["next_page"]
    if not answer["has_more"]:
        break
print(lines, f"{sum(sums.values()):f}")
