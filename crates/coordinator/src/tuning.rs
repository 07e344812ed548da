//! Sizes that shape how a run flows, but nothing that it writes.

use tarquet_archive::Spacing;

/// Sizes that shape how a run flows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    /// The credit of one worker: bytes of batches that it may have on their way.
    pub(crate) credit: u64,
    /// The size that pipes are asked to have, in bytes: a unit in one write.
    pub(crate) pipe_bytes: i32,
    /// How far places in a compressed archive are apart that are noted for a resumed run.
    pub(crate) seek_spacing: Spacing,
    /// A member of lines is cut into stretches at multiples of so many bytes.
    pub(crate) stretch_bytes: u64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            credit: 4 << 20,
            pipe_bytes: 1 << 20,
            seek_spacing: Spacing::default(),
            stretch_bytes: 1 << 20,
        }
    }
}

impl Tuning {
    /// The sizes that this run has.
    #[cfg(not(feature = "failpoints"))]
    pub(crate) fn of_run() -> Tuning {
        Tuning::default()
    }

    /// The sizes that this run has: in test builds, `TARQUET_TEST_CREDIT`, `TARQUET_TEST_PIPE`,
    /// `TARQUET_TEST_STRETCH` and `TARQUET_TEST_SEEK_SPACING` (of the decompressed stream) change them, in bytes.
    #[cfg(feature = "failpoints")]
    pub(crate) fn of_run() -> Tuning {
        fn or<T: std::str::FromStr>(name: &str, default: T) -> T {
            let value = std::env::var(name).ok();
            value.and_then(|value| value.parse().ok()).unwrap_or(default)
        }
        let Tuning {
            credit,
            pipe_bytes,
            seek_spacing,
            stretch_bytes,
        } = Tuning::default();
        let stream = or("TARQUET_TEST_SEEK_SPACING", seek_spacing.stream);
        Tuning {
            seek_spacing: Spacing {
                stream,
                file: seek_spacing.file.min(stream / 64),
            },
            credit: or("TARQUET_TEST_CREDIT", credit),
            stretch_bytes: or("TARQUET_TEST_STRETCH", stretch_bytes).max(1),
            pipe_bytes: or("TARQUET_TEST_PIPE", pipe_bytes),
        }
    }
}
