//! The maps that come with tarquet are valid, and their written form says the same.

use std::fs;
use std::path::{Path, PathBuf};

fn maps(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("config/ is there") {
        let path = entry.expect("config/ can be listed").path();
        if path.is_dir() {
            found.extend(maps(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_map_in_config_is_valid() {
    let found = maps(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config")));
    assert!(
        found.iter().any(|path| path.ends_with("config/json_feature_map.yaml")),
        "{found:?}"
    );
    for path in found {
        let text = fs::read_to_string(&path).expect("a readable map");
        let plan = crate::parse(&path.display().to_string(), &text).unwrap_or_else(|errors| panic!("{errors}"));
        let written = plan.to_yaml();
        let read = crate::parse("written", &written).unwrap_or_else(|errors| panic!("{written}\n{errors}"));
        assert_eq!(read.to_yaml(), written);
        assert_eq!(read.trie, plan.trie, "{}", path.display());
    }
}
