//! The memory of a spool: a memfd, mapped slot by slot.

#![expect(
    unsafe_code,
    reason = "mapping a file is unsafe: its bytes could change under the mapping"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions};
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::spool::SLOT_BYTES;
use crate::spool::slots::Piece;

/// A file in memory that one side writes through mappings and others read through a descriptor.
pub(crate) struct Memory {
    file: Arc<File>,
    reader: File,
    /// The mapping of every slot that was used once. A slot that was given back keeps its mapping, which costs
    /// addresses and no memory.
    mapped: Vec<Option<MmapMut>>,
}

impl Memory {
    /// Makes an empty file.
    pub(crate) fn new() -> io::Result<Memory> {
        let file = File::from(memfd_create("tarquet-spool", MFdFlags::MFD_CLOEXEC)?);
        // Opened anew, because a duplicate would be as writable as the original.
        let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        Ok(Memory {
            file: Arc::new(file),
            reader,
            mapped: Vec::new(),
        })
    }

    /// The file, to give slots back.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// The file, read-only.
    pub(crate) fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// The memory of a piece.
    pub(crate) fn piece(&mut self, piece: Piece) -> io::Result<&mut [u8]> {
        if piece.fresh {
            // Allocated here, so that a lack of memory is an error now and not a SIGBUS at the first touch.
            fallocate(
                &self.file,
                FallocateFlags::empty(),
                offset(piece.slot),
                SLOT_BYTES as i64,
            )?;
        }
        let start = piece.start as usize;
        Ok(&mut self.slot(piece.slot)?[start..start + piece.len as usize])
    }

    /// The mapping of a slot, which is made at its first use.
    fn slot(&mut self, slot: u32) -> io::Result<&mut MmapMut> {
        let index = slot as usize;
        if self.mapped.len() <= index {
            self.mapped.resize_with(index + 1, || None);
        }
        let entry = &mut self.mapped[index];
        match entry {
            Some(mapping) => Ok(mapping),
            None => Ok(entry.insert(map(&self.file, slot)?)),
        }
    }
}

/// Maps a slot of the file, which is long enough, for writing.
fn map(file: &File, slot: u32) -> io::Result<MmapMut> {
    let mut options = MmapOptions::new();
    options.offset(u64::from(slot) * SLOT_BYTES).len(SLOT_BYTES as usize);
    // The memory is there already; a page fault for each page would cost more than all at once.
    options.populate();
    // SAFETY: The file is a memfd of this process, and this crate keeps its only writable descriptors to itself. It is
    // never shortened, so no access can fall behind its end. The only writes beside the mappings are punched holes, in
    // slots that hold no piece, so no slice of a mapping is live while its bytes change. Every slot is mapped once, so
    // mappings do not overlap. Everybody else has a descriptor for reading.
    unsafe { options.map_mut(file) }
}

/// Gives a slot's memory back to the system. Its bytes read as zeros afterwards.
pub(crate) fn punch(file: &File, slot: u32) -> io::Result<()> {
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(file, flags, offset(slot), SLOT_BYTES as i64)?)
}

fn offset(slot: u32) -> i64 {
    i64::from(slot) * SLOT_BYTES as i64
}
