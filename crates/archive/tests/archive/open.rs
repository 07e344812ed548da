//! What a file is, told by content; and what is said when it is no archive.

use std::path::Path;

use tarquet_archive::{Archive, ArchiveError, Container, LooksLike};

use crate::build::{Header, Tar};
use crate::support::{Scratch, gzip, noise, zstd};

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
        ("a.tar.gz", zstd(&tar()), Container::Zstd),
        (
            "b.tar",
            [&b"\x5A\x2A\x4D\x18\x01\0\0\0x"[..], &zstd(&tar())].concat(),
            Container::Zstd,
        ),
    ];
    for (name, bytes, container) in cases {
        let archive = Archive::open(&scratch.file(name, &bytes)).expect("an archive");
        assert_eq!(
            (archive.container(), archive.len()),
            (container, Some(bytes.len() as u64))
        );
    }
}

/// A name may begin as compressed data does, in a tar of its own and in one that is compressed.
#[test]
fn a_right_header_is_a_tar_whatever_its_name_begins_with() {
    let scratch = Scratch::new();
    for name in [
        &b"\x1F\x8B\x08.json"[..],
        b"\x28\xB5\x2F\xFD.json",
        b"\x50\x2A\x4D\x18.json",
    ] {
        let mut tar = Tar {
            bytes: Header::new(b'0').put(0, name).octal(0).finish(false).to_vec(),
            ..Tar::default()
        };
        tar.end(2);
        let containers = [
            (tar.bytes.clone(), Container::Tar),
            (gzip(&tar.bytes), Container::Gzip),
            (zstd(&tar.bytes), Container::Zstd),
        ];
        for (bytes, container) in containers {
            let archive = Archive::open(&scratch.file("a.tar", &bytes)).expect("an archive");
            assert_eq!(archive.container(), container, "{}", name.escape_ascii());
        }
    }
}

/// Two readers would see two archives in it.
#[test]
fn what_is_a_tar_and_compressed_around_a_tar_is_refused() {
    let scratch = Scratch::new();
    // A skippable frame that reaches to the end of a header block, as that of gzip's extra field can.
    let start = [&b"\x50\x2A\x4D\x18"[..], &(512_u32 - 8).to_le_bytes()].concat();
    let header = Header::new(b'0').put(0, &start).octal(0).finish(false);
    let path = scratch.file("a.tar", &[&header[..], &zstd(&tar())].concat());
    let error = Archive::open(&path).expect_err("one of two archives");
    assert_eq!(
        error.to_string().replace(&path.display().to_string(), "FILE"),
        "FILE is not a tar archive: it looks like a tar and a compressed tar at once; check that this is the right file"
    );
}

#[test]
fn other_content_is_told_by_name() {
    let known = |format| LooksLike::Known { format, advice: "" };
    let compressed = |with, inner| LooksLike::Compressed {
        with,
        inner: Box::new(inner),
    };
    let gzipped = |inner| compressed(Container::Gzip, inner);
    let in_zstd = |inner| compressed(Container::Zstd, inner);
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
        (zstd(b"{\"a\": 1}"), in_zstd(LooksLike::Json)),
        (zstd(b""), in_zstd(LooksLike::Empty)),
        (zstd(&zstd(&tar())), in_zstd(known("zstd again"))),
        (zstd(&gzip(&tar())), in_zstd(known("gzip"))),
        // A skippable frame and nothing else.
        (b"\x50\x2A\x4D\x18\0\0\0\0".to_vec(), in_zstd(LooksLike::Empty)),
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

/// Nothing is wrong with these, and what they need is not given to them.
#[test]
fn zstd_that_needs_too_much_is_refused_with_what_to_do() {
    let scratch = Scratch::new();
    let cases: [(&[u8], &str); 2] = [
        (
            b"\x28\xB5\x2F\xFD\0\xA8\x01\0\0",
            "FILE cannot be read: a zstd frame needs a window of 2147483648 bytes, and no more than 128 MiB are held \
             for one; compress it again with a smaller one: zstd -dc --long=31 FILE | zstd -o NEW",
        ),
        (
            b"\x28\xB5\x2F\xFD\x21\x07\0\x01\0\0",
            "FILE cannot be read: a zstd frame needs the dictionary 7, which is not in the archive; compress it \
             again without one: zstd -dc -D DICTIONARY FILE | zstd -o NEW",
        ),
    ];
    for (bytes, expected) in cases {
        let path = scratch.file("a.tar", bytes);
        let error = Archive::open(&path).expect_err("it needs too much");
        assert!(matches!(error, ArchiveError::Unsupported { .. }), "{error:?}");
        assert_eq!(error.to_string().replace(&path.display().to_string(), "FILE"), expected);
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
            "FILE is not a tar archive: it looks like JSON text; pack the files into one first \
             (tar -cf ARCHIVE.tar FILES), or give the directory that they are in",
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
        (
            &gzip(&zstd(&tar())),
            "FILE is not a tar archive: it looks like gzip around zstd; decompress it once first: gzip -dc FILE > INNER",
        ),
        (
            &zstd(b"PK\x03\x04rest"),
            "FILE is not a tar archive: it looks like zstd around a zip archive; decompress it once first: \
             zstd -dc FILE > INNER",
        ),
        (
            &gzip(b"PAR1rest"),
            "FILE is not a tar archive: it looks like gzip around a Parquet file; check that this is the right file",
        ),
        (
            &zstd(b"{}"),
            "FILE is not a tar archive: it looks like zstd around JSON text; decompress it and pack it first: \
             tar --zstd -cf ARCHIVE.tar.zst FILES",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(bytes), *expected);
    }
}
