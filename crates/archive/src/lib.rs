//! From the bytes of an archive to its members: sniffing, tar walking, decompression, spool.
//!
//! An [`Archive`] is opened by content, never by name. Its [`Walk`] gives the [`Member`]s in archive order and, for
//! those that are wanted, the [`Extent`]s (byte ranges) of the file that [`Walk::source`] hands out. For a plain tar
//! that file is the archive itself; for a compressed one, and for standard input, it is the spool, a file in memory of
//! reused slots, into which the walk decompresses. Whoever reads the extents sees no difference, and gives them back
//! through a [`Releaser`].
//!
//! Files that lie loose in a directory are an archive as well, and go through the spool.
//!
//! A walk over a compressed file can begin in its middle: while it is read, now and then there is a [`SeekPoint`].
//! In zstd there can be one only where a frame starts.
//!
//! Whether an archive is the one that was read before is told by the [`Fingerprint`] of its file and, where it is read
//! in order, by a running hash over what was read: its [`Prefix`].
//!
//! What cannot be located with certainty is refused, never guessed: a member whose bytes are not one plain range has
//! [`MemberKind::Refused`], and where the walk itself cannot go on it ends with [`Damage`] that says at which byte.
//! Everything given before the damage stands.
//!
//! ```no_run
//! use tarquet_archive::{Archive, MemberKind, SpoolOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let archive = Archive::open("searches.tar.gz".as_ref())?;
//! let mut walk = archive.walk(SpoolOptions::default())?;
//! let releaser = walk.releaser();
//! while let Some(member) = walk.next()? {
//!     if member.kind == MemberKind::File {
//!         let extents = walk.locate(&member, &mut |_full| { /* hand on what is held back */ })?;
//!         // … somebody reads these ranges of `walk.source()`, and then:
//!         releaser.release(&extents);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod again;
mod archive;
mod buffered;
mod crew;
mod directory;
mod end;
mod error;
mod fingerprint;
mod gzip;
#[cfg(feature = "fuzzing")]
mod inflaters;
mod marks;
mod member;
mod members;
mod parallel;
mod parts;
#[cfg(any(test, feature = "fuzzing"))]
mod pieces;
mod point;
mod prefix;
mod raw;
#[cfg(test)]
mod reading;
mod seek;
mod sniff;
mod source;
mod spool;
mod stop;
mod stream;
mod tar;
mod walk;
mod zstd;

pub use archive::{Archive, Container};
pub use end::AfterEnd;
pub use error::{ArchiveError, Damage, DamageKind, HeaderFault, PIECE_BYTES, PaxFault, Place, WalkError};
pub use fingerprint::Fingerprint;
#[cfg(feature = "fuzzing")]
pub use inflaters::{Inflated, Ways};
pub use member::{Member, MemberKind, Refusal};
pub use parts::{Part, Parts};
pub use point::Spacing;
pub use prefix::{Prefix, PrefixDiffers, PrefixProbe};
pub use seek::SeekPoint;
pub use sniff::LooksLike;
pub use spool::{DEFAULT_CAPACITY, Extent, Releaser, SLOT_BYTES, Spool, SpoolFull, SpoolOptions};
pub use tar::{GLOBAL_NAME_LIMIT, METADATA_LIMIT};
pub use walk::Walk;
