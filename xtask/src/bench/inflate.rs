//! Inflating alone: what an archive that is compressed costs whoever reads it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::{Decompress, FlushDecompress, Status};

/// Compressed bytes read at once, as `tarquet-archive` does.
const INPUT: usize = 256 * 1024;
/// Where the inflated bytes go, over and over: small enough for a processor's second-level cache, as a slot of the spool is.
const OUTPUT: usize = 1 << 20;
/// The largest window that deflate has, as a power of two (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;

/// Inflates the gzip stream in `archive` with the library that tarquet uses, checksum included. Gives its length in bytes.
///
/// # Errors
///
/// Where the file cannot be read or is not one gzip stream to its end.
pub(crate) fn inflate(archive: &Path) -> Result<u64> {
    let reading = || format!("cannot inflate {}", archive.display());
    let file = File::open(archive).with_context(reading)?;
    let mut input = BufReader::with_capacity(INPUT, file);
    let mut output = vec![0; OUTPUT];
    let mut stream = Decompress::new_gzip(WINDOW_BITS);
    loop {
        let compressed = input.fill_buf().with_context(reading)?;
        let (eaten, given) = (stream.total_in(), stream.total_out());
        let status = stream
            .decompress(compressed, &mut output, FlushDecompress::None)
            .with_context(reading)?;
        let eaten = (stream.total_in() - eaten) as usize;
        match status {
            Status::StreamEnd => return Ok(stream.total_out()),
            _ if eaten == 0 && stream.total_out() == given => {
                bail!("{} ends within its gzip stream", archive.display())
            }
            _ => input.consume(eaten),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn the_length_is_that_of_the_content_and_a_cut_stream_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.gz");
        let content: Vec<u8> = (0..5_000_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&content).unwrap();
        let compressed = encoder.finish().unwrap();
        fs::write(&path, &compressed).unwrap();
        assert_eq!(inflate(&path).unwrap(), content.len() as u64);
        fs::write(&path, &compressed[..compressed.len() - 9]).unwrap();
        assert!(inflate(&path).unwrap_err().to_string().contains("ends within"));
    }
}
