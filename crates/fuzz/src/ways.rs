//! How compressed files are read, out of a target's bytes.

use tarquet_archive::{Spacing, Ways};

use crate::input::Input;

/// The most that a file may hold here, in bytes: of a few bytes a compressor makes a thousand times as many, and then all
/// of the time would go into these.
pub(crate) const MOST: usize = 256 << 10;

/// Ways to read a file, out of twelve bytes.
pub(crate) fn ways(input: &mut Input<'_>) -> Ways {
    let mut sizes = || (0..3).map(|_| 1 + usize::from(input.byte()).pow(2)).collect();
    let (pieces, output) = (sizes(), sizes());
    let mut ways = Ways {
        input: pieces,
        output,
        spacing: Spacing {
            stream: 1 + 16 * u64::from(input.byte()),
            file: 1 + 4 * u64::from(input.byte()),
        },
        threads: 1 + usize::from(input.byte() % 3),
        chunk: (32 + 16 * usize::from(input.byte()), 32 + 16 * usize::from(input.byte())),
        frame: 0,
        patience: 0,
    };
    let last = input.byte();
    ways.patience = if last.is_multiple_of(2) { u64::MAX } else { 3 };
    ways.frame = MOST >> (last / 2 % 12);
    ways
}
