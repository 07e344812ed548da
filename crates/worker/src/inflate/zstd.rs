//! zstd (RFC 8878): one frame after the other, then nothing.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;

use zstd_safe::{
    DCtx, DParameter, InBuffer, OutBuffer, get_dict_id_from_frame, get_error_name, get_frame_content_size,
};

use super::{Format, InflateError, Next, Pumped};

/// The first four bytes of a frame (section 3.1.1), as they stand.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The same of a frame that is passed over (section 3.1.2); the first one has any value in its lower half.
const SKIPPABLE: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];

/// The base-2 logarithm of [`MAX_WINDOW`].
const MAX_WINDOW_LOG: u32 = 27;

/// The largest window, in bytes: what zstd itself uses if it is not told otherwise.
pub(super) const MAX_WINDOW: u64 = 1 << MAX_WINDOW_LOG;

/// In a frame's descriptor (section 3.1.1.1.1): there is no window descriptor, for the window is the content.
const SINGLE_SEGMENT: u8 = 1 << 5;

/// `ZSTD_error_memory_allocation` of `zstd_errors.h`, as functions give it.
const OUT_OF_MEMORY: usize = 64_usize.wrapping_neg();

/// Whether a frame begins here.
pub(super) fn begins_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || begins_skippable(bytes)
}

fn begins_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [first, rest @ ..] if first & 0xF0 == SKIPPABLE[0] && rest.starts_with(&SKIPPABLE[1..]))
}

/// As many bytes as the header of a frame may have: its magic number, descriptor, window, dictionary and content size.
const MOST_HEADER: usize = 4 + 1 + 1 + 4 + 8;

/// The decompressor, once it was needed, and what it is at.
#[derive(Default)]
pub(super) struct Unzstd {
    context: Option<DCtx<'static>>,
    /// Where the frame at hand begins, inside one.
    frame: Option<u64>,
}

impl fmt::Debug for Unzstd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Unzstd").field("held", &self.held()).finish()
    }
}

impl Unzstd {
    /// Forgets what it was at: other compressed bytes follow.
    pub(super) fn begin(&mut self) {
        self.frame = None;
    }

    /// Goes on with `input`, the first byte of which is at `at`; nothing comes behind it if it `is_last`.
    pub(super) fn pump(
        &mut self,
        input: &[u8],
        at: u64,
        is_last: bool,
        out: &mut [u8],
    ) -> Result<Pumped, InflateError> {
        let Some(frame) = self.frame else {
            return self.between(input, at, is_last);
        };
        // Between frames it was made ready.
        let Some(context) = &mut self.context else {
            return self.between(input, at, is_last);
        };
        let most = out.len();
        let (mut out, mut from) = (OutBuffer::around(out), InBuffer::around(input));
        let left = context.decompress_stream(&mut out, &mut from);
        let (eaten, given) = (from.pos(), out.pos());
        let next = match left {
            Ok(0) => {
                self.frame = None;
                Next::Going
            }
            Ok(_) if eaten == input.len() && given < most => {
                if is_last {
                    let (format, at) = (Format::Zstd, at + eaten as u64);
                    return Err(InflateError::Cut { format, at });
                }
                Next::Hungry
            }
            Ok(_) => Next::Going,
            Err(OUT_OF_MEMORY) => out_of_memory(),
            Err(code) => {
                let (at, what) = (frame, get_error_name(code));
                return Err(InflateError::CorruptZstd { at, what });
            }
        };
        Ok(Pumped { eaten, given, next })
    }

    /// Begins the next frame, if there is one.
    fn between(&mut self, input: &[u8], at: u64, is_last: bool) -> Result<Pumped, InflateError> {
        if input.len() < MOST_HEADER && !is_last {
            return Ok(Pumped::hungry());
        }
        if input.is_empty() {
            return Ok(Pumped {
                next: Next::Done,
                ..Pumped::default()
            });
        }
        check_frame(input, at)?;
        self.make_ready();
        self.frame = Some(at);
        Ok(Pumped::default())
    }

    /// Makes a decompressor for a frame. One that had a larger window keeps its memory, and then takes a crafted block that
    /// refers beyond the window of its own frame: what becomes of a member would depend on those before it.
    fn make_ready(&mut self) {
        self.context = None;
        let mut context = DCtx::try_create().unwrap_or_else(|| out_of_memory());
        let ready = context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG));
        assert!(ready.is_ok(), "a new session takes a window that is within bounds");
        self.context = Some(context);
    }

    /// How much memory the decompressor holds, in bytes.
    pub(super) fn held(&self) -> usize {
        self.context.as_ref().map_or(0, DCtx::sizeof)
    }

    /// Gives the decompressor back if it holds more than `kept` bytes, as it does after a frame with a large window.
    pub(super) fn give_back(&mut self, kept: usize) {
        if self.held() > kept {
            self.context = None;
        }
    }
}

/// Ends the process as any allocation that fails does: whether there is memory says nothing of the member.
fn out_of_memory() -> ! {
    handle_alloc_error(Layout::new::<[u8; MAX_WINDOW as usize]>())
}

/// Checks that a frame begins here which is to be inflated; what else is wrong with it, the decompressor says.
fn check_frame(frame: &[u8], at: u64) -> Result<(), InflateError> {
    if begins_skippable(frame) {
        return Ok(());
    }
    if !begins_frame(frame) {
        let format = Format::Zstd;
        return Err(InflateError::TrailingGarbage { format, at });
    }
    if let Some(window) = window(frame).filter(|window| *window > MAX_WINDOW) {
        return Err(InflateError::Window { at, window });
    }
    match get_dict_id_from_frame(frame) {
        Some(id) => Err(InflateError::Dictionary { at, id: id.get() }),
        None => Ok(()),
    }
}

/// How many of the last bytes a frame refers to (section 3.1.1.1.2), if its header is there.
fn window(frame: &[u8]) -> Option<u64> {
    match *frame {
        [_, _, _, _, descriptor, ..] if descriptor & SINGLE_SEGMENT != 0 => {
            get_frame_content_size(frame).ok().flatten()
        }
        [_, _, _, _, _, window, ..] => {
            let base = 1_u64 << (10 + (window >> 3));
            Some(base + base / 8 * u64::from(window & 0b111))
        }
        _ => None,
    }
}
