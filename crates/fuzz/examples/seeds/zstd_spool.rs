//! Zstd files of every kind of block, of one frame and of several, whole and broken.

use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};

/// How to decompress: what only gzip looks at, sizes of pieces and of what is asked for, how far points are apart, how many
/// threads there are, batches, and the largest frame for one.
const WAYS: [[u8; 13]; 3] = [
    [0, 3, 9, 200, 20, 30, 200, 1, 0, 1, 3, 2, 0],
    [0, 255, 255, 255, 255, 255, 255, 8, 4, 2, 255, 255, 0],
    [0, 0, 1, 40, 60, 60, 60, 0, 0, 0, 0, 0, 10],
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |(file, way): (&Vec<u8>, &[u8; 13])| [&way[..], &file[..]].concat();
    files().iter().zip(WAYS.iter().cycle()).map(with).collect()
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
    for level in [-5, 1, 9, 19] {
        for content in [&text, &noise, &zeros] {
            files.push(frame(content, level, level > 1, level != 9));
        }
    }
    files.push(frame(b"", 3, true, true));
    let skippable = [&[0x53, 0x2A, 0x4D, 0x18, 5, 0, 0, 0][..], b"other"].concat();
    let several = [
        frame(&text[..500], 3, true, false),
        skippable,
        frame(&noise[..100], 3, false, true),
        frame(b"", 1, false, false),
    ]
    .concat();
    files.push([&several[..], b"garbage"].concat());
    files.push(several[..several.len() - 2].to_vec());
    files.push(several[..several.len() / 2].to_vec());
    for at in [1, 4, 5, 9, 40, several.len() / 2] {
        let mut broken = several.clone();
        broken[at] ^= 8;
        files.push(broken);
    }
    files.push(several);
    // Many small frames, of which most say how long they are, for threads.
    let small = |says_length: bool| {
        let pieces = text.chunks(90).chain(noise.chunks(200));
        let frames = pieces
            .enumerate()
            .map(|(number, piece)| frame(piece, 3, number % 3 == 0, says_length || number % 5 > 0));
        frames.collect::<Vec<_>>().concat()
    };
    for says_length in [true, false] {
        let many = small(says_length);
        let mut broken = many.clone();
        broken[many.len() / 2] ^= 0x10;
        files.extend([many, broken]);
    }
    // A window of 2 GiB, and a dictionary.
    files.push(vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0xA8, 1, 0, 0]);
    files.push(vec![0x28, 0xB5, 0x2F, 0xFD, 1, 0, 7, 1, 0, 0]);
    files
}

/// A frame of a block a thousand bytes.
fn frame(content: &[u8], level: i32, has_checksum: bool, says_length: bool) -> Vec<u8> {
    let mut encoder = CCtx::create();
    let parameters = [
        CParameter::CompressionLevel(level),
        CParameter::ChecksumFlag(has_checksum),
        CParameter::ContentSizeFlag(says_length),
    ];
    for parameter in parameters {
        encoder.set_parameter(parameter).expect("a parameter that there is");
    }
    if says_length {
        let length = Some(content.len() as u64);
        encoder.set_pledged_src_size(length).expect("before the first byte");
    }
    let mut frame = vec![0; 2 * content.len() + 4096];
    let mut output = OutBuffer::around(&mut frame[..]);
    for piece in content.chunks(1000) {
        let mut input = InBuffer::around(piece);
        encoder
            .compress_stream(&mut output, &mut input)
            .expect("memory to write to");
        encoder.flush_stream(&mut output).expect("memory to write to");
    }
    encoder.end_stream(&mut output).expect("memory to write to");
    let len = output.pos();
    frame.truncate(len);
    frame
}
