//! How the coordinator's memory is given back.

/// From which size on, in bytes, an allocation is a mapping of its own.
///
/// Left alone, glibc lets this grow with what is let go (up to 32 MiB, `M_MMAP_THRESHOLD` in mallopt(3)). Then batches
/// and columns, which come from one thread and are let go by another, leave holes in its heaps that fit by chance only: a
/// coordinator came to hold three times what was in use. Smaller, it would cost a page fault for every page of a batch.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 256 << 10;

/// Makes large allocations mappings of their own, which go back to the system when they are let go.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's settings are only had through the C library")]
pub(crate) fn give_back_large_blocks() {
    // SAFETY: `mallopt` may be called at any time, with any numbers; a setting that it does not take stays as it is.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING) };
}

/// Other allocators have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_large_blocks() {}
