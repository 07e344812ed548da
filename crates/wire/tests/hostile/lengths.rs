//! Frames that claim more than they hold.

use std::io::{self, Read};

use tarquet_wire::frame::{FrameError, FrameReader, FrameWriter, HEADER_LEN, Kind};

use crate::counting::peak;

const MIB: usize = 1 << 20;

/// Zeros, `len` of them, behind a header.
struct Claimed {
    header: Vec<u8>,
    len: usize,
}

impl Claimed {
    /// A frame that claims a body of `claimed` bytes, of which `len` come.
    fn new(claimed: usize, len: usize) -> Claimed {
        let mut header = Vec::new();
        FrameWriter::new(&mut header).write(Kind::Batch, 0, 0, &[]).unwrap();
        header[..4].copy_from_slice(&u32::try_from(claimed).unwrap().to_le_bytes());
        assert_eq!(header.len(), HEADER_LEN);
        Claimed { header, len }
    }
}

impl Read for Claimed {
    #[expect(clippy::disallowed_methods, reason = "it is a reader itself")]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.header.is_empty() {
            let read = self.header.as_slice().read(buffer)?;
            self.header.drain(..read);
            return Ok(read);
        }
        let read = buffer.len().min(self.len);
        buffer[..read].fill(0);
        self.len -= read;
        Ok(read)
    }
}

/// What reading a frame holds at most, in bytes, once so many bytes of its body have come.
fn bound(arrived: usize) -> usize {
    (3 * arrived).max(8 * MIB) + 1024
}

#[test]
fn memory_grows_with_what_arrives() {
    for arrived in [0, 1, 100, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB, 33 * MIB] {
        let mut reader = FrameReader::new(Claimed::new(512 * MIB, arrived));
        let (read, peak) = peak(|| reader.read());
        let missing = 512 * MIB - arrived;
        assert!(
            matches!(read, Err(FrameError::Truncated { missing: found }) if found == missing),
            "{read:?}"
        );
        assert!(peak <= bound(arrived), "{peak} bytes for {arrived}");
    }
}

#[test]
fn a_body_over_the_cap_takes_nothing() {
    for claimed in [512 * MIB + 1, u32::MAX as usize] {
        let mut reader = FrameReader::new(Claimed::new(claimed, claimed));
        let (read, peak) = peak(|| reader.read());
        assert!(matches!(read, Err(FrameError::TooLong { .. })), "{read:?}");
        assert!(peak < 1024, "{peak}");
    }
}
