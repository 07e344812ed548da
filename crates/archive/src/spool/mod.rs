//! The spool: a file in memory, of reused slots, into which an archive is read that cannot be read at random.
//!
//! Whoever decompresses writes into mapped memory; whoever reads has a read-only descriptor of the same memory and
//! reads byte ranges, as of any file. Members lie one after another in slots of [`SLOT_BYTES`], small ones sharing a
//! slot, large ones in several. A slot is free again when every byte that was stored in it has been released.
//!
//! Memory is bounded by the capacity. Only two things go beyond it: a caller that lifts the limit for a while, and a
//! single member that is larger than the capacity, once nothing else is stored. What is beyond goes back to the system
//! when it is freed.

mod memory;
mod slots;

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{ArchiveError, WalkError};
use crate::stop::Stop;
use memory::{Memory, punch};
use slots::{Piece, Slots};

/// The size of a slot: 1 MiB.
pub const SLOT_BYTES: u64 = 1024 * 1024;

/// The capacity of a spool that is not told otherwise: 64 MiB.
pub const DEFAULT_CAPACITY: u64 = 64 * SLOT_BYTES;

/// How a spool is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The most bytes it holds, rounded up to whole slots of [`SLOT_BYTES`]; at least one.
    pub capacity: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            capacity: DEFAULT_CAPACITY,
        }
    }
}

/// A byte range of the file that `Walk::source` gives. A member's extents, one after another, are its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extent {
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// How long it is, in bytes. Never 0.
    pub len: u64,
}

impl Extent {
    /// The offset of the first byte after it.
    pub fn end(self) -> u64 {
        self.offset + self.len
    }
}

/// The spool has no room for the next member: the caller is about to wait until some is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolFull {
    /// How many bytes are stored and not released.
    pub stored: u64,
}

/// Gives the bytes of members back, from any thread. Of a plain tar, whose members lie in the archive itself, there is
/// nothing to give back.
#[derive(Debug, Clone)]
pub struct Releaser {
    shared: Arc<Shared>,
    /// Whether what it is given lies in the archive itself.
    is_in_place: bool,
}

impl Releaser {
    /// Gives extents back. They may be cut or joined differently than they were given out, and come in any order; what
    /// matters is that every byte is released once.
    ///
    /// # Panics
    ///
    /// When bytes are released that are not stored: a slot would be reused under somebody who still reads it.
    pub fn release(&self, extents: &[Extent]) {
        if !self.is_in_place {
            self.shared.release(extents);
        }
    }

    /// Tells the walk to stop: a waiting [`Walk::locate`](crate::Walk::locate) and everything after it returns
    /// [`WalkError::Closed`].
    pub fn close(&self) {
        let _state = self.shared.lock();
        self.shared.stop.tell();
        self.shared.freed.notify_all();
    }
}

/// What the writing side and the releasing sides share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The spool's memory and who holds which part of it; `None` for a plain tar.
    file: Option<Arc<File>>,
    slots: Mutex<Slots>,
    /// Told whenever there may be room.
    freed: Condvar,
    /// Whether somebody waits for `freed`. Written under the lock; it spares a system call where nobody does.
    waiting: AtomicBool,
    stop: Arc<Stop>,
}

impl Shared {
    fn new(file: Option<Arc<File>>, capacity: u64, stop: Arc<Stop>) -> Arc<Shared> {
        let slots = Mutex::new(Slots::new(capacity));
        Arc::new(Shared {
            file,
            slots,
            freed: Condvar::new(),
            waiting: AtomicBool::new(false),
            stop,
        })
    }

    /// What gives extents of the spool back.
    pub(crate) fn releaser(self: &Arc<Self>) -> Releaser {
        Releaser {
            shared: Arc::clone(self),
            is_in_place: false,
        }
    }

    /// What takes extents of an archive that nothing is stored of.
    pub(crate) fn releaser_in_place(self: &Arc<Self>) -> Releaser {
        Releaser {
            is_in_place: true,
            ..self.releaser()
        }
    }

    /// What closes it.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.stop.is_told()
    }

    /// A panic of another holder leaves the slots as they were, or more of them taken than need be: both are sound.
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, extents: &[Extent]) {
        let Some(file) = &self.file else { return };
        let mut slots = self.lock();
        for extent in extents {
            slots.release(*extent);
        }
        give_back(&mut slots, file);
        // Whoever found no room before has set `waiting` under the lock; whoever looks later finds what is free now.
        drop(slots);
        if self.waiting.load(Ordering::Relaxed) {
            self.freed.notify_all();
        }
    }
}

/// Gives free slots beyond the capacity back to the system. Under the lock: a slot that is punched must not be in use.
fn give_back(slots: &mut Slots, file: &File) {
    while let Some(slot) = slots.surplus() {
        // A hole that cannot be punched stays a slot; it only holds its memory a little longer.
        if punch(file, slot).is_err() {
            return;
        }
        slots.given_back(slot);
    }
}

/// The writing side, which one walk has at a time: where there are several archives, each walk hands it on to the next
/// ([`Walk::take_spool`](crate::Walk::take_spool)), so that all of them together hold no more than one.
pub struct Spool {
    /// `None` where nothing is ever stored.
    memory: Option<Memory>,
    shared: Arc<Shared>,
}

impl Spool {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Spool`] when the system gives no memory.
    pub fn new(options: SpoolOptions) -> Result<Spool, ArchiveError> {
        Spool::with_stop(options, Arc::default())
    }

    /// An empty one. What is told to stop closes it.
    pub(crate) fn with_stop(options: SpoolOptions, stop: Arc<Stop>) -> Result<Spool, ArchiveError> {
        let memory = Memory::new().map_err(|source| ArchiveError::Spool { source })?;
        let shared = Shared::new(Some(memory.file()), options.capacity, stop);
        Ok(Spool {
            memory: Some(memory),
            shared,
        })
    }

    /// For plain tars alone, in which members are read where they lie: it holds nothing, and cannot.
    pub fn without_memory() -> Spool {
        Spool {
            memory: None,
            shared: Shared::new(None, SLOT_BYTES, Arc::default()),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What gives extents back, and tells the walk to stop that has the spool.
    pub fn releaser(&self) -> Releaser {
        self.shared.releaser()
    }

    /// The file that extents in it are ranges of: a descriptor for reading only. `None` where it can hold nothing.
    pub fn reader(&self) -> Option<BorrowedFd<'_>> {
        self.memory.as_ref().map(Memory::reader)
    }

    /// Whether the spool may grow without limit.
    pub(crate) fn set_unlimited(&self, unlimited: bool) {
        let mut slots = self.shared.lock();
        slots.set_unlimited(unlimited);
        if let Some(file) = &self.shared.file {
            give_back(&mut slots, file);
        }
    }

    /// How many bytes of memory it holds, free slots included.
    pub(crate) fn held(&self) -> u64 {
        self.shared.lock().held() * SLOT_BYTES
    }

    /// Stores `size` bytes, which `fill` writes piece by piece, in order, of a member of which `own` are stored already. Waits while there is no room; `wait` is
    /// called before the first wait.
    pub(crate) fn store(
        &mut self,
        size: u64,
        own: u64,
        wait: &mut dyn FnMut(SpoolFull),
        fill: &mut dyn FnMut(&mut [u8]) -> Result<(), WalkError>,
    ) -> Result<Vec<Extent>, WalkError> {
        let mut extents = Vec::new();
        match self.store_into(&mut extents, size, own, wait, fill) {
            Ok(()) => Ok(extents),
            Err(error) => {
                self.shared.release(&extents);
                Err(error)
            }
        }
    }

    fn store_into(
        &mut self,
        extents: &mut Vec<Extent>,
        size: u64,
        own: u64,
        wait: &mut dyn FnMut(SpoolFull),
        fill: &mut dyn FnMut(&mut [u8]) -> Result<(), WalkError>,
    ) -> Result<(), WalkError> {
        let mut stored = 0;
        let mut told = false;
        while stored < size {
            let mut tell = |full| {
                if !std::mem::replace(&mut told, true) {
                    wait(full);
                }
            };
            let piece = self.take(size - stored, own + stored, &mut tell)?;
            append(extents, piece.extent());
            let memory = self.memory.as_mut().ok_or(io::ErrorKind::Unsupported);
            let memory = memory.map_err(io::Error::from).and_then(|memory| memory.piece(piece));
            fill(memory.map_err(|source| WalkError::Spool { source })?)?;
            stored += piece.len;
        }
        Ok(())
    }

    /// Takes room for at most `want` bytes of a member of which `own` bytes are stored already.
    fn take(&self, want: u64, own: u64, wait: &mut dyn FnMut(SpoolFull)) -> Result<Piece, WalkError> {
        if self.shared.is_closed() {
            return Err(WalkError::Closed);
        }
        if let Some(piece) = self.shared.lock().take(want, own) {
            return Ok(piece);
        }
        let stored = self.shared.lock().stored();
        wait(SpoolFull { stored });
        let mut slots = self.shared.lock();
        loop {
            if self.shared.is_closed() {
                return Err(WalkError::Closed);
            }
            if let Some(piece) = slots.take(want, own) {
                return Ok(piece);
            }
            self.shared.waiting.store(true, Ordering::Relaxed);
            slots = self.shared.freed.wait(slots).unwrap_or_else(PoisonError::into_inner);
            self.shared.waiting.store(false, Ordering::Relaxed);
        }
    }
}

/// Appends an extent, joined to the last one where they touch.
fn append(extents: &mut Vec<Extent>, extent: Extent) {
    match extents.last_mut() {
        Some(last) if last.end() == extent.offset => last.len += extent.len,
        _ => extents.push(extent),
    }
}
