"""A feature's parts as three engines read them: DuckDB, Polars and pyarrow, each with its own Parquet reader.

A reader takes the part files in order and gives the columns as (name, type, values): the type with the words of a
feature map, a timestamp or a datetime as microseconds since 1970, everything else as Python's own values.
"""

import duckdb
import polars
import pyarrow
import pyarrow.parquet


def read_duckdb(parts):
    connection = duckdb.connect()
    # Whatever the machine's own zone is, an instant has to come out the same.
    connection.execute("SET TimeZone = 'Asia/Vladivostok'")
    source = connection.read_parquet([str(part) for part in parts], hive_partitioning=False)
    types = [_DUCKDB.get(str(kind), str(kind)) for kind in source.types]
    wanted = [
        f'epoch_us("{name}")' if kind in ("timestamp", "datetime") else f'"{name}"'
        for name, kind in zip(source.columns, types)
    ]
    rows = source.project(", ".join(wanted)).fetchall()
    columns = list(zip(*rows)) if rows else [()] * len(wanted)
    return list(zip(source.columns, types, map(list, columns)))


_DUCKDB = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "TIMESTAMP": "datetime",
    "DATE": "date",
    "VARCHAR[]": "list<string>",
    "BIGINT[]": "list<int64>",
    "DOUBLE[]": "list<float64>",
    "BOOLEAN[]": "list<bool>",
}


def read_polars(parts):
    frame = polars.concat([polars.read_parquet(part, hive_partitioning=False) for part in parts])
    return [(series.name, _polars_type(series.dtype), _polars_values(series)) for series in frame.iter_columns()]


def _polars_type(kind):
    if isinstance(kind, polars.List):
        return f"list<{_polars_type(kind.inner)}>"
    return {
        polars.String(): "string",
        polars.Int64(): "int64",
        polars.Float64(): "float64",
        polars.Boolean(): "bool",
        polars.Datetime("us", "UTC"): "timestamp",
        polars.Datetime("us"): "datetime",
        polars.Date(): "date",
    }.get(kind, str(kind))


def _polars_values(series):
    # The physical type of an instant is its number of microseconds.
    return (series.to_physical() if series.dtype.is_temporal() else series).to_list()


def read_pyarrow(parts):
    # Not `pyarrow.parquet.read_table`: it would take `feature=` in the path for a column.
    table = pyarrow.concat_tables([pyarrow.parquet.ParquetFile(part).read() for part in parts])
    return [
        (field.name, _pyarrow_type(field.type), _pyarrow_values(column))
        for field, column in zip(table.schema, table.columns)
    ]


def _pyarrow_type(kind):
    if pyarrow.types.is_list(kind):
        return f"list<{_pyarrow_type(kind.value_type)}>"
    return {
        pyarrow.string(): "string",
        pyarrow.int64(): "int64",
        pyarrow.float64(): "float64",
        pyarrow.bool_(): "bool",
        pyarrow.timestamp("us", tz="UTC"): "timestamp",
        pyarrow.timestamp("us"): "datetime",
        pyarrow.date32(): "date",
    }.get(kind, str(kind))


def _pyarrow_values(column):
    if pyarrow.types.is_timestamp(column.type):
        column = column.cast(pyarrow.int64())
    return column.to_pylist()


READERS = {"DuckDB": read_duckdb, "Polars": read_polars, "pyarrow": read_pyarrow}
