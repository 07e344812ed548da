//! Telling a walk to stop, also where it waits for a slow stream.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Whether a walk was told to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    told: AtomicBool,
    wake: Option<Wake>,
}

/// A pipe whose closing ends a wait for input. It is never written to: that its writing end is gone stays true.
#[derive(Debug)]
struct Wake {
    closes: PipeReader,
    open: Mutex<Option<PipeWriter>>,
}

impl Stop {
    /// For a source whose reads may wait for somebody else.
    pub(crate) fn for_stream() -> io::Result<Stop> {
        let (closes, open) = io::pipe()?;
        let wake = Wake {
            closes,
            open: Mutex::new(Some(open)),
        };
        Ok(Stop {
            told: AtomicBool::new(false),
            wake: Some(wake),
        })
    }

    /// Tells the walk to stop, for good.
    pub(crate) fn tell(&self) {
        self.told.store(true, Ordering::Release);
        if let Some(wake) = &self.wake {
            *wake.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Whether it was told.
    pub(crate) fn is_told(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }

    /// Waits until a read of `file` would not, or until the walk is told to stop.
    pub(crate) fn wait_for(&self, file: &File) -> io::Result<()> {
        let input = PollFd::new(file.as_fd(), PollFlags::POLLIN);
        let waited = match &self.wake {
            // That the other end is closed is reported whether it is asked for or not.
            Some(wake) => {
                let closed = PollFd::new(wake.closes.as_fd(), PollFlags::empty());
                poll(&mut [input, closed], PollTimeout::NONE)
            }
            None => poll(&mut [input], PollTimeout::NONE),
        };
        match waited {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
