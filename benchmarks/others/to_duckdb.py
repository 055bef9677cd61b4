"""The same lines loaded into a table by dlt: `rest_api` follows the pages, DuckDB holds the rows. Prints the lines."""

import sys
import tempfile

import dlt
from dlt.sources.rest_api import rest_api_source

address, start, end = sys.argv[1:]
grouped = ["project_id", "api_key_id", "line_item"]
source = rest_api_source(
    {
        "client": {
            "base_url": f"{address}/",
            "paginator": {"type": "cursor", "cursor_path": "next_page", "cursor_param": "page"},
        },
        "resources": [
            {
                "name": "costs",
                "endpoint": {
                    "path": "organization/costs",
                    "data_selector": "data[*].results[*]",
                    "params": {"start_time": start, "end_time": end, "group_by[]": grouped},
                },
            }
        ],
    }
)
with tempfile.TemporaryDirectory() as folder:
    duckdb = dlt.destinations.duckdb(f"{folder}/costs.duckdb")
    pipeline = dlt.pipeline("costs", pipelines_dir=folder, destination=duckdb, dataset_name="month")
    pipeline.run(source)
    with pipeline.sql_client() as client:
        print(client.execute_sql("SELECT count(*) FROM costs")[0][0])
