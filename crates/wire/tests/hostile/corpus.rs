//! The broken streams that the Arrow project collects, read as batches of whatever schema they come with.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{MessageHeader, root_as_message};
use arrow_schema::SchemaRef;
use tarquet_wire::batch::TableDecoder;

use crate::decode_with;

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/corpora/arrow-testing/data"
);

/// What a file of the IPC format has before its first message: `ARROW1` and padding.
const MAGIC: &[u8] = b"ARROW1\0\0";

/// The messages of a stream, as bodies of frames, with the kind of each; the stream ends where it cannot be followed.
fn messages(stream: &[u8]) -> Vec<(MessageHeader, Vec<u8>)> {
    let mut messages = Vec::new();
    let mut rest = stream.strip_prefix(MAGIC).unwrap_or(stream);
    while let Some((header, body, after)) = message(rest) {
        messages.push((header, body));
        rest = after;
    }
    messages
}

/// The first message of a stream, and what follows it.
fn message(stream: &[u8]) -> Option<(MessageHeader, Vec<u8>, &[u8])> {
    // The marker is missing in the legacy format.
    let rest = stream.strip_prefix(&[0xff; 4]).unwrap_or(stream);
    let (len, rest) = rest.split_first_chunk()?;
    let (metadata, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    let message = root_as_message(metadata).ok()?;
    // One that claims more than there is gets what there is.
    let claimed = usize::try_from(message.bodyLength()).unwrap_or(usize::MAX);
    let (columns, rest) = rest.split_at(claimed.min(rest.len()));
    let body = [&[0xff; 4][..], len, metadata, columns].concat();
    Some((message.header_type(), body, rest))
}

/// The schema that a message holds; reading one can panic as well.
fn schema(body: &[u8]) -> Option<SchemaRef> {
    let read = || try_fb_to_schema(root_as_message(&body[8..]).ok()?.header_as_schema()?).ok();
    catch_unwind(read).ok().flatten().map(Arc::new)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn broken_streams_are_refused_or_valid() {
    let folders = ["arrow-ipc-file", "arrow-ipc-stream"].map(|folder| fs::read_dir(Path::new(CORPUS).join(folder)));
    let mut tried = 0;
    for entry in folders.into_iter().flatten().flatten() {
        let file = entry.unwrap().path();
        let messages = messages(&fs::read(&file).unwrap());
        let Some(schema) = messages.iter().find_map(|(_, body)| schema(body)) else {
            continue;
        };
        // Types that need several messages are refused as a whole, and tables have none.
        let Ok(Ok(decoder)) = catch_unwind(|| TableDecoder::new(Arc::clone(&schema))) else {
            continue;
        };
        for (_, body) in messages {
            // It is refused, or it is valid and within the bound, which is seen to there.
            decode_with(&decoder, schema.flattened_fields().len(), &body).ok();
            tried += 1;
        }
    }
    if tried == 0 {
        eprintln!("skipped: the corpus of broken Arrow streams is not there");
    }
}
