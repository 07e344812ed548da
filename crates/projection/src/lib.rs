//! Projects one JSON document through a plan into Arrow columns; knows nothing of processes.
