//! A file beside the run that nothing of the dataset depends on.
//!
//! It is whoever reads the archive that writes it: places in the archive at which reading can begin again. It is never
//! made durable, and may be missing, cut or foreign at any time; its reader has to see that. So nothing that goes wrong
//! with it is an error of the dataset.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::error::DatasetError;
use crate::files::File;
use crate::layout::Layout;

/// The file `run/seek-index`, open for reading and writing. It is read and written on from where it was last.
#[derive(Debug)]
pub struct SeekIndexFile {
    path: PathBuf,
    file: File,
}

impl SeekIndexFile {
    /// Opens it, at its start. One that is not there is made, empty.
    pub(crate) fn open(layout: &Layout) -> Result<SeekIndexFile, DatasetError> {
        let path = layout.seek_index();
        let file = File::open_to_go_on(&path).map_err(DatasetError::io("open the seek index", &path))?;
        Ok(SeekIndexFile { path, file })
    }

    /// Cuts it to so many bytes, and goes on there.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`].
    pub fn cut(&mut self, bytes: u64) -> Result<(), DatasetError> {
        self.file.cut(bytes).map_err(self.error("cut the seek index"))
    }

    /// Says of which file `error` is, and what was done with it.
    pub fn error(&self, action: &'static str) -> impl FnOnce(io::Error) -> DatasetError {
        let path = self.path.clone();
        move |error| DatasetError::Io { action, path, error }
    }
}

impl Read for SeekIndexFile {
    #[expect(
        clippy::disallowed_methods,
        reason = "an implementation of `read` may be as short as the one below it"
    )]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
}

impl Write for SeekIndexFile {
    #[expect(
        clippy::disallowed_methods,
        reason = "an implementation of `write` may be as short as the one below it"
    )]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
