//! How a lens is asked for.

use std::ffi::OsStr;

use crate::structural::width::Width;

#[test]
fn a_lens_is_found_by_its_name_and_no_other_is_taken_for_it() {
    let named = |name: &str| Width::named(OsStr::new(name)).map(Width::name);
    let all: Vec<&str> = Width::all().into_iter().map(Width::name).collect();
    for name in &all {
        assert_eq!(named(name), Ok(*name));
    }
    assert_eq!(named(""), Ok(all[0]), "the widest");
    for unknown in ["avx", "AVX2", "portable ", "sve"] {
        let error = named(unknown).expect_err("no such lens").to_string();
        assert!(
            error.contains(&format!("`{unknown}`")) && error.contains(&all.join(", ")),
            "{error}"
        );
    }
}

/// What a machine is known to have is found on it.
#[test]
fn the_portable_lens_is_everywhere_and_last() {
    assert_eq!(Width::all().last().map(|width| width.name()), Some("portable"));
    #[cfg(target_arch = "aarch64")]
    assert_eq!(Width::all()[0].name(), "neon");
}
