//! Partition directories as Hive names them.

/// The partition column.
const PARTITION_COLUMN: &str = "feature";

/// What Hive writes for an empty value (`FileUtils.escapePathName`).
const DEFAULT_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The directory `feature=<name>` of a table, with the characters percent-encoded that Hive's
/// `FileUtils.escapePathName` encodes (Spark's `ExternalCatalogUtils.escapePathName` has the same list).
///
/// All else stays as it is, spaces and non-ASCII text too: that is what the readers decode.
pub(crate) fn partition_directory(name: &str) -> String {
    let mut directory = format!("{PARTITION_COLUMN}=");
    if name.is_empty() {
        directory.push_str(DEFAULT_PARTITION);
    }
    for character in name.chars() {
        if needs_escape(character) {
            directory.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            directory.push(character);
        }
    }
    directory
}

/// Whether Hive encodes the character; only ASCII characters are.
fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f' | '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '\x7f' | '{' | '[' | ']' | '^'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list in Hive's `FileUtils.charToEscape`, code by code, so that a slip in the ranges above shows.
    const HIVE_ESCAPES: [u32; 48] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
        30, 31, 0x22, 0x23, 0x25, 0x27, 0x2a, 0x2f, 0x3a, 0x3d, 0x3f, 0x5b, 0x5c, 0x5d, 0x5e, 0x7b, 0x7f, 0x7f,
    ];

    #[test]
    fn escapes_exactly_what_hive_escapes() {
        for code in 0..0x250 {
            let character = char::from_u32(code).expect("no surrogate below U+0250");
            assert_eq!(needs_escape(character), HIVE_ESCAPES.contains(&code), "U+{code:04X}");
        }
    }

    #[test]
    fn partition_directories() {
        let cases = [
            ("search_route", "feature=search_route"),
            ("a/b", "feature=a%2Fb"),
            ("100%", "feature=100%25"),
            ("x=y", "feature=x%3Dy"),
            ("tab\there", "feature=tab%09here"),
            ("..", "feature=.."),
            ("with space+plus&amp", "feature=with space+plus&amp"),
            ("цена", "feature=цена"),
            ("{a}[0]", "feature=%7Ba}%5B0%5D"),
            ("", "feature=__HIVE_DEFAULT_PARTITION__"),
        ];
        for (name, directory) in cases {
            assert_eq!(partition_directory(name), directory, "{name:?}");
        }
    }
}
