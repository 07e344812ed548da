//! Gzip files of every kind of block, of one member and of several, whole and broken.

use std::io::Write;

use flate2::{Compression, GzBuilder};

/// How to inflate: mended or not, the sizes of pieces and of what is asked for, how far points are apart, how many threads
/// there are, chunks, and patience.
const WAYS: [[u8; 12]; 3] = [
    [0, 3, 9, 200, 20, 30, 200, 1, 0, 1, 3, 2],
    [1, 255, 255, 255, 255, 255, 255, 8, 4, 2, 20, 9],
    [0, 0, 1, 40, 60, 60, 60, 0, 0, 0, 0, 0],
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |way: &[u8; 12], file: &[u8]| [&way[..], &[0], file].concat();
    let files = files();
    files
        .iter()
        .zip(WAYS.iter().cycle())
        .map(|(file, way)| with(way, file))
        .collect()
}

fn files() -> Vec<Vec<u8>> {
    let text: Vec<u8> = (0..300_u32)
        .flat_map(|number| {
            format!(
                "{{\"price\":{},\"carrier\":\"SU\"}},",
                number.wrapping_mul(2_654_435_761)
            )
            .into_bytes()
        })
        .collect();
    let noise: Vec<u8> = (0..900_u32)
        .map(|at| (at.wrapping_mul(0x9E37_79B9) >> 21) as u8)
        .collect();
    let zeros = vec![0; 60_000];
    let mut files: Vec<Vec<u8>> = Vec::new();
    for level in [0, 1, 6, 9] {
        files.extend([&text, &noise, &zeros].map(|content| compressed(content, level, 1000)));
    }
    files.push(compressed(b"", 6, 1));
    files.push(compressed(b"a", 6, 1));
    let several = [
        compressed(&text[..500], 6, 100),
        compressed(&noise[..100], 0, 50),
        compressed(b"", 6, 1),
    ]
    .concat();
    files.push([several.clone(), vec![0; 600]].concat());
    for zeros in [0, 6] {
        files.push([several.clone(), vec![0; zeros], b"garbage".to_vec()].concat());
    }
    files.push(several[..several.len() - 5].to_vec());
    files.push(several[..several.len() / 2].to_vec());
    files.push(with_fields());
    for at in [1, 3, 12, 40, several.len() / 2] {
        let mut broken = several.clone();
        broken[at] ^= 4;
        files.push(broken);
    }
    files
}

/// A member of one block a piece.
fn compressed(content: &[u8], level: u32, piece: usize) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::new(level));
    for piece in content.chunks(piece) {
        encoder.write_all(piece).expect("memory to write to");
        encoder.flush().expect("memory to write to");
    }
    encoder.finish().expect("memory to write to")
}

/// A header with all fields that there are.
fn with_fields() -> Vec<u8> {
    let builder = GzBuilder::new().filename("name").comment("comment").extra(vec![7; 30]);
    let mut encoder = builder.write(Vec::new(), Compression::new(6));
    encoder.write_all(b"content").expect("memory to write to");
    let mut member = encoder.finish().expect("memory to write to");
    // The compressor writes no checksum of the header: it comes behind the three fields.
    let end = 10 + 2 + 30 + 5 + 8;
    member[3] |= 2;
    let checksum = crc32fast::hash(&member[..end]) as u16;
    member.splice(end..end, checksum.to_le_bytes());
    member
}
