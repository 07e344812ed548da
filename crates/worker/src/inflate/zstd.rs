//! zstd (RFC 8878): one frame after the other, then nothing.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;

use zstd_safe::{
    DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_dict_id_from_frame, get_error_name,
    get_frame_content_size,
};

use super::{Format, InflateError, Room};

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

/// The decompressor, once it was needed.
#[derive(Default)]
pub(super) struct Unzstd {
    context: Option<DCtx<'static>>,
}

impl fmt::Debug for Unzstd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Unzstd").field("held", &self.held()).finish()
    }
}

impl Unzstd {
    /// Inflates frames, of which there is at least the beginning of one.
    pub(super) fn inflate(&mut self, compressed: &[u8], room: &mut Room<'_>) -> Result<(), InflateError> {
        let mut at = 0;
        while at < compressed.len() {
            let frame = &compressed[at..];
            check_frame(frame, at as u64)?;
            at += self.frame(frame, at as u64, room)?;
        }
        Ok(())
    }

    /// Inflates the frame with which `frame` begins, and gives its length.
    fn frame(&mut self, frame: &[u8], at: u64, room: &mut Room<'_>) -> Result<usize, InflateError> {
        let context = self.context();
        let mut input = InBuffer::around(frame);
        loop {
            let free = room.free()?;
            let most = free.len();
            let mut out = OutBuffer::around(free);
            let left = context.decompress_stream(&mut out, &mut input);
            let given = out.pos();
            room.advance(given);
            match left {
                Ok(0) => return Ok(input.pos()),
                Ok(_) if input.pos() == frame.len() && given < most => {
                    return Err(InflateError::Cut {
                        format: Format::Zstd,
                        at: at + frame.len() as u64,
                    });
                }
                Ok(_) => {}
                Err(OUT_OF_MEMORY) => out_of_memory(),
                Err(code) => {
                    let what = get_error_name(code);
                    return Err(InflateError::CorruptZstd { at, what });
                }
            }
        }
    }

    /// The decompressor, before a frame.
    fn context(&mut self) -> &mut DCtx<'static> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(DCtx::try_create().unwrap_or_else(|| out_of_memory())),
        };
        let ready = context
            .reset(ResetDirective::SessionOnly)
            .and_then(|_| context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)));
        assert!(
            ready.is_ok(),
            "a session that was reset takes a window that is within bounds"
        );
        context
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
