"""Did a peer extract the same rows, in whatever order? Compares its files with the dataset of tarquet.

    python check.py PEER_OUT_DIR TARQUET_OUT_DIR
"""

import sys

import duckdb


def main(peer, dataset):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ("search", "pricings"):
        theirs = f"SELECT * FROM read_parquet('{peer}/{name}.parquet')"
        ours = f"SELECT * FROM read_parquet('{dataset}/features_raw/feature={name}/*.parquet', hive_partitioning = false)"
        for one, other in ((theirs, ours), (ours, theirs)):
            more = connection.execute(f"{one} EXCEPT ALL {other}").fetchall()
            if more:
                sys.exit(f"{name}: {len(more)} rows of\n  {one}\nare not in\n  {other}\nthe first: {more[0]}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
