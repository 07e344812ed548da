//! The values that do not fit their columns.
//!
//! There can be as many as a document has values, so what is kept of each is small: numbers that tell its place, and
//! its text, which stands with all the others in one string.

/// What a value counts besides its text and the names that are repeated with it, in bytes.
///
/// It is about what the value costs where it is a row of five strings of its own, the most that is ever held of it; the
/// name of its type, at most 15 bytes, is in it.
const ROW_BYTES: usize = 128;

/// A value that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescued<'a> {
    /// The document, by its position among the [`Projected::documents`](crate::Projected::documents).
    pub document: usize,
    /// The feature, by its position in the plan.
    pub feature: usize,
    /// The row, by its position, from 0, among those that the document has in the feature.
    pub row: u64,
    /// The column, by its position in the plan's feature. Its type is what the value does not fit.
    pub column: usize,
    /// The value's exact text; for one value made of many, a JSON array of their exact texts; for the name of a
    /// member, the name with its quotes.
    pub value: &'a str,
}

/// Values that do not fit their columns, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RescuedValues {
    places: Vec<Place>,
    /// The texts, one after the other.
    texts: String,
    counted: u64,
}

/// Where a value was found, and where its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    document: u32,
    feature: u32,
    column: u32,
    row: u64,
    /// Where its text ends among all of them; it starts where that of the value before it ends.
    end: usize,
}

/// How much there is, to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    places: usize,
    texts: usize,
    counted: u64,
}

impl RescuedValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Rescued<'_>> + Clone {
        (0..self.places.len()).map(|at| self.get(at))
    }

    fn get(&self, at: usize) -> Rescued<'_> {
        let Place {
            document,
            feature,
            column,
            row,
            end,
        } = self.places[at];
        let start = at.checked_sub(1).map_or(0, |before| self.places[before].end);
        Rescued {
            document: document as usize,
            feature: feature as usize,
            row,
            column: column as usize,
            value: &self.texts[start..end],
        }
    }

    /// Adds a value that counts so many bytes; see [`counted_bytes`].
    pub(crate) fn push(&mut self, value: Rescued<'_>, counted: usize) {
        self.texts.push_str(value.value);
        self.places.push(Place {
            document: value.document as u32,
            feature: value.feature as u32,
            column: value.column as u32,
            row: value.row,
            end: self.texts.len(),
        });
        self.counted += counted as u64;
    }

    /// The bytes that all of them count.
    pub(crate) fn counted(&self) -> u64 {
        self.counted
    }

    /// For how many there is room.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.places.capacity()
    }

    /// How much there is.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            places: self.places.len(),
            texts: self.texts.len(),
            counted: self.counted,
        }
    }

    /// Takes off what was added since `mark`.
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        self.places.truncate(mark.places);
        self.texts.truncate(mark.texts);
        self.counted = mark.counted;
    }
}

/// What a value counts: its text, the `names` that are repeated with it (the member's, the feature's and the column's),
/// and a fixed sum. In bytes.
pub(crate) fn counted_bytes(text: usize, names: usize) -> usize {
    ROW_BYTES + names + text
}
