//! What stands around the blocks of a zstd frame. Format: RFC 8878, section 3.1.

/// The largest window that is held: 128 MiB, as much as `zstd -d` takes unless it is told otherwise.
pub(crate) const WINDOW_LIMIT: u64 = 1 << WINDOW_LOG_LIMIT;

/// The same as a power of two.
pub(super) const WINDOW_LOG_LIMIT: u32 = 27;

/// The largest size of a block, in bytes. Source: section 3.1.1.2.4.
pub(super) const BLOCK_LIMIT: usize = 128 * 1024;

/// The bytes before the body of a block.
pub(super) const BLOCK_HEADER: usize = 3;

/// The bytes of a frame's checksum.
pub(super) const CHECKSUM: usize = 4;

/// The bytes before the content of a skippable frame: a magic number and a length.
pub(super) const SKIPPABLE_HEADER: usize = 8;

/// The magic number and the byte that says how long the header is.
const FIXED: usize = MAGIC_BYTES + 1;

const MAGIC_BYTES: usize = 4;

/// The magic number of a frame.
const MAGIC: u32 = 0xFD2F_B528;

/// The magic number of a skippable frame, whose last four bits may be anything.
const SKIPPABLE: u32 = 0x184D_2A50;

/// What stands where a frame may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    /// A frame of compressed data.
    Frame,
    /// A frame that is to be passed over.
    Skippable,
    /// The bytes end before it can be told which.
    Cut,
    /// Neither.
    None,
}

impl Magic {
    /// Of these bytes, of which four are enough.
    pub(crate) fn of(head: &[u8]) -> Magic {
        let is = |magic: u32, first: u8| {
            let [lowest, rest @ ..] = magic.to_le_bytes();
            let count = head.len().min(MAGIC_BYTES);
            count > 0 && first == lowest && head[1..count] == rest[..count - 1]
        };
        let Some(&first) = head.first() else { return Magic::None };
        match (is(MAGIC, first), is(SKIPPABLE, first & 0xF0)) {
            (false, false) => Magic::None,
            _ if head.len() < MAGIC_BYTES => Magic::Cut,
            (true, _) => Magic::Frame,
            _ => Magic::Skippable,
        }
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// How much of the content has to be held, in bytes, for what comes to be copied from it.
    pub(super) window: u64,
    /// How long the content is, in bytes, if it is said.
    pub(super) content: Option<u64>,
    /// The number of the dictionary that is needed; 0 for none.
    pub(super) dictionary: u32,
    /// Whether a checksum of the content follows the last block.
    pub(super) has_checksum: bool,
}

impl FrameHeader {
    /// How many bytes the header has that starts so, its magic number included. `None` where that is not there yet.
    pub(super) fn len(head: &[u8]) -> Option<usize> {
        head.get(MAGIC_BYTES).map(|&descriptor| Layout::of(descriptor).len())
    }

    /// The largest size that a block of the frame may have, in bytes.
    pub(super) fn block_limit(&self) -> usize {
        usize::try_from(self.window).unwrap_or(BLOCK_LIMIT).min(BLOCK_LIMIT)
    }

    /// Reads a whole header, which is as long as [`FrameHeader::len`] says. `None` where its reserved bit is set.
    pub(super) fn read(header: &[u8]) -> Option<FrameHeader> {
        const RESERVED: u8 = 1 << 3;
        let descriptor = header[MAGIC_BYTES];
        let layout = Layout::of(descriptor);
        let (window, rest) = header[FIXED..].split_at(layout.window);
        let (dictionary, content) = rest.split_at(layout.dictionary);
        // Two bytes count from 256 on: what is below takes one.
        let least = if layout.content == 2 { 256 } else { 0 };
        let content = (layout.content > 0).then(|| number(content) + least);
        let header = FrameHeader {
            // Without a window of its own all of the content is in it, and then it is known how long that is.
            window: window.first().map_or(content.unwrap_or(0), |&byte| window_bytes(byte)),
            content,
            dictionary: number(dictionary) as u32,
            has_checksum: layout.has_checksum,
        };
        (descriptor & RESERVED == 0).then_some(header)
    }
}

/// How long the fields of a frame's header are that follow the descriptor, in bytes and in their order.
struct Layout {
    window: usize,
    dictionary: usize,
    content: usize,
    has_checksum: bool,
}

impl Layout {
    fn of(descriptor: u8) -> Layout {
        let is_single_segment = descriptor & 1 << 5 != 0;
        let content = match descriptor >> 6 {
            0 => usize::from(is_single_segment),
            power => 1 << power,
        };
        Layout {
            window: usize::from(!is_single_segment),
            dictionary: [0, 1, 2, 4][usize::from(descriptor & 3)],
            content,
            has_checksum: descriptor & 1 << 2 != 0,
        }
    }

    fn len(&self) -> usize {
        FIXED + self.window + self.dictionary + self.content
    }
}

/// The window that a descriptor stands for, in bytes: up to 3.75 TiB.
fn window_bytes(descriptor: u8) -> u64 {
    let base = 1 << (10 + (descriptor >> 3));
    base + base / 8 * u64::from(descriptor & 7)
}

/// The header of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// What it says: how many bytes the block gives or, if it is compressed, takes.
    pub(super) size: usize,
    /// How many bytes follow it.
    pub(super) body: usize,
    /// Whether it is the frame's last.
    pub(super) is_last: bool,
}

impl BlockHeader {
    /// Reads a whole header. `None` for a type that is reserved.
    pub(super) fn read(header: &[u8]) -> Option<BlockHeader> {
        let number = number(header) as usize;
        let size = number >> 3;
        let body = match number >> 1 & 3 {
            // As it is; one byte, repeated; compressed.
            0 | 2 => size,
            1 => 1,
            _ => return None,
        };
        Some(BlockHeader {
            size,
            body,
            is_last: number & 1 != 0,
        })
    }
}

/// How long the content of a skippable frame is that has this header.
pub(super) fn skippable_content(header: &[u8]) -> u64 {
    number(&header[MAGIC_BYTES..SKIPPABLE_HEADER])
}

/// Up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
