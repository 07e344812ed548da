//! What metadata headers say of the member that follows them.
//!
//! Of several, GNU tar goes by the last GNU long name and by the last PAX header, which replaces those before it, and PAX
//! wins. In Python's tarfile whatever says something first has the last word. No writer makes any that say different
//! things; whoever does wants two readers to see two archives.

use crate::error::{DamageKind, PaxFault};
use crate::tar::METADATA_LIMIT;
use crate::tar::header::until_nul;
use crate::tar::pax::Records;

/// What was said so far.
#[derive(Default)]
pub(crate) struct Metadata {
    /// The last GNU long name.
    long_name: Option<Vec<u8>>,
    /// The records of the last PAX header.
    pax: Records,
    /// The name that was said first.
    first_name: Option<Vec<u8>>,
    /// The size that was said first.
    first_size: Option<u64>,
    /// Whether any PAX header was of a sparse file.
    sparse: bool,
    /// The bytes of all bodies.
    bytes: u64,
    /// Whether there was any that must be followed by a member.
    pub(crate) expects_member: bool,
}

impl Metadata {
    /// Counts the bytes of a body that is to be read.
    pub(crate) fn count(&mut self, size: u64) -> Result<(), DamageKind> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > METADATA_LIMIT {
            return Err(DamageKind::MetadataTooLarge { size: self.bytes });
        }
        Ok(())
    }

    /// A GNU long name, with its padding: GNU tar and tarfile look for its end there too.
    pub(crate) fn add_long_name(&mut self, padded: &[u8]) {
        let name = until_nul(padded).to_vec();
        self.first_name.get_or_insert_with(|| name.clone());
        self.long_name = Some(name);
    }

    /// The body of a PAX header, where global records hold.
    pub(crate) fn add_pax(&mut self, body: &[u8], globals: &Records) -> Result<(), PaxFault> {
        let mut own = Records::default();
        own.read(body)?;
        if self.first_name.is_none() {
            self.first_name = own.path.as_ref().or(globals.path.as_ref()).cloned();
        }
        self.first_size = self.first_size.or(own.size);
        self.sparse |= own.sparse;
        self.pax = own;
        Ok(())
    }

    /// The PAX records that hold for the member: its own, and the global ones behind them; of the size, its own alone.
    pub(crate) fn records(&self, globals: &Records) -> Result<Records, PaxFault> {
        if self.first_size != self.pax.size {
            return Err(PaxFault::TwoSizes);
        }
        let own = self.pax.clone();
        Ok(Records {
            path: own.path.or_else(|| globals.path.clone()),
            size: own.size,
            sparse_name: own.sparse_name,
            sparse: self.sparse,
            continued: own.continued.or_else(|| globals.continued.clone()),
        })
    }

    /// What the member is called that has these records, and such a name in its header.
    pub(crate) fn name(&self, records: &Records, in_header: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let said = records.path.as_ref().or(self.long_name.as_ref());
        said.cloned().unwrap_or_else(in_header)
    }

    /// Whether another name than this one was said first.
    pub(crate) fn has_another_name(&self, name: &[u8]) -> bool {
        self.first_name.as_ref().is_some_and(|first| first != name)
    }
}
