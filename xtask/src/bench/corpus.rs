//! The archives to measure with. They are made once and kept in `bench/`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::sample::{self, Recipe, Shape};

/// The seed of all archives.
const SEED: u64 = 7;

/// What an archive is made from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Corpus {
    recipe: Recipe,
    gzip: bool,
}

/// An archive as it lies there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Archive {
    /// Where.
    pub(crate) path: PathBuf,
    /// How many documents it has.
    pub(crate) documents: u64,
    /// The file's size in bytes.
    pub(crate) file_bytes: u64,
    /// The size of the tar in bytes: that of the file, unless it is compressed.
    pub(crate) tar_bytes: u64,
    /// The size of the largest document in bytes.
    pub(crate) largest_document: u64,
}

impl Corpus {
    /// Flight searches of about half a megabyte.
    pub(crate) fn large() -> Self {
        Self::plain(1_500, Shape::Flights { mean_offers: 110.0 })
    }

    /// The first of the large ones: 14 MB, which is more tasks than 8 workers take at once.
    pub(crate) fn few() -> Self {
        Self::large().scaled(0.02)
    }

    /// Flight searches of about 6 kB.
    pub(crate) fn small() -> Self {
        Self::plain(60_000, Shape::Flights { mean_offers: 0.7 })
    }

    /// Prices of about 300 bytes.
    pub(crate) fn tiny(documents: u64) -> Self {
        Self::plain(documents, Shape::Tiny)
    }

    fn plain(documents: u64, shape: Shape) -> Self {
        let recipe = Recipe {
            documents,
            shape,
            seed: SEED,
        };
        Self { recipe, gzip: false }
    }

    /// The same, compressed.
    pub(crate) fn gzip(self) -> Self {
        Self { gzip: true, ..self }
    }

    /// The same of only a `fraction` of its documents, but at least one.
    pub(crate) fn scaled(mut self, fraction: f64) -> Self {
        self.recipe.documents = ((self.recipe.documents as f64 * fraction) as u64).max(1);
        self
    }

    /// The recipe is in the name, so that an archive of another recipe is never taken for it.
    fn file_name(&self) -> String {
        let Recipe { documents, shape, seed } = self.recipe;
        let name = match shape {
            Shape::Flights { mean_offers } if mean_offers > 10.0 => format!("flights-{documents}-{mean_offers}-{seed}"),
            Shape::Flights { mean_offers } => format!("small-{documents}-{mean_offers}-{seed}"),
            Shape::Tiny => format!("tiny-{documents}-{seed}"),
        };
        format!("{name}.tar{}", if self.gzip { ".gz" } else { "" })
    }

    /// Makes the archive in `directory` where it is not there yet, and reads it into the page cache.
    ///
    /// # Errors
    ///
    /// Where it cannot be written or read.
    pub(crate) fn prepare(&self, directory: &Path) -> Result<Archive> {
        let path = directory.join(self.file_name());
        if self.gzip {
            let plain = Self {
                gzip: false,
                ..self.clone()
            }
            .prepare(directory)?;
            make(&path, |unfinished| compress(&plain.path, unfinished))?;
            let file_bytes = io::copy(&mut File::open(&path)?, &mut io::sink())?;
            return Ok(Archive {
                path,
                file_bytes,
                ..plain
            });
        }
        make(&path, |unfinished| {
            sample::write_file(&self.recipe, unfinished, false).map(|_| ())
        })?;
        let tar_bytes = fs::metadata(&path)?.len();
        Ok(Archive {
            documents: self.recipe.documents,
            file_bytes: tar_bytes,
            tar_bytes,
            largest_document: largest_document(&path)?,
            path,
        })
    }
}

/// Makes the file at `path` under another name first, so that one that is there is whole.
fn make(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if !path.exists() {
        let unfinished = path.with_added_extension("unfinished");
        write(&unfinished)?;
        fs::rename(&unfinished, path)?;
    }
    Ok(())
}

fn compress(from: &Path, to: &Path) -> Result<()> {
    let mut encoder = GzEncoder::new(BufWriter::new(File::create(to)?), Compression::default());
    io::copy(&mut BufReader::with_capacity(1 << 20, File::open(from)?), &mut encoder)?;
    encoder.finish()?.flush()?;
    Ok(())
}

/// The size of the largest member of a tar, all of which is read.
fn largest_document(tar: &Path) -> Result<u64> {
    let reading = || format!("cannot read {}", tar.display());
    let file = BufReader::with_capacity(1 << 20, File::open(tar).with_context(reading)?);
    let mut archive = tar::Archive::new(file);
    let mut largest = 0;
    for entry in archive.entries().with_context(reading)? {
        largest = largest.max(entry.with_context(reading)?.size());
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn names_tell_recipes_apart() {
        let corpora = [
            (Corpus::large(), "flights-1500-110-7.tar"),
            (Corpus::small(), "small-60000-0.7-7.tar"),
            (Corpus::small().gzip(), "small-60000-0.7-7.tar.gz"),
            (Corpus::large().scaled(0.01), "flights-15-110-7.tar"),
            (Corpus::few(), "flights-30-110-7.tar"),
            (Corpus::tiny(1_000).scaled(1e-9), "tiny-1-7.tar"),
        ];
        for (corpus, name) in corpora {
            assert_eq!(corpus.file_name(), name);
        }
    }

    #[test]
    fn an_archive_is_what_it_says_and_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let plain = Corpus::tiny(20).prepare(directory.path()).unwrap();
        let compressed = Corpus::tiny(20).gzip().prepare(directory.path()).unwrap();
        assert_eq!(plain.documents, 20);
        assert!((200..400).contains(&plain.largest_document), "{plain:?}");
        assert_eq!(compressed.tar_bytes, plain.file_bytes);
        assert!(compressed.file_bytes < plain.file_bytes);
        let mut inflated = Vec::new();
        io::copy(
            &mut GzDecoder::new(File::open(&compressed.path).unwrap()),
            &mut inflated,
        )
        .unwrap();
        assert_eq!(inflated, fs::read(&plain.path).unwrap());
        let made = fs::metadata(&plain.path).unwrap().modified().unwrap();
        assert_eq!(Corpus::tiny(20).prepare(directory.path()).unwrap(), plain);
        assert_eq!(fs::metadata(&plain.path).unwrap().modified().unwrap(), made);
    }
}
