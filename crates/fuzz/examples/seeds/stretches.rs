//! Members of many documents, of lines and arrays, whole and broken, and how they come.

/// How a content comes and is read: what it is and its way, the largest document, how much is read at once, after how many
/// documents others go on, and where it is cut.
const LINES: [[u8; 16]; 9] = [
    // In place, as far as it goes, and cut off.
    [0x00, 255, 3, 9, 200, 0, 0, 0, 7, 0, 20, 0, 60, 0, 200, 0],
    [0x02, 20, 0, 0, 90, 1, 2, 3, 1, 0, 2, 0, 3, 0, 4, 1],
    [0x04, 60, 30, 2, 0, 2, 1, 1, 40, 0, 90, 0, 130, 0, 255, 3],
    // In order.
    [0x40, 255, 3, 9, 200, 0, 0, 0, 7, 0, 20, 0, 60, 0, 200, 0],
    [0x44, 20, 9, 0, 90, 3, 1, 0, 16, 0, 32, 0, 48, 0, 64, 0],
    // Compressed: with gzip and with zstd, whole and not.
    [0x80, 255, 200, 200, 90, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    [0xA0, 40, 255, 90, 90, 2, 2, 7, 4, 0, 1, 0, 0, 0, 0, 0],
    [0x88, 255, 200, 200, 90, 7, 3, 0, 0, 0, 90, 0, 3, 0, 0, 0],
    [0xB8, 255, 200, 200, 90, 7, 3, 0, 0, 0, 60, 0, 3, 0, 0, 0],
];

/// The same of arrays.
const ARRAYS: [[u8; 16]; 6] = [
    [0x01, 255, 3, 9, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0x01, 20, 0, 1, 2, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0],
    // In order.
    [0x41, 255, 3, 9, 200, 0, 0, 0, 1, 0, 9, 0, 20, 0, 80, 0],
    [0x45, 20, 9, 0, 90, 2, 1, 0, 3, 0, 4, 0, 5, 0, 40, 0],
    // Compressed.
    [0x81, 255, 90, 9, 30, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0],
    [0xA9, 255, 90, 9, 30, 1, 0, 1, 1, 0, 40, 0, 2, 0, 0, 0],
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |ways: &[[u8; 16]], contents: &[&str]| {
        let each = |way: &[u8; 16]| {
            contents
                .iter()
                .map(|content| [&way[..], content.as_bytes()].concat())
                .collect::<Vec<_>>()
        };
        ways.iter().flat_map(each).collect::<Vec<_>>()
    };
    let document = r#"{"price":100,"carrier":"SU","legs":[{"from":"SVO"},{"to":"[LED"}]}"#;
    let lines = [
        "1\n22\n333\n\n4444",
        " \t\r\n\u{feff}\n[1]\r\n\n\n\"a\"\n",
        &format!("\u{feff}{document}\n{document}\r\n{{\n{document}{document}{document}\n1\n"),
    ];
    let arrays = [
        "[1,{\"a\":[2,{}]},\"],[\\\"\", null ]\n",
        &format!("\u{feff} [\n{document},\n\n{document} ,3]\n"),
        "[[],{},1",
        "[1,,2] 3",
        "[1},\"\\",
    ];
    [with(&LINES, &lines), with(&ARRAYS, &arrays)].concat()
}
