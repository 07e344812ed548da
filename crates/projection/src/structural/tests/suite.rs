//! The files of the JSON test suite (Seriot, "Parsing JSON is a Minefield", 2016) under every lens, at all offsets in a
//! word and at those around a row's end.

use std::fs;

use super::{EVERYTHING, judges_of};

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/corpora/json-testsuite/test_parsing"
);

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn the_json_test_suite() {
    let Ok(files) = fs::read_dir(FOLDER) else {
        eprintln!("skipped: there is no {FOLDER}");
        return;
    };
    let mut judges = judges_of(EVERYTHING);
    for file in files {
        let path = file.expect("the folder can be read").path();
        let name = path
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read(&path).expect("the file can be read");
        let valid = judges.check(&text);
        match name.as_bytes()[0] {
            b'y' => assert!(valid, "{name}"),
            b'n' => assert!(!valid, "{name}"),
            _ => {}
        }
        for offset in (1..64).chain(505..520) {
            judges.check(&[&vec![b' '; offset], &text[..]].concat());
        }
    }
}
