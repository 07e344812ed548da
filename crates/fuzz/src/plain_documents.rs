//! The documents of a member that holds many, told by a slow reader who has all of its content before him, and shares no
//! code with what it is held against.

use tarquet_worker::{Cut, Found};

/// What white space is in JSON, but for line ends.
const BLANKS: [u8; 3] = *b" \t\r";

/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines of some content, none of which may have more than `most` bytes. Where the content goes on where nobody can read
/// it, a line without an end is none.
pub(crate) fn lines(content: &[u8], most: u64, goes_on: bool) -> Cut {
    let mut cut = Cut::default();
    let mut at = 0;
    for piece in content.split_inclusive(|byte| *byte == b'\n') {
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        let is_large = line.len() as u64 > most;
        let has_end = line.len() < piece.len();
        if has_end || !goes_on || is_large {
            cut.passed += 1;
            if is_large || !is_blank(line, at == 0) {
                cut.found.push(Found {
                    number: cut.passed,
                    at,
                    document: (!is_large).then(|| line.to_vec()),
                });
            }
        }
        at += piece.len() as u64;
    }
    cut
}

fn is_blank(line: &[u8], is_first: bool) -> bool {
    let line = line.strip_prefix(MARK).filter(|_| is_first).unwrap_or(line);
    line.iter().all(|byte| BLANKS.contains(byte))
}

/// The elements of an array, none of which may have more than `most` bytes.
pub(crate) fn elements(content: &[u8], most: u64) -> Cut {
    let mut cut = Cut::default();
    if let Err((at, reason)) = array(content, most, &mut cut) {
        cut.broken = Some((Some(at as u64), reason.to_owned()));
    }
    cut
}

/// Where something is not what has to be there, and the word for it.
type Broken = (usize, &'static str);

fn array(content: &[u8], most: u64, cut: &mut Cut) -> Result<(), Broken> {
    let start = if content.starts_with(MARK) { MARK.len() } else { 0 };
    let mut at = solid(content, start)?;
    if content[at] != b'[' {
        return Err((at, "syntax"));
    }
    at = solid(content, at + 1)?;
    let mut ends = content[at] == b']';
    while !ends {
        if matches!(content[at], b',' | b']') {
            return Err((at, "syntax"));
        }
        let (end, is_there) = element(content, at);
        let is_large = (end - at) as u64 > most;
        if is_there || is_large {
            cut.passed += 1;
            cut.found.push(Found {
                number: cut.passed,
                at: at as u64,
                document: (!is_large).then(|| content[at..end].to_vec()),
            });
        }
        if !is_there {
            return Err((content.len(), "truncated"));
        }
        ends = content[end] == b']';
        at = if ends { end } else { solid(content, end + 1)? };
    }
    match solid(content, at + 1) {
        Ok(behind) => Err((behind, "syntax")),
        Err(_) => Ok(()),
    }
}

/// The first byte from `at` on that is no white space.
fn solid(content: &[u8], at: usize) -> Result<usize, Broken> {
    let is_solid = |byte: &u8| *byte != b'\n' && !BLANKS.contains(byte);
    let found = content[at..].iter().position(is_solid);
    found.map(|found| at + found).ok_or((content.len(), "truncated"))
}

/// Where the element ends that begins at `from`: before a comma or a bracket that is in no string and in no other brackets.
/// Whether that is there; an escape without what it escapes is not looked at.
fn element(content: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut depth, mut is_string) = (from, 0_u64, false);
    while at < content.len() {
        match content[at] {
            b'\\' if is_string && at + 1 == content.len() => return (at, false),
            b'\\' if is_string => at += 1,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => depth += 1,
            b',' | b']' if depth == 0 => return (at, true),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    (content.len(), false)
}
