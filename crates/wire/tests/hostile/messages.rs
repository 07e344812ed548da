//! Messages whose bodies are not what they claim to be.

use tarquet_wire::frame::{Frame, FrameReader, FrameWriter, Kind};
use tarquet_wire::message::{FromWorker, MessageError, UnitDone, decode};

use crate::counting::peak;

/// What decoding a message of so many bytes holds at most, in bytes: a number of 64 bits can be one byte of it, and a
/// list is copied when it has doubled. A claimed length alone is worth 1 MiB, which is `serde`'s caution.
fn bound(len: usize) -> usize {
    (1 << 20) + 32 * len
}

fn frame(body: &[u8]) -> Frame {
    let mut bytes = Vec::new();
    FrameWriter::new(&mut bytes)
        .write(Kind::Message, 0, 0, &[body])
        .unwrap();
    FrameReader::new(bytes.as_slice()).read().unwrap().unwrap()
}

fn encoded(message: &FromWorker) -> Vec<u8> {
    let mut bytes = Vec::new();
    tarquet_wire::message::send(&mut FrameWriter::new(&mut bytes), message).unwrap();
    FrameReader::new(bytes.as_slice())
        .read()
        .unwrap()
        .unwrap()
        .body
        .to_vec()
}

fn checked(body: &[u8]) -> Result<FromWorker, MessageError> {
    let frame = frame(body);
    let (decoded, peak) = peak(|| decode(&frame));
    assert!(
        peak <= bound(body.len()),
        "{peak} bytes for a message of {}",
        body.len()
    );
    decoded
}

#[test]
fn numbers_that_take_a_byte_each_take_no_more_than_the_bound() {
    let done = UnitDone {
        rows: vec![0; 1 << 20],
        bytes: vec![0; 1 << 20],
        ..UnitDone::default()
    };
    let sent = FromWorker::UnitDone(done);
    assert_eq!(checked(&encoded(&sent)).unwrap(), sent);
}

#[test]
fn a_claimed_length_takes_no_more_than_the_bound() {
    let sound = encoded(&FromWorker::UnitDone(UnitDone::default()));
    // The lengths of the two lists, both 0, are its last bytes.
    assert_eq!(sound[sound.len() - 2..], [0, 0]);
    for len in [u64::from(u32::MAX), u64::MAX >> 1] {
        for keep in 1..=2 {
            let mut body = sound[..sound.len() - keep].to_vec();
            body.extend(varint(len));
            assert!(checked(&body).is_err());
        }
    }
}

/// A number as `postcard` writes it: seven bits a byte, the lowest first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn no_byte_of_a_message_harms() {
    let sound = encoded(&FromWorker::UnitDone(UnitDone {
        rows: vec![1, 2, 300],
        bytes: vec![70_000, 5],
        ..UnitDone::default()
    }));
    for at in 0..sound.len() {
        for byte in 0..=u8::MAX {
            let mut body = sound.clone();
            body[at] = byte;
            // Another message, or none.
            checked(&body).ok();
        }
    }
}
