"""Compares a dataset, value by value, with an extraction of the same archive that knows nothing of feature maps.

    python compare.py --dataset DIR --archive FILE --map flights|aws|cldr|caniuse

The expected tables come from Python's own `tarfile` and `json` and a few lines of code for each map; the dataset is
read by DuckDB, by Polars and by pyarrow. Every value has to be there, in its order and with its type, and no others.
Ends with 1 at the first feature that differs, after its first differences.
"""

import argparse
import importlib
import json
import struct
import sys
import urllib.parse
from pathlib import Path

from archive import documents
from readers import READERS
from tables import JsonText

# Which members the map is meant for; `*` matches slashes too.
MAPS = {"flights": "*.json", "aws": "*.json", "cldr": "*.json", "caniuse": "*/features-json/*.json"}

DIFFERENCES_SHOWN = 5


class Different(Exception):
    """The dataset is not what is expected."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="the directory that `tarquet extract` wrote")
    parser.add_argument("--archive", required=True, help="the archive that it read")
    parser.add_argument("--map", choices=MAPS, required=True, help="which of the hand-written extractions to compare with")
    arguments = parser.parse_args()
    tables = importlib.import_module(arguments.map).extract(documents(arguments.archive, MAPS[arguments.map]))
    try:
        compared = compare(arguments.dataset, tables)
    except Different as difference:
        sys.exit(f"{arguments.dataset}: {difference}")
    print(f"{arguments.map}: {compared:,} values in {len(tables)} features are the same in {', '.join(READERS)}")


def compare(dataset, tables):
    """Compares every table and gives how many values were compared with each reader; raises `Different`."""
    compare_directories(dataset / "features_raw", {table.name for table in tables})
    for log in ("failed.log", "rescued.ndjson"):
        # Nothing in these archives fails or does not fit, so a line here is a difference too.
        lines = (dataset / log).read_text(encoding="utf-8").splitlines()
        if lines:
            raise Different(f"{log} has {len(lines)} lines where none is expected, the first: {lines[0]}")
    compare_summary(json.loads((dataset / "summary.json").read_text(encoding="utf-8")), tables)
    return sum(compare_table(dataset, table) for table in tables)


def compare_directories(features_raw, expected):
    found = {urllib.parse.unquote(path.name.removeprefix("feature=")) for path in features_raw.iterdir()}
    if found != expected:
        missing, unexpected = sorted(expected - found), sorted(found - expected)
        raise Different(f"features_raw lacks {missing} and has {unexpected}, which nothing asks for")


def compare_summary(summary, tables):
    found = {feature["name"]: feature["rows"] for feature in summary["features"]}
    wanted = {table.name: len(table.rows) for table in tables}
    if found != wanted or summary["rows"] != sum(wanted.values()):
        raise Different(f"the summary counts {summary['rows']} rows, {found}, not {wanted}")


def compare_table(dataset, table):
    directory = dataset / "features_raw" / f"feature={table.name}"
    parts = sorted(directory.iterdir())
    if [part.name for part in parts] != [f"part-{number:05}.parquet" for number in range(len(parts))] or not parts:
        raise Different(f"feature {table.name}: its parts are {[part.name for part in parts]}")
    expected = list(zip(*table.rows)) if table.rows else [()] * len(table.columns)
    for reader, read in READERS.items():
        columns = read(parts)
        compare_schema(f"feature {table.name}, read by {reader}", table.columns, columns)
        for (name, kind), wanted, (_, _, found) in zip(table.columns, expected, columns):
            compare_column(f"feature {table.name}, column {name}, read by {reader}", kind, wanted, found)
    return len(table.rows) * len(table.columns)


def compare_schema(where, expected, columns):
    # A json column is a string to every reader.
    wanted = [(name, "string" if kind == "json" else kind) for name, kind in expected]
    found = [(name, kind) for name, kind, _ in columns]
    if found != wanted:
        raise Different(f"{where}: the columns are {found}, not {wanted}")


def compare_column(where, kind, expected, found):
    if len(found) != len(expected):
        raise Different(f"{where}: {len(found)} rows, not {len(expected)}")
    differences = [row for row, (want, got) in enumerate(zip(expected, found)) if not same(kind, want, got)]
    if differences:
        shown = "".join(
            f"\n  row {row}: {found[row]!r}, not {shorten(expected[row])}" for row in differences[:DIFFERENCES_SHOWN]
        )
        raise Different(f"{where}: {len(differences)} of {len(found)} values differ{shown}")


def same(kind, want, got):
    """Whether `got`, from a reader, is the value `want` of a column of type `kind`."""
    if want is None or got is None:
        return want is got
    if kind.startswith("list<"):
        inner = kind[len("list<") : -1]
        return (
            isinstance(got, list) and len(want) == len(got) and all(same(inner, w, g) for w, g in zip(want, got))
        )
    if kind == "json":
        return want.matches(got)
    # Not `==` alone: to Python, True is 1 and 0.0 is -0.0. A float is the same when its eight bytes are.
    if kind == "float64":
        return type(got) is float and struct.pack("<d", float(want)) == struct.pack("<d", got)
    return type(want) is type(got) is PYTHON_TYPES[kind] and want == got


PYTHON_TYPES = {"string": str, "int64": int, "bool": bool, "timestamp": int, "datetime": int}


def shorten(value):
    return repr(value.value if isinstance(value, JsonText) else value)


if __name__ == "__main__":
    main()
