//! Which lens the machine has.
#![expect(
    unsafe_code,
    reason = "functions for processors that have more than the least are called after a look at the processor"
)]

use super::index::Index;
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
    Portable(Portable),
}

/// The variable that asks for a lens by its name, for tests.
const VARIABLE: &str = "TARQUET_SIMD";

impl Width {
    /// The widest that the machine has, or the one that `TARQUET_SIMD` names, if it has that.
    pub(super) fn chosen() -> Self {
        let asked = std::env::var(VARIABLE).unwrap_or_default();
        Self::all()
            .into_iter()
            .find(|width| asked.is_empty() || width.name() == asked)
            .unwrap_or(Self::Portable(Portable))
    }

    /// All that the machine has, widest first.
    fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [Avx512::new().map(Self::Avx512), Avx2::new().map(Self::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter().flatten().chain([Self::Portable(Portable)]).collect()
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            Self::Portable(_) => "portable",
        }
    }

    /// Makes the index of `text`, unless it is not valid, or is no array and no object.
    pub(super) fn build(self, index: &mut Index, text: &[u8]) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: there is an `Avx512` only where the processor has what the function asks for.
            Self::Avx512(lens) => unsafe { build_avx512(index, lens, text) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: there is an `Avx2` only where the processor has what the function asks for.
            Self::Avx2(lens) => unsafe { build_avx2(index, lens, text) },
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
