//! The Landlock domain of a worker: every right that there is is governed, and none is given.
//!
//! What was open before stays open. See <https://docs.kernel.org/userspace-api/landlock.html>.
#![expect(
    unsafe_code,
    reason = "the version of Landlock is only had by a system call of its own"
)]

use std::io;
use std::ptr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};

use super::Lack;

/// The first version that governs all that is asked of it: files (1 to 3), TCP (4), signals and abstract sockets (6).
pub(super) const ABI_IN_FULL: u32 = ABI::V6 as u32;

/// The last version whose rights are known here. What a kernel does not have of it is left out.
const NEWEST: ABI = ABI::V10;

/// `LANDLOCK_CREATE_RULESET_VERSION`: the call gives the version, and makes nothing.
const VERSION: u32 = 1;

/// Whether there is all of Landlock that is wanted.
pub(super) fn check() -> Result<(), Lack> {
    match version()? {
        abi if abi >= ABI_IN_FULL => Ok(()),
        abi => Err(Lack::OldLandlock(abi)),
    }
}

/// Enters a domain without any right, and gives the version of Landlock that holds it.
pub(super) fn enter() -> Result<u32, Lack> {
    // Asked first for the system's own word, which the ruleset does not pass on.
    version()?;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) | (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => {
            Err(Lack::Landlock(io::ErrorKind::Unsupported.into()))
        }
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as u32),
    }
}

/// The version of Landlock that this kernel has.
fn version() -> Result<u32, Lack> {
    // SAFETY: without a ruleset, and with this flag, the call reads no memory and changes nothing.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(version).map_err(|_| Lack::Landlock(io::Error::last_os_error()))
}
