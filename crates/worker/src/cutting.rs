//! How a worker cuts a member's content into documents, whatever it reads at once and wherever others go on. For fuzzing.

use std::io;

use tarquet_wire::array;
use tarquet_wire::message::{Extent, Member, Shape, Stretch};
use tarquet_wire::source::SourceId;

use crate::content::Content;
use crate::documents::Documents;
use crate::inflate::StreamError;
use crate::lines::Step;
use crate::reader::{MemberReader, Source};
use crate::window::Window;

/// How a stretch is read.
#[derive(Debug, Clone)]
pub struct Cutting {
    /// The largest document, in bytes.
    pub most: u64,
    /// How many bytes are read at once, over and over. None is 0.
    pub reads: Vec<usize>,
    /// After how many documents the stretch is put down, for others to go on with it, over and over; 0 for never.
    pub pauses: Vec<usize>,
    /// Whether others have no byte of the member but those from the first that they need, where they come in ranges.
    pub has_no_more: bool,
}

/// A document, or what fails in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its number in the stretch, empty lines counted, from 1.
    pub number: u64,
    /// Where it begins, in bytes of the content.
    pub at: u64,
    /// Its bytes; `None` if it is too large.
    pub document: Option<Vec<u8>>,
}

/// What is in a stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Its documents.
    pub found: Vec<Found>,
    /// How many it has, empty lines counted.
    pub passed: u64,
    /// Where, and by what word, nothing more of the member can be read.
    pub broken: Option<(Option<u64>, String)>,
}

/// A member's bytes.
struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset as usize + buffer.len();
        buffer.copy_from_slice(self.0.get(offset as usize..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Cutting {
    /// The documents of `stretch`, whose member has `bytes` from the stretch's first byte on.
    ///
    /// # Panics
    ///
    /// When bytes in memory cannot be read.
    pub fn cut(&self, stretch: &Stretch, bytes: &[u8]) -> Cut {
        self.cut_open(stretch, bytes).0
    }

    /// The same, and where the next stretch of an array begins.
    ///
    /// # Panics
    ///
    /// As [`Cutting::cut`].
    pub fn cut_open(&self, stretch: &Stretch, bytes: &[u8]) -> (Cut, array::Cut) {
        let mut cut = Cut::default();
        let (mut stretch, mut bytes) = (stretch.clone(), bytes);
        let mut pauses = self.pauses.iter().cycle();
        loop {
            let pause = pauses.next().copied().unwrap_or(0);
            let most = if pause == 0 { usize::MAX } else { pause };
            let (next, is_over) = self.some(&stretch, bytes, most, &mut cut);
            if is_over {
                return (cut, next);
            }
            stretch.start = next.start;
            // The byte before a line tells whether it is one.
            let needed = match stretch.shape {
                Shape::Lines if stretch.end < u64::MAX => stretch.start - 1,
                Shape::Array if stretch.is_open => stretch.start,
                _ => stretch.at,
            };
            if self.has_no_more && needed > stretch.at {
                bytes = &bytes[(needed - stretch.at) as usize..];
                stretch.at = needed;
            }
        }
    }

    /// Reads so many documents, or some more; gives where others go on, and whether nothing is left for them.
    fn some(&self, stretch: &Stretch, bytes: &[u8], most: usize, cut: &mut Cut) -> (array::Cut, bool) {
        let (reader, member) = opened(bytes);
        let mut documents = Documents::new(stretch, self.most);
        let mut window = Window::default();
        window.begin_at(documents.next());
        let content = Content::open(&reader, &member, stretch, documents.next());
        let mut content = content.expect("memory can be read");
        let mut reads = self.reads.iter().cycle();
        let (before, mut count) = (cut.passed, 0);
        loop {
            let (at, document) = match documents.step(&window) {
                Step::More => {
                    let wanted = usize::try_from(documents.wanted(&window)).unwrap_or(usize::MAX);
                    let size = reads.next().map_or(wanted, |size| wanted.min(*size));
                    match fill(&mut window, documents.next(), size, &mut content, &reader, &member) {
                        Ok(()) => continue,
                        Err(broken) => cut.broken = Some(broken),
                    }
                    break;
                }
                Step::Document { from, to } => (from, Some(window.range(from, to).to_vec())),
                Step::TooLarge { from } => (from, None),
                Step::Broken { at, reason, .. } => {
                    cut.broken = Some((Some(at), reason.to_owned()));
                    break;
                }
                Step::End => break,
            };
            let number = before + documents.passed();
            cut.found.push(Found { number, at, document });
            count += 1;
            if count >= most && documents.can_pause() {
                cut.passed = before + documents.take_passed();
                return (rest(&documents), false);
            }
        }
        cut.passed = before + documents.passed();
        (rest(&documents), true)
    }
}

/// Where the next stretch begins.
fn rest(documents: &Documents) -> array::Cut {
    let (at, state) = documents.cut();
    array::Cut {
        start: documents.place(),
        at,
        state,
    }
}

/// Reads on, as whoever extracts a stretch does: what came before a failure is good.
fn fill(
    window: &mut Window,
    next: u64,
    size: usize,
    content: &mut Content,
    reader: &MemberReader<Bytes<'_>>,
    member: &Member,
) -> Result<(), (Option<u64>, String)> {
    let read = |content: &mut Content, room: &mut [u8]| match content.read(reader, member, room) {
        Ok(count) => Ok(count),
        Err(StreamError::Inflate(error)) => Err((error.offset(), error.reason().to_owned())),
        Err(StreamError::Source(error)) => unreachable!("memory can be read: {error}"),
    };
    while content.at() < window.end() {
        let mut passed = vec![0; size.min((window.end() - content.at()) as usize)];
        if read(content, &mut passed)? == 0 {
            break;
        }
    }
    let room = window.room(next, size);
    let mut filled = 0;
    while filled < room.len() {
        match read(content, &mut room[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(_) if filled > 0 => break,
            Err(broken) => return Err(broken),
        }
    }
    window.advance(filled);
    Ok(())
}

/// A member of these bytes, which are in two extents.
fn opened(bytes: &[u8]) -> (MemberReader<Bytes<'_>>, Member) {
    let mut reader = MemberReader::new(u64::MAX);
    reader.turn_to(SourceId::default(), Bytes(bytes));
    let (len, half) = (bytes.len() as u64, bytes.len() as u64 / 2);
    let extents = [(0, half), (half, len - half)].map(|(offset, len)| Extent { offset, len });
    let member = Member {
        name: Vec::new(),
        offset: 0,
        size: len,
        extents: extents.into(),
        failed: None,
        stretch: None,
    };
    (reader, member)
}
