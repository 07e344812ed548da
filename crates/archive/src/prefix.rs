//! What was read of an archive that is read in order: how many bytes, and their hash.
//!
//! A run that goes on where another one stopped has to know that it reads the same archive again. A stream cannot be
//! looked at twice, so its bytes are hashed as they come. Whoever knows the [`Prefix`] that was read before can expect
//! it of the next walk, which then stops reading exactly at its last byte and compares.
//!
//! Hash: blocks of 256 KiB, each with the XXH3 hash (64 bits) of the bytes before it as its seed. The seed of the first
//! block is 0, and the hash of no bytes is 0. So hashing can go on from the start of any block, with one number from
//! before it: that is how a walk which begins in the middle has the hash of all bytes. Source: the xxHash
//! specification, section "XXH3 algorithm overview".

use std::fmt;
use std::hash::Hasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// The bytes of a block: 256 KiB.
pub(crate) const BLOCK: u64 = 256 * 1024;

/// The first bytes of an archive, by length and hash. Of a compressed archive these are the compressed bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// How many bytes from the archive's start.
    pub bytes: u64,
    /// Their hash: of blocks of 256 KiB, each with the XXH3 hash of 64 bits of all before it as its seed.
    pub hash: u64,
}

/// An archive does not start as it was expected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}; give the same archive again, or begin anew", self.what())]
pub struct PrefixDiffers {
    /// What was to be read, because it had been read before.
    pub expected: Prefix,
    /// What was read instead: as many bytes, or all that there are.
    pub read: Prefix,
}

impl PrefixDiffers {
    /// What differs.
    fn what(&self) -> String {
        let (expected, read) = (self.expected.bytes, self.read.bytes);
        if read < expected {
            format!("the archive is another one than before: it ends at byte {read}, and {expected} had been read")
        } else {
            format!("the archive is another one than before: its first {expected} bytes have another hash")
        }
    }
}

/// Looks at what a walk has read, from any thread and at any time.
#[derive(Clone)]
pub struct PrefixProbe {
    running: Arc<Running>,
}

impl PrefixProbe {
    /// What was read so far. Every byte is in it on which a member depends that the walk has given. Reading runs ahead,
    /// so it may go further.
    pub fn prefix(&self) -> Prefix {
        self.running.lock().prefix()
    }

    /// Whether the walk reads what it was expected to: from the start when nothing was expected, otherwise once as
    /// much was read and found the same.
    pub fn is_confirmed(&self) -> bool {
        self.running.lock().expected.is_none()
    }
}

impl fmt::Debug for PrefixProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixProbe")
            .field("prefix", &self.prefix())
            .field("is_confirmed", &self.is_confirmed())
            .finish()
    }
}

/// The running hash, shared by who reads and who asks.
#[derive(Default)]
pub(crate) struct Running {
    state: Mutex<State>,
}

struct State {
    /// What ends where the block starts that is being read.
    start: Prefix,
    /// What ends a block earlier, if that was read too.
    earlier: Option<Prefix>,
    /// Over the block, as far as it was read.
    hasher: XxHash3_64,
    bytes: u64,
    /// What is to be read first, until it was.
    expected: Option<Prefix>,
}

impl Default for State {
    fn default() -> Self {
        State::after(Prefix::default())
    }
}

impl Running {
    /// Goes on behind whole blocks that were read before.
    pub(crate) fn after(start: Prefix) -> Running {
        Running {
            state: Mutex::new(State::after(start)),
        }
    }

    /// The last of the prefixes that end where a block starts and no later than at byte `at`, if it is still known: two
    /// are.
    pub(crate) fn before(&self, at: u64) -> Option<Prefix> {
        let state = self.lock();
        let known = [Some(state.start), state.earlier];
        known.into_iter().flatten().find(|prefix| prefix.bytes <= at)
    }

    /// What looks at it.
    pub(crate) fn probe(self: &Arc<Self>) -> PrefixProbe {
        PrefixProbe {
            running: Arc::clone(self),
        }
    }

    /// Expects this prefix, which does not end before the start. Panics when something was read already.
    pub(crate) fn expect(&self, prefix: Prefix) {
        let mut state = self.lock();
        assert_eq!(
            state.bytes, state.start.bytes,
            "a prefix is expected before the first byte is read"
        );
        state.expected = Some(prefix);
    }

    /// How many of `most` bytes may be read at once.
    pub(crate) fn room(&self, most: usize) -> Result<usize, PrefixDiffers> {
        let mut state = self.lock();
        state.compare()?;
        let room = state.expected.map(|expected| expected.bytes - state.bytes);
        Ok(room.map_or(most, |room| usize::try_from(room).unwrap_or(usize::MAX).min(most)))
    }

    /// These bytes were read next; none is the archive's end. They are no more than there was room for.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<(), PrefixDiffers> {
        let mut state = self.lock();
        if bytes.is_empty() {
            return state.expected.map_or(Ok(()), |expected| Err(state.differs(expected)));
        }
        state.add(bytes);
        state.compare()
    }

    /// A panic of another holder can only have been between two updates: nothing in them panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn after(start: Prefix) -> State {
        State {
            start,
            earlier: None,
            hasher: XxHash3_64::with_seed(start.hash),
            bytes: start.bytes,
            expected: None,
        }
    }

    fn prefix(&self) -> Prefix {
        match self.bytes == self.start.bytes {
            true => self.start,
            false => Prefix {
                bytes: self.bytes,
                hash: self.hasher.finish(),
            },
        }
    }

    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = (self.start.bytes + BLOCK - self.bytes) as usize;
            let (of_block, rest) = bytes.split_at(bytes.len().min(left));
            self.hasher.write(of_block);
            self.bytes += of_block.len() as u64;
            if of_block.len() == left {
                self.earlier = Some(self.start);
                self.start = self.prefix();
                self.hasher = XxHash3_64::with_seed(self.start.hash);
            }
            bytes = rest;
        }
    }

    /// Compares, once as much was read as is expected.
    fn compare(&mut self) -> Result<(), PrefixDiffers> {
        match self.expected {
            Some(expected) if expected.bytes == self.bytes => {
                if expected != self.prefix() {
                    return Err(self.differs(expected));
                }
                self.expected = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn differs(&self, expected: Prefix) -> PrefixDiffers {
        PrefixDiffers {
            expected,
            read: self.prefix(),
        }
    }
}
