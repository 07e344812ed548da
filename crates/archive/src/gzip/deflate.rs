//! Inflating deflate data (RFC 1951) with zlib-rs, from any block on.
//!
//! The C interface is used because the Rust one can neither stop where a block begins nor start there: zlib calls these
//! `Z_BLOCK`, `inflatePrime` and `inflateSetDictionary`. What they mean is in zlib's manual (`zlib.h`); how they are put
//! together is in its example `zran.c`.

#![expect(unsafe_code, reason = "zlib's C interface, which takes pointers")]

use std::ffi::CStr;
use std::ptr;

use libz_rs_sys::{
    Z_BLOCK, Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, inflate, inflateEnd, inflateGetDictionary, inflateInit2_,
    inflatePrime, inflateReset, inflateSetDictionary, z_stream, zlibVersion,
};

/// The largest window that deflate has, in bytes (RFC 1951, section 2).
pub(crate) const WINDOW: usize = 1 << 15;

/// A window of that size, and, as it is negative, neither a header nor a trailer around the blocks.
const RAW_WINDOW_BITS: i32 = -15;

/// In `data_type`: how many bits of the last byte eaten belong to what follows. At a boundary these are less than 8.
const UNUSED_BITS: i32 = 0b111;
/// In `data_type`: the block that was decoded last is the last one.
const IN_LAST_BLOCK: i32 = 64;
/// In `data_type`: a block has ended, or none has begun.
const AT_BOUNDARY: i32 = 128;

/// The decompressor of one deflate stream after the other.
pub(crate) struct Deflate {
    stream: z_stream,
}

// SAFETY: The stream's pointers are its own allocation, which nobody else has, a static message, and the buffers of the
// last call, which are not used any more. zlib has no state that belongs to a thread.
unsafe impl Send for Deflate {}

/// Where inflating begins in the middle of a deflate stream: the start of a block, with what the blocks before leave.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Boundary {
    /// How many bits, 0 to 7, of the last byte before belong to the block.
    pub(crate) bits: u8,
    /// That byte.
    pub(crate) byte: u8,
    /// What was given before, as much as can still be referred to: at most [`WINDOW`] bytes.
    pub(crate) window: Vec<u8>,
}

impl Boundary {
    /// Whether it can be one.
    pub(crate) fn is_sound(&self) -> bool {
        self.bits < 8 && self.window.len() <= WINDOW
    }
}

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// As far as there is input and room.
    Full,
    /// No further than to where a block begins.
    Block,
}

/// What a call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes of the input that were eaten.
    pub(crate) eaten: usize,
    /// Bytes that were given.
    pub(crate) given: usize,
    pub(crate) status: Status,
}

/// Where a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It goes on, with more input or more room.
    GoesOn,
    /// It stopped where a block has ended, and another may begin: with how many bits of the last byte eaten belong to
    /// that one; `None` after the last block.
    AtBlock(Option<u8>),
    /// The stream's last block has ended.
    Ended,
    /// The input is wrong, in zlib's words.
    Wrong(&'static str),
}

impl Deflate {
    /// At the start of a stream.
    pub(crate) fn new() -> Deflate {
        let mut stream = z_stream::default();
        // SAFETY: The stream is valid and names the allocator of Rust; the version is a static string.
        let code = unsafe {
            inflateInit2_(
                &mut stream,
                RAW_WINDOW_BITS,
                zlibVersion(),
                size_of::<z_stream>() as i32,
            )
        };
        assert_eq!(code, Z_OK, "inflating needs 50 KB of memory, which are not to be had");
        Deflate { stream }
    }

    /// Begins another stream.
    pub(crate) fn begin(&mut self) {
        // SAFETY: The stream was initialised.
        let code = unsafe { inflateReset(&mut self.stream) };
        assert_eq!(code, Z_OK, "a stream that was initialised can be begun again");
    }

    /// Begins at a boundary, which is sound.
    pub(crate) fn begin_at(&mut self, boundary: &Boundary) {
        let Boundary { bits, byte, window } = boundary;
        self.begin();
        let (bits, value) = (i32::from(*bits), i32::from(*byte) >> (8 - bits));
        // SAFETY: The stream was initialised, and the window is as long as is said.
        let codes = unsafe {
            [
                inflatePrime(&mut self.stream, bits, value),
                inflateSetDictionary(&mut self.stream, window.as_ptr(), window.len() as u32),
            ]
        };
        assert_eq!(codes, [Z_OK; 2], "a stream without a header begins at any boundary");
    }

    /// Inflates what there is of `input` into what there is of `out`, which is not empty.
    pub(crate) fn inflate(&mut self, input: &[u8], out: &mut [u8], until: Until) -> Step {
        let (most_in, most_out) = (clamped(input.len()), clamped(out.len()));
        self.stream.next_in = input.as_ptr();
        self.stream.avail_in = most_in;
        self.stream.next_out = out.as_mut_ptr();
        self.stream.avail_out = most_out;
        let flush = match until {
            Until::Full => Z_NO_FLUSH,
            Until::Block => Z_BLOCK,
        };
        // SAFETY: The stream was initialised; its buffers are those above, which live, unshared, longer than this call,
        // and are at least as long as is said. Nothing reads them later: the next call sets others.
        let code = unsafe { inflate(&mut self.stream, flush) };
        Step {
            eaten: (most_in - self.stream.avail_in) as usize,
            given: (most_out - self.stream.avail_out) as usize,
            status: match code {
                Z_OK | Z_BUF_ERROR if until == Until::Block => self.boundary(),
                Z_OK | Z_BUF_ERROR => Status::GoesOn,
                Z_STREAM_END => Status::Ended,
                _ => Status::Wrong(self.message()),
            },
        }
    }

    /// Whether it stopped at a boundary.
    fn boundary(&self) -> Status {
        let state = self.stream.data_type;
        if state & AT_BOUNDARY == 0 {
            return Status::GoesOn;
        }
        let begins = state & IN_LAST_BLOCK == 0;
        Status::AtBlock(begins.then_some((state & UNUSED_BITS) as u8))
    }

    /// The last bytes that were given since the stream began, at most [`WINDOW`].
    pub(crate) fn window(&self) -> Vec<u8> {
        let mut window = vec![0; WINDOW];
        let mut len = 0;
        // SAFETY: The stream was initialised, and there is room for the largest window.
        let code = unsafe { inflateGetDictionary(&self.stream, window.as_mut_ptr(), &mut len) };
        assert_eq!(code, Z_OK, "a stream that was initialised has a window");
        window.truncate(len as usize);
        window
    }

    fn message(&self) -> &'static str {
        if self.stream.msg.is_null() {
            return "invalid data";
        }
        // SAFETY: A message is a static string that ends with a NUL.
        let message: &'static CStr = unsafe { CStr::from_ptr(self.stream.msg) };
        message.to_str().unwrap_or("invalid data")
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        self.stream.next_in = ptr::null();
        self.stream.next_out = ptr::null_mut();
        // SAFETY: The stream was initialised, and is not used any more.
        unsafe { inflateEnd(&mut self.stream) };
    }
}

/// What of a length fits into zlib's type for it.
fn clamped(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
