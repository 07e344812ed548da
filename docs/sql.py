"""Asks DuckDB about a dataset. Each feature is a table of its name.

    python docs/sql.py OUT_DIR 'SELECT … FROM pricings JOIN route USING (ranker_id)'

Needs `pip install duckdb`.
"""

import sys
from pathlib import Path

import duckdb


def main(dataset, query):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for feature in sorted(Path(dataset, "features_raw").glob("feature=*")):
        name = feature.name.removeprefix("feature=")
        parts = f"{feature}/*.parquet"
        connection.read_parquet(parts, hive_partitioning=False).create_view(name)
    connection.sql(query).show(max_width=160, max_rows=100)


if __name__ == "__main__":
    main(*sys.argv[1:])
