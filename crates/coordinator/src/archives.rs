//! The archives of a run, in order: looked at once before it begins, and opened one by one while it goes on.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tarquet_archive::{Archive, ArchiveError, Container, Fingerprint};
use tarquet_feature_map::display_name;
use twox_hash::XxHash3_64;

use crate::error::RunError;
use crate::identity::Identity;
use crate::settings::{Several, Source};

/// The archives of a run.
pub(crate) struct Archives {
    list: Vec<Listed>,
    several: Several,
}

/// An archive that was looked at.
struct Listed {
    path: PathBuf,
    /// As it is shown.
    name: Arc<str>,
    is: Is,
    /// Its length in bytes; `None` for standard input.
    len: Option<u64>,
    /// What its file was, if it is one.
    identity: Option<Arc<Identity>>,
}

/// What an archive is.
enum Is {
    /// Open: the only one, or a directory, which is listed once.
    Open(Archive),
    /// One among several: it is opened again when its turn comes.
    Closed(Container),
    /// Nothing that can be read.
    Fault(Fault),
}

/// Why nothing of an archive can be read, one among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A word that programs can match.
    pub(crate) reason: &'static str,
    /// A sentence for people.
    pub(crate) detail: String,
}

impl Fault {
    /// The fault of an archive that says so with `error`; `None` where it is the system's.
    fn of(error: &ArchiveError) -> Option<Fault> {
        let reason = match error {
            ArchiveError::NotAnArchive { .. } => "not_an_archive",
            ArchiveError::Unsupported { .. } => "unsupported",
            ArchiveError::Damaged { .. } => "archive_damaged",
            _ => return None,
        };
        let detail = error.to_string();
        Some(Fault { reason, detail })
    }
}

impl Archives {
    /// Looks at all archives. Of several, those that are none are faults, unless all are. What is in the directory
    /// `except`, if one is given, is no member of a directory.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`] when one cannot be opened or looked at, or when nothing of any can be read.
    pub(crate) fn open(sources: &[Source], several: Several, except: Option<&Path>) -> Result<Archives, RunError> {
        let mut first_fault = None;
        let mut list = Vec::with_capacity(sources.len());
        for source in sources {
            let (path, opened) = match source {
                Source::File(path) if path.is_dir() => (path.as_path(), Archive::directory(path, except)),
                Source::File(path) => (path.as_path(), Archive::open(path)),
                Source::StandardInput => (Path::new("-"), Archive::stdin()),
            };
            let name: Arc<str> = display_name(path.as_os_str().as_bytes()).into();
            list.push(match opened {
                Ok(archive) => Listed {
                    path: path.to_owned(),
                    name,
                    len: archive.len(),
                    identity: match archive.file() {
                        Some(file) => Some(Arc::new(Identity::of(path, file)?)),
                        None => None,
                    },
                    is: match several {
                        Several::Yes if archive.file().is_some() => Is::Closed(archive.container()),
                        _ => Is::Open(archive),
                    },
                },
                Err(error) => match Fault::of(&error).filter(|_| several == Several::Yes) {
                    None => return Err(error.into()),
                    Some(fault) => {
                        first_fault.get_or_insert(error);
                        Listed {
                            path: path.to_owned(),
                            name,
                            is: Is::Fault(fault),
                            len: Some(std::fs::metadata(path).map_or(0, |metadata| metadata.len())),
                            identity: None,
                        }
                    }
                },
            });
        }
        match first_fault {
            Some(error) if list.iter().all(|listed| matches!(listed.is, Is::Fault(_))) => Err(error.into()),
            _ => Ok(Archives { list, several }),
        }
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Whether there are several.
    pub(crate) fn several(&self) -> Several {
        self.several
    }

    /// Their length in bytes, all together; `None` for standard input.
    pub(crate) fn len(&self) -> Option<u64> {
        self.list.iter().map(|listed| listed.len).sum()
    }

    /// The length of those in these positions, all together.
    pub(crate) fn len_of(&self, positions: Range<usize>) -> u64 {
        self.list[positions].iter().filter_map(|listed| listed.len).sum()
    }

    /// What the one in this position is called, where there are several.
    pub(crate) fn name(&self, position: usize) -> Option<Arc<str>> {
        let name = &self.list[position].name;
        (self.several == Several::Yes).then(|| Arc::clone(name))
    }

    /// The path of the one in this position.
    pub(crate) fn path(&self, position: usize) -> &Path {
        &self.list[position].path
    }

    /// What the file of the one in this position was, if it is one.
    pub(crate) fn identity(&self, position: usize) -> Option<Arc<Identity>> {
        self.list[position].identity.clone()
    }

    /// Why nothing of the one in this position can be read, if so.
    pub(crate) fn fault(&self, position: usize) -> Option<&Fault> {
        match &self.list[position].is {
            Is::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether any is compressed, and a file.
    pub(crate) fn any_is_compressed(&self) -> bool {
        let containers = self
            .list
            .iter()
            .filter(|listed| listed.len.is_some())
            .filter_map(Listed::container);
        containers
            .into_iter()
            .any(|container| matches!(container, Container::Gzip | Container::Zstd))
    }

    /// Whether any goes through the spool.
    pub(crate) fn any_is_spooled(&self) -> bool {
        self.list.iter().any(|listed| match &listed.is {
            Is::Open(archive) => !archive.is_in_place(),
            Is::Closed(container) => *container != Container::Tar,
            Is::Fault(_) => false,
        })
    }

    /// Whether samples alone count of some of them in the fingerprint.
    pub(crate) fn are_sampled(&self) -> bool {
        let Some(total) = self.len() else { return false };
        self.list.iter().any(|listed| match &listed.is {
            Is::Open(archive) => !archive.is_fingerprint_whole(total),
            Is::Closed(_) => total > Fingerprint::WHOLE,
            Is::Fault(_) => false,
        })
    }

    /// Whether all that is read of them when a run is resumed is compared: the only one is compressed, and read from its
    /// start if it was modified.
    pub(crate) fn are_read_again(&self) -> bool {
        self.only()
            .is_some_and(|only| matches!(only.container(), Container::Gzip | Container::Zstd))
    }

    /// The only one, which is open.
    pub(crate) fn only(&self) -> Option<&Archive> {
        match &self.list[..] {
            [
                Listed {
                    is: Is::Open(archive), ..
                },
            ] => Some(archive),
            _ => None,
        }
    }

    /// The one in this position, opened again if it was closed.
    ///
    /// # Errors
    ///
    /// [`RunError::ArchiveChanged`] where it is another than it was, [`RunError::Archive`] where it cannot be opened.
    pub(crate) fn take(&mut self, position: usize) -> Result<Archive, RunError> {
        let listed = &mut self.list[position];
        let closed = Is::Closed(Container::Tar);
        match std::mem::replace(&mut listed.is, closed) {
            Is::Open(archive) => Ok(archive),
            is => {
                listed.is = is;
                // One that is gone is another, and no error of the system.
                listed.identity.as_ref().map_or(Ok(()), |identity| identity.check())?;
                let archive = Archive::open(&listed.path)?;
                if let (Some(identity), Some(file)) = (&listed.identity, archive.file()) {
                    identity.check_file(file)?;
                }
                Ok(archive)
            }
        }
    }

    /// Keeps one that was taken, and is wanted again.
    pub(crate) fn put_back(&mut self, position: usize, archive: Archive) {
        self.list[position].is = Is::Open(archive);
    }

    /// What tells all of them together from others: lengths and content. `None` for standard input.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`] when one cannot be read.
    pub(crate) fn fingerprint(&self) -> Result<Option<Fingerprint>, RunError> {
        let Some(total) = self.len() else { return Ok(None) };
        if let Some(only) = self.only() {
            return Ok(only.fingerprint()?);
        }
        let mut hash = 0;
        for listed in &self.list {
            let own = match &listed.is {
                Is::Open(archive) => archive.fingerprint_among(total)?,
                Is::Closed(_) => Archive::open(&listed.path)?.fingerprint_among(total)?,
                Is::Fault(_) => None,
            };
            let len = listed.len.unwrap_or(0);
            let own = own.map_or(0, |own| own.hash);
            hash = XxHash3_64::oneshot_with_seed(hash, &[len.to_le_bytes(), own.to_le_bytes()].concat());
        }
        Ok(Some(Fingerprint { len: total, hash }))
    }

    /// When they were modified, in words that can be compared; `None` where nobody knows.
    pub(crate) fn modified(&self) -> Option<String> {
        if let Some(only) = self.only() {
            return only.modified();
        }
        let hash = self.list.iter().fold(0, |before, listed| {
            let modified = match (&listed.is, &listed.identity) {
                (Is::Open(archive), _) => archive.modified(),
                (_, Some(identity)) => Some(identity.modified()),
                (_, None) => None,
            };
            XxHash3_64::oneshot_with_seed(before, modified.unwrap_or_default().as_bytes())
        });
        Some(format!("{hash:016x}"))
    }

    /// A hash of all names, in order.
    pub(crate) fn names(&self) -> u64 {
        let names = self.list.iter().map(|listed| &listed.name);
        names.fold(0, |before, name| XxHash3_64::oneshot_with_seed(before, name.as_bytes()))
    }
}

impl Listed {
    fn container(&self) -> Option<Container> {
        match &self.is {
            Is::Open(archive) => Some(archive.container()),
            Is::Closed(container) => Some(*container),
            Is::Fault(_) => None,
        }
    }
}
