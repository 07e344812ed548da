//! The bytes of a large member, taken part by part, so that it need never be stored as a whole.

use std::os::unix::fs::FileExt as _;

use crate::error::{Damage, WalkError};
use crate::member::Member;
use crate::sniff;
use crate::spool::{Extent, SpoolFull};
use crate::walk::{Bytes, Walk};

/// How the bytes of a member can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// All of them are in the file already, where this says; nothing of it has to be released.
    InPlace {
        /// Where they are, as far as the archive goes.
        extent: Extent,
        /// What is wrong where the archive ends before them. The walk has ended by it.
        damage: Option<Damage>,
    },
    /// In order, by [`Walk::store_part`].
    InOrder,
}

/// Some bytes of a member, stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where they are. Every one of them has to be released.
    pub extents: Vec<Extent>,
    /// How many bytes there are up to the first line end, this included; `None` without one.
    pub first_line: Option<u64>,
    /// How many bytes there are up to the last line end, this included; `None` without one.
    pub all_lines: Option<u64>,
    /// Whether they begin as what is compressed with gzip or zstd does.
    pub is_compressed: bool,
}

impl Walk {
    /// Begins to take the bytes of `member`, which is a regular file, part by part, in place of [`Walk::locate`].
    ///
    /// # Errors
    ///
    /// [`WalkError::Closed`], and for a file of a directory as [`Walk::locate`]. That the archive ends before the bytes do is no error here.
    ///
    /// # Panics
    ///
    /// As [`Walk::locate`].
    pub fn locate_parts(&mut self, member: &Member) -> Result<Parts, WalkError> {
        self.begin_to_locate(member)?;
        let Bytes::InPlace { len, .. } = &self.bytes else {
            let begun = self.entries.begin_body();
            return begun.map(|()| Parts::InOrder).map_err(|error| self.stop_at(error));
        };
        let (len, end) = (*len, member.data_offset + member.size);
        let damage = (end > len).then(|| self.entries.cut_at(len));
        if let Some(damage) = &damage {
            self.stop_at(damage.clone().into());
        }
        Ok(Parts::InPlace {
            extent: Extent {
                offset: member.data_offset,
                len: end.min(len).saturating_sub(member.data_offset),
            },
            damage,
        })
    }

    /// Stores the next `size` bytes of the member, of which [`Walk::locate_parts`] said that they come in order: all
    /// together no more than it has. `held` is how many bytes the caller holds back of it; some of them may be released while
    /// this waits. For the rest as [`Walk::locate`].
    ///
    /// # Errors
    ///
    /// As [`Walk::locate`].
    pub fn store_part(&mut self, size: u64, held: u64, wait: &mut dyn FnMut(SpoolFull)) -> Result<Part, WalkError> {
        let mut part = Part {
            extents: Vec::new(),
            first_line: None,
            all_lines: None,
            is_compressed: false,
        };
        let Bytes::Spooled(spool) = &mut self.bytes else {
            return Ok(part);
        };
        let (mut stored, mut magic) = (0, Vec::with_capacity(sniff::MAGIC_BYTES));
        let extents = spool.store(size, held, wait, &mut |bytes| {
            self.entries.read_body(bytes)?;
            // The first piece may be a byte long.
            magic.extend(bytes.iter().take(sniff::MAGIC_BYTES - magic.len()));
            let behind = |position: usize| stored + position as u64 + 1;
            if part.first_line.is_none() {
                part.first_line = memchr::memchr(b'\n', bytes).map(behind);
            }
            part.all_lines = memchr::memrchr(b'\n', bytes).map(behind).or(part.all_lines);
            stored += bytes.len() as u64;
            Ok(())
        });
        part.extents = extents.map_err(|error| self.stop_at(error))?;
        part.is_compressed = sniff::is_compressed(&magic);
        Ok(part)
    }

    /// Whether the bytes at an extent of a plain tar begin as what is compressed with gzip or zstd does.
    ///
    /// # Errors
    ///
    /// [`WalkError::Read`].
    pub fn is_compressed(&self, extent: Extent) -> Result<bool, WalkError> {
        let Bytes::InPlace { file, .. } = &self.bytes else {
            return Ok(false);
        };
        let mut magic = [0; sniff::MAGIC_BYTES];
        let len = magic.len().min(extent.len as usize);
        let read = file.read_exact_at(&mut magic[..len], extent.offset);
        read.map_err(|source| WalkError::Read {
            offset: extent.offset,
            source,
        })?;
        Ok(sniff::is_compressed(&magic[..len]))
    }
}
