//! Which crate may depend on which: the layout of ARCHITECTURE.md, held by a test.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every crate and those of ours that it depends on, tests included. What is not here is not allowed.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("tarquet-feature-map", &[]),
    ("tarquet-archive", &[]),
    ("tarquet-dataset", &[]),
    ("tarquet-projection", &["tarquet-feature-map"]),
    ("tarquet-profile", &["tarquet-feature-map", "tarquet-projection"]),
    ("tarquet-wire", &["tarquet-feature-map"]),
    (
        "tarquet-worker",
        &[
            "tarquet-feature-map",
            "tarquet-profile",
            "tarquet-projection",
            "tarquet-wire",
        ],
    ),
    (
        "tarquet-coordinator",
        &[
            "tarquet-archive",
            "tarquet-dataset",
            "tarquet-feature-map",
            "tarquet-wire",
        ],
    ),
    (
        "tarquet",
        &[
            "tarquet-coordinator",
            "tarquet-dataset",
            "tarquet-feature-map",
            "tarquet-profile",
            "tarquet-wire",
            "tarquet-worker",
        ],
    ),
    (
        // Holds the others to their laws; nothing depends on it.
        "tarquet-fuzz",
        &[
            "tarquet-archive",
            "tarquet-coordinator",
            "tarquet-feature-map",
            "tarquet-projection",
            "tarquet-wire",
            "tarquet-worker",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that do no I/O and know nothing of processes may not even depend on what would let them.
const NO_SYSTEM: [&str; 3] = ["tarquet-feature-map", "tarquet-profile", "tarquet-projection"];

/// Crates through which I/O or processes would come in.
const SYSTEM: [&str; 4] = ["nix", "memmap2", "tempfile", "libc"];

/// The packages of the workspace, with the names of all their direct dependencies.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's metadata is JSON");
    let name = |value: &Value| value["name"].as_str().expect("it has a name").to_owned();
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("a list");
            (name(package), dependencies.iter().map(name).collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, on)| (*name, on.iter().copied().collect()))
        .collect();
    let packages = packages();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(
        ours,
        allowed.keys().copied().collect(),
        "every crate of the workspace has its place in the layout"
    );
    for (name, dependencies) in &packages {
        let on: BTreeSet<&str> = dependencies
            .iter()
            .map(String::as_str)
            // A crate may ask for features of its own in its tests.
            .filter(|on| ours.contains(on) && on != name)
            .collect();
        let beyond: Vec<&&str> = on.difference(&allowed[name.as_str()]).collect();
        assert!(
            beyond.is_empty(),
            "{name} may not depend on {beyond:?}; see ARCHITECTURE.md"
        );
    }
}

#[test]
fn pure_crates_have_no_way_to_the_system() {
    for (name, dependencies) in packages() {
        if NO_SYSTEM.contains(&name.as_str()) {
            let found: Vec<&str> = SYSTEM
                .into_iter()
                .filter(|system| dependencies.contains(*system))
                .collect();
            assert!(found.is_empty(), "{name} does no I/O, so it needs no {found:?}");
        }
    }
}
