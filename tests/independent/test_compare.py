"""Can the comparison fail? Each case changes one thing in a dataset that is right.

    python -m unittest discover --start-directory tests/independent
"""

import json
import tempfile
import unittest
from pathlib import Path

import pyarrow
import pyarrow.parquet

from compare import Different, compare
from tables import Table, json_text, local_time, timestamp

DOCUMENT = '{"j": {"a": 1.0}}'
COLUMNS = [
    ("id", "string"),
    ("whole", "int64"),
    ("real", "float64"),
    ("flag", "bool"),
    ("at", "timestamp"),
    ("local", "datetime"),
    ("names", "list<string>"),
    ("any", "json"),
]
ARROW_TYPES = {
    "id": pyarrow.string(),
    "whole": pyarrow.int64(),
    "real": pyarrow.float64(),
    "flag": pyarrow.bool_(),
    "at": pyarrow.timestamp("us", tz="UTC"),
    "local": pyarrow.timestamp("us"),
    "names": pyarrow.list_(pyarrow.string()),
    "any": pyarrow.string(),
}
NOON = 1_715_947_200_000_000


def expected():
    table = Table("t", COLUMNS)
    table.add("a", 1, 0.5, True, timestamp("2024-05-17T15:00:00+03:00"), local_time("2024-05-17T12:00:00"),
              ["x", None], json_text({"a": 1.0}, DOCUMENT))
    table.add("Ж", None, None, None, None, None, None, None)
    return table


def right():
    return {
        "id": ["a", "Ж"],
        "whole": [1, None],
        "real": [0.5, None],
        "flag": [True, None],
        "at": [NOON, None],
        "local": [NOON, None],
        "names": [["x", None], None],
        "any": ['{"a": 1.0}', None],
    }


class CompareTest(unittest.TestCase):
    def dataset(self, columns, types=ARROW_TYPES):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = Path(directory.name)
        feature = root / "features_raw" / "feature=t"
        feature.mkdir(parents=True)
        schema = pyarrow.schema([(name, types[name]) for name in columns])
        pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), feature / "part-00000.parquet")
        for log in ("failed.log", "rescued.ndjson"):
            (root / log).touch()
        self.write_summary(root, 2)
        return root

    def write_summary(self, root, rows):
        summary = {"rows": rows, "features": [{"name": "t", "rows": rows}]}
        (root / "summary.json").write_text(json.dumps(summary), encoding="utf-8")

    def test_the_right_dataset_passes(self):
        self.assertEqual(compare(self.dataset(right()), [expected()]), 16)

    def test_one_wrong_value_is_found_in_every_column(self):
        wrong = {
            "id": "A",
            "whole": 2,
            "real": 0.5000000000000001,
            "flag": False,
            "at": NOON + 1,
            "local": NOON - 1,
            "names": ["x"],
            "any": '{"a": 1}',
        }
        for name, value in wrong.items():
            with self.subTest(column=name):
                self.refused(self.dataset({**right(), name: [value, right()[name][1]]}), f"column {name}")

    def test_a_null_and_a_value_are_told_apart(self):
        for name in right():
            with self.subTest(column=name):
                self.refused(self.dataset({**right(), name: [None, right()[name][1]]}), f"column {name}")

    def test_another_order_is_found(self):
        self.refused(self.dataset({name: values[::-1] for name, values in right().items()}), "column id")

    def test_other_rows_are_found(self):
        self.refused(self.dataset({name: values[:1] for name, values in right().items()}), "1 rows, not 2")
        self.refused(self.dataset({name: [*values, None] for name, values in right().items()}), "3 rows, not 2")

    def test_another_type_is_found_even_if_the_values_are_equal(self):
        for name, kind in [("whole", pyarrow.int32()), ("real", pyarrow.float32()), ("at", ARROW_TYPES["local"]),
                           ("local", pyarrow.timestamp("ns"))]:
            with self.subTest(column=name):
                values = right()
                if name == "local":
                    values["local"] = [NOON * 1000, None]
                self.refused(self.dataset(values, {**ARROW_TYPES, name: kind}), "the columns are")

    def test_other_columns_are_found(self):
        more = {**right(), "more": [1, 2]}
        self.refused(self.dataset(more, {**ARROW_TYPES, "more": pyarrow.int64()}), "the columns are")
        less = {name: values for name, values in right().items() if name != "flag"}
        self.refused(self.dataset(less), "the columns are")

    def test_other_features_and_parts_are_found(self):
        root = self.dataset(right())
        self.refused(root, "lacks ['u']", [expected(), Table("u", COLUMNS)])
        (root / "features_raw/feature=t/part-00002.parquet").touch()
        self.refused(root, "its parts are")

    def test_a_line_in_a_log_is_found(self):
        root = self.dataset(right())
        (root / "rescued.ndjson").write_text('{"member": "m"}\n', encoding="utf-8")
        self.refused(root, "rescued.ndjson has 1 lines")

    def test_a_wrong_count_in_the_summary_is_found(self):
        root = self.dataset(right())
        self.write_summary(root, 3)
        self.refused(root, "the summary counts 3 rows")

    def refused(self, dataset, message, tables=None):
        with self.assertRaises(Different) as caught:
            compare(dataset, tables or [expected()])
        self.assertIn(message, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
