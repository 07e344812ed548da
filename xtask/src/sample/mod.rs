//! Sample archives of the reference data's shape, the same to the byte wherever and whenever they are made.

mod flight;
mod itinerary;
mod json;
mod pricing;
mod rng;
mod time;
mod tiny;
mod vocabulary;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The time of every member: 2024-05-17T00:00:00Z, in seconds since 1970.
const MTIME: u64 = 1_715_904_000;

/// What decides every byte of a sample archive before compression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    /// How many documents.
    pub(crate) documents: u64,
    /// What they look like.
    pub(crate) shape: Shape,
    /// What the random numbers start from.
    pub(crate) seed: u64,
}

/// What the documents of an archive look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Flight searches, as in the reference data.
    Flights {
        /// The mean of the lognormal distribution of the number of offers; every document has at least one.
        mean_offers: f64,
    },
    /// Single prices, a few hundred bytes each.
    Tiny,
}

/// A document and the name that its member has in the archive.
#[derive(Debug)]
struct Document {
    /// `raw/<id>.json`.
    member: String,
    /// Compact JSON on one line.
    text: String,
}

/// The archive that is kept in the repository, `examples/flights.tar.kaggle`.
pub(crate) const EXAMPLE: Recipe = Recipe {
    documents: 300,
    shape: Shape::Flights { mean_offers: 3.0 },
    seed: 2025,
};

impl Recipe {
    /// Makes the document at position `index`.
    fn document(&self, index: u64) -> Document {
        match self.shape {
            Shape::Flights { mean_offers } => flight::document(self.seed, index, mean_offers),
            Shape::Tiny => tiny::document(self.seed, index),
        }
    }
}

/// What a written archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes of all documents, without tar headers and padding.
    pub(crate) document_bytes: u64,
    /// Bytes of the largest document.
    pub(crate) largest_document: u64,
}

/// Writes the archive of `recipe` to `out`, compressed with gzip where `gzip` says so.
pub(crate) fn write_file(recipe: &Recipe, out: &Path, gzip: bool) -> Result<Written> {
    let file = File::create(out).with_context(|| format!("cannot create {}", out.display()))?;
    let writing = || format!("cannot write {}", out.display());
    if gzip {
        // The default header has no time and no name, so it is the same whenever it is made.
        let mut encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
        let written = write_tar(recipe, &mut encoder).with_context(writing)?;
        encoder
            .finish()
            .and_then(|mut buffered| buffered.flush())
            .with_context(writing)?;
        Ok(written)
    } else {
        let mut buffered = BufWriter::with_capacity(1 << 20, file);
        let written = write_tar(recipe, &mut buffered).with_context(writing)?;
        buffered.flush().with_context(writing)?;
        Ok(written)
    }
}

/// Whether the name of an archive says that it is compressed with gzip.
pub(crate) fn is_gzip_name(name: &Path) -> bool {
    let name = name.to_string_lossy();
    [".gz", ".tgz", ".tar.kaggle"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Compares `archive`, decompressed where it is gzip, with what `recipe` gives now.
///
/// # Errors
///
/// Where they differ, and where the archive cannot be read.
pub(crate) fn check_file(recipe: &Recipe, archive: &Path) -> Result<()> {
    let reading = || format!("cannot read {}", archive.display());
    let mut file = BufReader::new(File::open(archive).with_context(reading)?);
    let mut kept = Vec::new();
    if is_gzip_name(archive) {
        GzDecoder::new(file).read_to_end(&mut kept).with_context(reading)?;
    } else {
        file.read_to_end(&mut kept).with_context(reading)?;
    }
    let mut made = Vec::with_capacity(kept.len());
    write_tar(recipe, &mut made)?;
    let same = kept.iter().zip(&made).take_while(|(kept, made)| kept == made).count();
    ensure!(
        kept.len() == made.len() && same == made.len(),
        "{} is not what its recipe gives now: {} bytes against {}, the first difference at byte {same}; \
         if the change is meant, make it again with `cargo xtask sample --example`",
        archive.display(),
        kept.len(),
        made.len(),
    );
    Ok(())
}

fn write_tar(recipe: &Recipe, out: &mut impl Write) -> io::Result<Written> {
    let mut archive = tar::Builder::new(out);
    let mut written = Written {
        document_bytes: 0,
        largest_document: 0,
    };
    for index in 0..recipe.documents {
        let Document { member, text } = recipe.document(index);
        let size = text.len() as u64;
        archive.append_data(&mut header(size), &member, text.as_bytes())?;
        written.document_bytes += size;
        written.largest_document = written.largest_document.max(size);
    }
    archive.finish()?;
    Ok(written)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests;
