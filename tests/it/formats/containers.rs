//! How an archive is wrapped.

use super::{Case, case};
use crate::support::blocks::{Blocks, Header, WIDE_ZSTD, X, after, before, end, three};
use crate::support::{gzip, zstd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("plain tar", three),
        case("plain tar whose first name begins as gzip does", || {
            [
                Blocks::default().file(b"\x1f\x8b\x08.json", br#"{"n":1}"#).0,
                Blocks::default().x().0,
                after().0,
                end(),
            ]
            .concat()
        }),
        case("plain tar that is zstd around a tar too", || {
            // The header is a skippable frame.
            let frame = [&b"\x50\x2a\x4d\x18"[..], &(512_u32 - 8).to_le_bytes()].concat();
            let header = Header::new(&frame, b'0', 0).block(i64::from);
            [header, zstd(&three())].concat()
        }),
        case("gzip", || gzip(&three())),
        case("gzip of several gzip members", || {
            let three = three();
            let (one, other) = three.split_at(700);
            [gzip(one), gzip(other)].concat()
        }),
        case("gzip, and zeros behind it", || {
            [gzip(&three()), vec![0; 1_000]].concat()
        }),
        case("gzip, and other bytes behind it", || {
            [gzip(&three()), b"other".to_vec()].concat()
        }),
        case("gzip, cut short", || {
            // The second document is made of what does not compress, and the end is in there.
            let noise = Blocks::default().file(b"x.json", &noise());
            let whole = gzip(&[before().0, noise.0, after().0, end()].concat());
            whole[..whole.len() * 3 / 4].to_vec()
        }),
        case("gzip whose checksum does not match", || {
            let mut whole = gzip(&three());
            let checksum = whole.len() - 8;
            whole[checksum] ^= 1;
            whole
        }),
        case("zstd", || zstd(&three())),
        case("zstd of several frames, skippable ones among them", || {
            let three = three();
            let (one, other) = three.split_at(700);
            [&zstd(one), &b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &zstd(other)].concat()
        }),
        case("zstd, and zeros behind it", || {
            [zstd(&three()), vec![0; 1_000]].concat()
        }),
        case("zstd, and other bytes behind it", || {
            [zstd(&three()), b"other".to_vec()].concat()
        }),
        case("zstd, cut short", || {
            let noise = Blocks::default().file(b"x.json", &noise());
            // The document begins in one frame and goes on in the next.
            let whole = [before().0, noise.0, after().0, end()].concat();
            let (one, other) = whole.split_at(2_000);
            let other = zstd(other);
            [&zstd(one), &other[..other.len() / 2]].concat()
        }),
        case("zstd whose checksum does not match", || {
            let mut frame = [zstd(&three()), vec![0; 4]].concat();
            // The bit that says that a checksum follows.
            frame[4] |= 1 << 2;
            frame
        }),
        case("zstd with a window of 2 GiB", || WIDE_ZSTD.to_vec()),
        case("zstd that needs a dictionary", || {
            b"\x28\xb5\x2f\xfd\x01\x58\x07\x01\0\0".to_vec()
        }),
        case("zstd in zstd", || zstd(&zstd(&three()))),
        case("gzip in gzip", || gzip(&gzip(&three()))),
        case("gzip of plain text", || gzip(&b"some text\n".repeat(100))),
        case("bzip2", || b"BZh91AY&SY".to_vec()),
        case("xz", || b"\xfd7zXZ\0\0\x04".to_vec()),
        case("lz4", || b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec()),
        case("zip", || b"PK\x03\x04\x14\0\0\0".to_vec()),
        case("7z", || b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
        case("JSON", || X.to_vec()),
        case("plain text", || b"some text\n".repeat(100)),
        case("an empty file", Vec::new),
    ]
}

/// A document of which no byte tells of another.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut word = || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        format!("{:08x}", state >> 32)
    };
    let words: String = (0..5_000).map(|_| word()).collect();
    format!(r#"{{"n":2,"s":"{words}"}}"#).into_bytes()
}
