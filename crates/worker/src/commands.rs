//! The coordinator's commands, in order, and the credit that comes between them.

use std::collections::VecDeque;
use std::io::Read;

use tarquet_wire::credit::Balance;
use tarquet_wire::frame::FrameReader;
use tarquet_wire::message::{self, ToWorker};

use crate::serve::WorkerError;

/// The commands of a pipe.
///
/// A worker that waits for credit reads on; what it meets besides credit is kept for later.
#[derive(Debug)]
pub(crate) struct Commands<R> {
    pipe: FrameReader<R>,
    kept: VecDeque<ToWorker>,
    balance: Balance,
}

impl<R: Read> Commands<R> {
    pub(crate) fn new(pipe: R) -> Commands<R> {
        Commands {
            pipe: FrameReader::new(pipe),
            kept: VecDeque::new(),
            balance: Balance::new(0),
        }
    }

    /// The credit at hand.
    pub(crate) fn balance(&mut self) -> &mut Balance {
        &mut self.balance
    }

    /// The next command that is not about credit; the end of the pipe is as good as the sentinel, since a coordinator
    /// that is gone wants nothing any more.
    pub(crate) fn next(&mut self) -> Result<ToWorker, WorkerError> {
        if let Some(command) = self.kept.pop_front() {
            return Ok(command);
        }
        loop {
            match self.receive()? {
                ToWorker::Credit { bytes } => self.balance.restore(bytes),
                // It was on its way when credit came and made it needless.
                ToWorker::Pass { .. } => {}
                command => return Ok(command),
            }
        }
    }

    /// Waits until credit covers `bytes`, or request `request` is let pass.
    pub(crate) fn wait_for_credit(&mut self, bytes: u64, request: u64) -> Result<(), WorkerError> {
        while !self.balance.covers(bytes) {
            match self.receive()? {
                ToWorker::Credit { bytes } => self.balance.restore(bytes),
                ToWorker::Pass { request: passed } if passed == request => return Ok(()),
                ToWorker::Pass { .. } => {}
                ToWorker::Finish => return Err(WorkerError::Abandoned),
                command => self.kept.push_back(command),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<ToWorker, WorkerError> {
        Ok(message::receive(&mut self.pipe)?.unwrap_or(ToWorker::Finish))
    }
}
