//! What `tarquet --version` says.

use std::sync::LazyLock;

/// The version; and, where they are known, the commit it was built from and that one's date.
pub(crate) const SHORT: &str = env!("TARQUET_BUILT_FROM");

/// What it was built for: operating system and processor decide whether a binary runs at all.
const TARGET: &str = env!("TARQUET_TARGET");

/// [`SHORT`], and what matters of this machine to whoever reads a report of a fault or of a speed.
pub(crate) fn long() -> &'static str {
    static LONG: LazyLock<String> = LazyLock::new(|| {
        let engine = match tarquet_worker::simd() {
            Ok(simd) => format!("structural ({simd})"),
            Err(error) => format!("structural, but {error}"),
        };
        format!("{SHORT}\ntarget: {TARGET}\nengine: {engine}")
    });
    &LONG
}
