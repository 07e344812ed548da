//! Why a document gives no rows.

use std::fmt;

use thiserror::Error;

/// Why a document gives no rows. Whatever the engine, the same document fails with the same error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}{}", At(*offset))]
pub struct DocumentError {
    /// What is wrong, as one of few words.
    pub kind: DocumentErrorKind,
    /// For a document that is not valid JSON: the position, in bytes from its start, of the first byte that cannot
    /// continue a valid document; the document's length where it is cut short.
    pub offset: Option<u64>,
    /// What is wrong, in a sentence.
    pub detail: String,
}

/// The part of the message that tells the place.
struct At(Option<u64>);

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |offset| write!(out, " (at byte {offset})"))
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentErrorKind {
    /// It is not JSON (RFC 8259).
    Syntax,
    /// It is the beginning of a JSON document.
    Truncated,
    /// It is not UTF-8.
    Utf8,
    /// It nests deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    Depth,
    /// Its rows exceed [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES), or it is itself 4 GiB or more.
    TooLarge,
    /// An id is missing, null or does not fit its type.
    Id,
    /// It has no bytes, or nothing but white space.
    Empty,
}

impl DocumentErrorKind {
    /// The word for it in `failed.log`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Truncated => "truncated",
            Self::Utf8 => "utf8",
            Self::Depth => "depth",
            Self::TooLarge => "too_large",
            Self::Id => "id",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for DocumentErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl DocumentError {
    /// An error at a byte of the document.
    pub(crate) fn at(kind: DocumentErrorKind, offset: usize, detail: impl Into<String>) -> Self {
        Self {
            kind,
            offset: Some(offset as u64),
            detail: detail.into(),
        }
    }

    /// An error of the document as a whole.
    pub(crate) fn whole(kind: DocumentErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            offset: None,
            detail: detail.into(),
        }
    }
}
