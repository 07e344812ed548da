//! Which lens the machine has.
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(
        unsafe_code,
        reason = "functions for processors that have more than the least are called after a look at the processor"
    )
)]

use std::ffi::OsStr;

use thiserror::Error;

use super::index::Index;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// A lens that the machine has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

/// The variable that asks for a lens by its name, for tests.
const VARIABLE: &str = "TARQUET_SIMD";

/// `TARQUET_SIMD` asks for vector instructions that this machine or this program does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{VARIABLE} asks for `{asked}`, which this machine does not have: set it to one of {there}; or unset it, for the first of these"
)]
pub struct UnavailableSimd {
    asked: String,
    there: String,
}

/// The vector instructions that are used: `avx512`, `avx2`, `neon`, or `portable` for none. The environment variable
/// `TARQUET_SIMD` may ask for one of these; where it is not set or empty, they are the widest that this machine has.
///
/// # Errors
///
/// When the variable asks for something else, or for what the machine does not have.
pub fn simd() -> Result<&'static str, UnavailableSimd> {
    Width::chosen().map(Width::name)
}

impl Width {
    /// The widest that the machine has, or the one that `TARQUET_SIMD` names.
    pub(super) fn chosen() -> Result<Self, UnavailableSimd> {
        Self::named(&std::env::var_os(VARIABLE).unwrap_or_default())
    }

    /// The one of this name; the widest where that is empty.
    pub(super) fn named(name: &OsStr) -> Result<Self, UnavailableSimd> {
        let all = Self::all();
        let there: Vec<&str> = all.iter().map(|width| width.name()).collect();
        let found = all.iter().find(|width| name.is_empty() || name == width.name());
        found.copied().ok_or_else(|| UnavailableSimd {
            asked: name.to_string_lossy().into_owned(),
            there: there.join(", "),
        })
    }

    /// All that the machine has, widest first.
    pub(super) fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [Avx512::new().map(Self::Avx512), Avx2::new().map(Self::Avx2)];
        #[cfg(target_arch = "aarch64")]
        let wide = [Neon::new().map(Self::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter().flatten().chain([Self::Portable(Portable)]).collect()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            Self::Portable(_) => "portable",
        }
    }

    /// Makes the index of `text`, unless it is not valid, is no array and no object, nests too deep, or has too many brackets.
    pub(super) fn build(self, index: &mut Index, text: &[u8]) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: there is an `Avx512` only where the processor has what the function asks for.
            Self::Avx512(lens) => unsafe { build_avx512(index, lens, text) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: there is an `Avx2` only where the processor has what the function asks for.
            Self::Avx2(lens) => unsafe { build_avx2(index, lens, text) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: there is a `Neon` only where the processor has what the function asks for.
            Self::Neon(lens) => unsafe { build_neon(index, lens, text) },
            Self::Portable(lens) => index.build(lens, text),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512vbmi2,gfni,vpclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn build_avx512(index: &mut Index, lens: Avx512, text: &[u8]) -> bool {
    index.build(lens, text)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn build_avx2(index: &mut Index, lens: Avx2, text: &[u8]) -> bool {
    index.build(lens, text)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn build_neon(index: &mut Index, lens: Neon, text: &[u8]) -> bool {
    index.build(lens, text)
}
