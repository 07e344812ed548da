# %% [markdown]
# # Features of the flight searches, in DuckDB, Polars and pyarrow
#
# Make the dataset first, in the repository's directory:
#
#     tarquet extract --tar-path examples/flights.tar.kaggle --out-dir out
#
# This is a script (`python examples/notebook.py`), and a notebook in editors that know `# %%` cells; `jupytext --to ipynb
# examples/notebook.py` makes a file of it for Jupyter. It needs `pip install duckdb polars pyarrow matplotlib`.
#
# Each feature is a table, `out/features_raw/feature=NAME/*.parquet`, and all of them join on the id, here `ranker_id`. The question
# is the same three times: for each search, how many prices there are, which is the least, and of which point of sale it is.

# %%
from pathlib import Path

import duckdb
import matplotlib.pyplot as plt
import polars as pl
import pyarrow.dataset as ds

FEATURES = Path("out/features_raw")

# %% [markdown]
# ## DuckDB
#
# `hive_partitioning = false` leaves the column `feature` out, which DuckDB would read from the directory's name.


# %%
def table(feature):
    return f"read_parquet('{FEATURES}/feature={feature}/*.parquet', hive_partitioning = false) AS {feature}"


by_duckdb = duckdb.sql(f"""
    SELECT ranker_id, point_of_sale, count(*) AS prices, min(total_price) AS cheapest
    FROM {table("pricings")} JOIN {table("company")} USING (ranker_id)
    WHERE currency = 'RUB'
    GROUP BY ALL ORDER BY ranker_id
""").fetchall()
by_duckdb[:3]


# %% [markdown]
# ## Polars
#
# The plan is lazy: of each part, only the columns that are asked for are read.


# %%
def frame(feature):
    return pl.scan_parquet(FEATURES / f"feature={feature}/*.parquet", hive_partitioning=False)


by_polars = (
    frame("pricings")
    .filter(pl.col("currency") == "RUB")
    .join(frame("company"), on="ranker_id")
    .group_by("ranker_id", "point_of_sale")
    .agg(prices=pl.len(), cheapest=pl.col("total_price").min())
    .sort("ranker_id")
    .collect()
)
by_polars.head(3)


# %% [markdown]
# ## pyarrow


# %%
def dataset(feature):
    return ds.dataset(FEATURES / f"feature={feature}")


roubles = dataset("pricings").to_table(columns=["ranker_id", "total_price"], filter=ds.field("currency") == "RUB")
by_pyarrow = (
    roubles.join(dataset("company").to_table(columns=["ranker_id", "point_of_sale"]), "ranker_id", join_type="inner")
    .group_by(["ranker_id", "point_of_sale"])
    .aggregate([([], "count_all"), ("total_price", "min")])
    .sort_by("ranker_id")
)
by_pyarrow.slice(0, 3)

# %% [markdown]
# ## Do they agree?

# %%
from_polars = by_polars.rows()
from_pyarrow = [
    (row["ranker_id"], row["point_of_sale"], row["count_all"], row["total_price_min"]) for row in by_pyarrow.to_pylist()
]
if not by_duckdb == from_polars == from_pyarrow:
    raise SystemExit("DuckDB, Polars and pyarrow do not agree")
print(f"{len(by_duckdb)} searches, the same in all three")

# %% [markdown]
# ## A chart
#
# More offers, lower prices? Each point is a search.

# %%
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.scatter([row[2] for row in by_duckdb], [row[3] for row in by_duckdb], s=14, alpha=0.6, linewidths=0)
axes.set(xscale="log", yscale="log", xlabel="prices of a search", ylabel="cheapest, in roubles")
figure.savefig("prices.svg")
