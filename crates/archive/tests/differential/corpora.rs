//! The archives of other projects.

use std::fs;
use std::path::{Path, PathBuf};

use crate::differences::DIFFERENCES;
use crate::law::compare;
use crate::readers::{are_there, by_python};
use crate::{corpora_folder, say};

/// The corpora in which there may be archives.
const FOLDERS: [&str; 5] = [
    "tar-rs",
    "astral-tokio-tar",
    "go-archive-tar",
    "cpython-tarfile",
    "flate2",
];

/// Every file of the corpora, by its path below them. None where they are not beside the checkout.
pub(crate) fn files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(corpora_folder().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("a readable folder");
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if !entry.file_name().to_string_lossy().starts_with("LICENSE") {
                files.push(path.to_str().expect("a UTF-8 path").to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_archives_of_other_projects_are_read_as_others_read_them() {
    let files = files();
    if files.is_empty() {
        return say("skipped: the reference archives are not beside the checkout");
    }
    if !are_there() {
        return;
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| corpora_folder().join(file)).collect();
    let mut found = Vec::new();
    for ((file, path), python) in files.iter().zip(&paths).zip(by_python(&paths)) {
        let lines = compare(path, &python).unwrap_or_else(|broken| panic!("{file}: {broken}"));
        if !lines.is_empty() {
            say(&format!("{file}:\n    {}", lines.join("\n    ")));
            found.push((file.as_str(), lines));
        }
    }
    let expected: Vec<_> = DIFFERENCES
        .iter()
        .map(|(file, lines)| (*file, lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(found, expected);
}

/// Each refusal is one that the page gives a row: by its code, or by the words of its message.
#[test]
fn the_page_has_a_reason_for_each_difference() {
    let page = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md"));
    let page = fs::read_to_string(page).expect("the page is there");
    let words: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|words| words.len() > 3)
        .collect();
    let lines = DIFFERENCES.iter().flat_map(|(_, lines)| *lines);
    for line in lines.filter(|line| !line.starts_with("as ")) {
        let has_a_row = words.iter().any(|words| line.contains(words));
        assert!(has_a_row, "docs/formats.md says nothing of: {line}");
    }
}
