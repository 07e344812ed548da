//! What a document is that is no JSON, where that can be told for sure.

use tarquet_projection::DocumentErrorKind;

use crate::inflate::Format;

/// A tar header's length in bytes.
const HEADER: usize = 512;

/// Where in the header its checksum is (POSIX.1-2017, pax, "ustar Interchange Format").
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// What `document` is, and what is to be done, if it is something else than a document that is broken.
///
/// It is asked for only behind a parser that refused the document with `kind`, so no JSON is ever taken for anything else,
/// and documents that are read cost nothing.
pub(crate) fn named(document: &[u8], kind: DocumentErrorKind) -> Option<String> {
    match kind {
        DocumentErrorKind::Id | DocumentErrorKind::TooLarge | DocumentErrorKind::Empty => None,
        _ if is_tar(document) => {
            Some("it is a tar archive itself: give it to --tar-path, or unpack it into the archive".to_owned())
        }
        _ => Format::of(document)
            .map(|format| format!("what it inflates to is compressed again, with {format}: compress it once")),
    }
}

/// Whether a tar's first header is here: one whose checksum is right, as every tar since the seventh Unix has it.
fn is_tar(document: &[u8]) -> bool {
    let Some((header, _)) = document.split_at_checked(HEADER) else {
        return false;
    };
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u32::from(if CHECKSUM.contains(&at) { b' ' } else { *byte }))
        .sum();
    let field = header[CHECKSUM].trim_ascii_start();
    let digits = field.iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
    let stated = digits.fold(0, |number, digit| number * 8 + u32::from(digit - b'0'));
    stated == sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(checksum: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 1024];
        header[..6].copy_from_slice(b"a.json");
        header[100..107].copy_from_slice(b"0000644");
        header[CHECKSUM.start..CHECKSUM.start + checksum.len()].copy_from_slice(checksum);
        header
    }

    #[test]
    fn a_tar_is_known_by_its_checksum_alone() {
        // The sum of "a.json" and "0000644", and of eight spaces for itself.
        let sum: u32 = b"a.json0000644".iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
        for checksum in [format!("{sum:06o}\0 "), format!("{sum:o} "), format!("  {sum:o}\0 ")] {
            assert!(is_tar(&header(checksum.as_bytes())), "{checksum:?}");
        }
        let others: [Vec<u8>; 4] = [
            header(format!("{:06o}\0 ", sum + 1).as_bytes()),
            header(b""),
            vec![0; 1024],
            header(format!("{sum:06o}\0 ").as_bytes())[..HEADER - 1].to_vec(),
        ];
        for other in &others {
            assert!(!is_tar(other), "{:?}", &other[CHECKSUM]);
        }
    }

    #[test]
    fn only_what_is_no_json_is_called_something_else() {
        let gzip = b"\x1f\x8b\x08";
        assert!(named(gzip, DocumentErrorKind::Syntax).unwrap().contains("gzip"));
        assert_eq!(named(gzip, DocumentErrorKind::Id), None);
        assert_eq!(named(b"{", DocumentErrorKind::Truncated), None);
    }
}
