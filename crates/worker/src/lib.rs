//! A worker process: byte ranges in, Arrow batches out.
