//! What a file is, told by content; and what is said when it is no archive.

use std::path::Path;

use tarquet_archive::{Archive, ArchiveError, Container, LooksLike};

use crate::build::{Header, Tar};
use crate::support::{Scratch, gzip, noise};

fn tar() -> Vec<u8> {
    let mut tar = Tar {
        bytes: Header::new(b'0').put(0, b"a.json").octal(0).finish(false).to_vec(),
        ..Tar::default()
    };
    tar.end(2);
    tar.bytes
}

#[test]
fn containers_are_told_by_content() {
    let scratch = Scratch::new();
    let cases = [
        ("a.json", tar(), Container::Tar),
        ("a.tar.kaggle", gzip(&tar()), Container::Gzip),
    ];
    for (name, bytes, container) in cases {
        let archive = Archive::open(&scratch.file(name, &bytes)).expect("an archive");
        assert_eq!(
            (archive.container(), archive.len()),
            (container, Some(bytes.len() as u64))
        );
    }
}

#[test]
fn other_content_is_told_by_name() {
    let known = |format| LooksLike::Known { format, advice: "" };
    let gzipped = |inner| LooksLike::Gzipped(Box::new(inner));
    let random = noise(2000);
    let cases: Vec<(Vec<u8>, LooksLike)> = vec![
        (b"".to_vec(), LooksLike::Empty),
        (b"  {\"a\": 1}\n".to_vec(), LooksLike::Json),
        (b"\xEF\xBB\xBF[1]".to_vec(), LooksLike::Json),
        ("[\"é\"]".repeat(200).into_bytes(), LooksLike::Json),
        (b"name,price\r\n".to_vec(), LooksLike::Text),
        (random.clone(), LooksLike::Binary),
        (vec![0; 100], LooksLike::Binary),
        (b"PK\x03\x04rest".to_vec(), known("a zip archive")),
        (b"BZh91AY".to_vec(), known("bzip2")),
        (b"\xFD7zXZ\0".to_vec(), known("xz")),
        (b"PAR1...".to_vec(), known("a Parquet file")),
        (gzip(b"{\"a\": 1}"), gzipped(LooksLike::Json)),
        (gzip(b"some text"), gzipped(LooksLike::Text)),
        (gzip(b""), gzipped(LooksLike::Empty)),
        (gzip(&random), gzipped(LooksLike::Binary)),
        (gzip(&gzip(&tar())), gzipped(known("gzip again"))),
        (gzip(b"\x28\xB5\x2F\xFD rest"), gzipped(known("zstd"))),
    ];
    let scratch = Scratch::new();
    for (bytes, expected) in cases {
        match Archive::open(&scratch.file("file.tar", &bytes)) {
            Err(ArchiveError::NotAnArchive { looks_like, .. }) => {
                assert_eq!(looks_like.to_string(), expected.to_string());
                assert!(!looks_like.advice().is_empty());
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn zstd_is_told_and_refused() {
    let scratch = Scratch::new();
    for bytes in [
        b"\x28\xB5\x2F\xFD\x24\x00\x01\x00\x00",
        b"\x5A\x2A\x4D\x18\x00\x00\x00\x00\x00",
    ] {
        let error = Archive::open(&scratch.file("a.tar", bytes)).expect_err("zstd cannot be read yet");
        assert!(
            matches!(error, ArchiveError::Unsupported { format: "zstd", .. }),
            "{error}"
        );
    }
}

#[test]
fn a_header_with_a_wrong_checksum_is_no_tar() {
    let mut bytes = tar();
    bytes[0] ^= 1;
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let error = Archive::open(&Scratch::new().file("a.tar", &bytes)).expect_err("not a tar");
        assert!(matches!(error, ArchiveError::NotAnArchive { .. }), "{error}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let scratch = Scratch::new();
    let missing = Archive::open(&scratch.path().join("missing.tar")).expect_err("nothing there");
    assert!(
        missing.to_string().contains("missing.tar") && missing.to_string().contains("No such file"),
        "{missing}"
    );
    let directory = Archive::open(scratch.path()).expect_err("a directory");
    assert!(matches!(directory, ArchiveError::Directory { .. }), "{directory}");
    let device = Archive::open(Path::new("/dev/null")).expect_err("a device");
    assert!(matches!(device, ArchiveError::NotRegular { .. }), "{device}");
}

#[test]
fn messages_say_what_and_what_to_do() {
    let scratch = Scratch::new();
    let message = |bytes: &[u8]| {
        let error = Archive::open(&scratch.file("x", bytes)).expect_err("no archive");
        error
            .to_string()
            .replace(&scratch.path().join("x").display().to_string(), "FILE")
    };
    let cases: &[(&[u8], &str)] = &[
        (
            b"",
            "FILE is not a tar archive: it looks like an empty file; was it downloaded whole?",
        ),
        (
            b"{}",
            "FILE is not a tar archive: it looks like JSON text; pack the files into one first: \
             tar -cf ARCHIVE.tar FILES",
        ),
        (
            b"PK\x03\x04",
            "FILE is not a tar archive: it looks like a zip archive; unpack it and pack it again: \
             tar -cf ARCHIVE.tar DIRECTORY",
        ),
        (
            &gzip(b"{}"),
            "FILE is not a tar archive: it looks like gzip around JSON text; decompress it and pack it first: \
             tar -czf ARCHIVE.tar.gz FILES",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(bytes), *expected);
    }
}
