//! Parts of Parquet, their publication, the ledger and the logs of a run.
