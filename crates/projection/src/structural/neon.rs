//! The lens of AArch64 with NEON: 16 bytes a comparison; sets are plain words.
#![expect(
    unsafe_code,
    reason = "the processor's vector instructions are only had through its intrinsics"
)]

use std::arch::aarch64::*;
use std::arch::is_aarch64_feature_detected;

use super::lens::{Bits, Bytes, Classes, Lens, ROW, WORDS};
use super::portable::Plain;
use super::words::OneByOne;

/// A word's bytes: 64 of them.
type Block = [uint8x16_t; 4];

/// Stands for a processor that has what [`Neon::new`] asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    /// The lens, if the processor has what it needs, as all have that run Linux.
    pub(super) fn new() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Lens for Neon {
    type Set = Plain;
    type Words = OneByOne<Self>;

    #[inline(always)]
    fn classify(self, row: &[u8; ROW]) -> Classes<Self> {
        let (blocks, _) = row.as_chunks::<64>();
        let mut bytes = Bytes::none(Plain([0; WORDS]));
        for (word, block) in blocks.iter().enumerate() {
            // SAFETY: the processor has NEON, or there were no such lens.
            unsafe {
                let block = load(block);
                let folded = block.map(|bytes| vorrq_u8(bytes, vdupq_n_u8(0x20)));
                let values = block.map(|bytes| vsubq_u8(bytes, vdupq_n_u8(b'0')));
                bytes.quote.0[word] = equal(block, b'"');
                bytes.backslash.0[word] = equal(block, b'\\');
                bytes.control.0[word] = below(block, 0x20);
                bytes.space.0[word] = marks(block.map(|bytes| {
                    let [space, tab] = [b' ', b'\t'].map(|byte| vceqq_u8(bytes, vdupq_n_u8(byte)));
                    let [feed, back] = [b'\n', b'\r'].map(|byte| vceqq_u8(bytes, vdupq_n_u8(byte)));
                    vorrq_u8(vorrq_u8(space, tab), vorrq_u8(feed, back))
                }));
                bytes.open.0[word] = equal(folded, b'{');
                bytes.close.0[word] = equal(folded, b'}');
                bytes.brace.0[word] = equal(block, b'{') | equal(block, b'}');
                bytes.comma.0[word] = equal(block, b',');
                bytes.colon.0[word] = equal(block, b':');
                bytes.digit.0[word] = below(values, 10);
                bytes.zero.0[word] = equal(block, b'0');
                bytes.minus.0[word] = equal(block, b'-');
                bytes.dot.0[word] = equal(block, b'.');
                bytes.non_ascii |= has_non_ascii(block);
            }
        }
        Classes { bytes, letters: () }
    }

    #[inline(always)]
    fn set(self, bits: Bits) -> Plain {
        Plain(bits)
    }
}

/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn load(bytes: &[u8; 64]) -> Block {
    // SAFETY: the caller has seen to the processor; there are 64 bytes, and they need no alignment.
    unsafe { [0, 16, 32, 48].map(|at| vld1q_u8(bytes.as_ptr().add(at))) }
}

/// The bits of 64 bytes that are all ones or zero each: each byte keeps a bit of its own among its eight, and pairs of
/// neighbours are added up three times (from simdjson, `simd8x64::to_bitmask` of its arm64 kernel).
///
/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn marks(block: Block) -> u64 {
    const OWN: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: the caller has seen to the processor; there are 16 bytes, and they need no alignment.
    unsafe {
        let own = vld1q_u8(OWN.as_ptr());
        let [a, b, c, d] = block.map(|bytes| vandq_u8(bytes, own));
        let quarters = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(quarters, quarters)))
    }
}

/// Which bytes are `byte`.
///
/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn equal(block: Block, byte: u8) -> u64 {
    // SAFETY: the caller has seen to it.
    unsafe { marks(block.map(|bytes| vceqq_u8(bytes, vdupq_n_u8(byte)))) }
}

/// Which bytes are below `limit`.
///
/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn below(block: Block, limit: u8) -> u64 {
    // SAFETY: the caller has seen to it.
    unsafe { marks(block.map(|bytes| vcltq_u8(bytes, vdupq_n_u8(limit)))) }
}

/// Whether any byte is from 0x80 on.
///
/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn has_non_ascii(block: Block) -> bool {
    let [a, b, c, d] = block;
    // SAFETY: the caller has seen to it.
    unsafe { vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) >= 0x80 }
}
