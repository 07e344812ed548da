//! Buffers that are used again, and give back what one large member took.

/// A buffer that grew for one large member shrinks to this before the next, in bytes.
pub(crate) const KEPT_CAPACITY: usize = 16 << 20;

/// Makes room for `len` bytes, in memory that is not kept when it is needed no longer. What was in the first `len` bytes
/// stays there: bytes that are overwritten need no zeros before.
pub(crate) fn reserve(buffer: &mut Vec<u8>, len: usize) {
    let kept = KEPT_CAPACITY.max(len);
    if buffer.len() > kept {
        buffer.truncate(kept);
        buffer.shrink_to_fit();
    }
    if buffer.len() < len {
        buffer.reserve_exact(len - buffer.len());
        buffer.resize(len, 0);
    }
}
