//! Plans, dispatches, meters and survives the workers, and keeps archive order.

pub mod machine;
