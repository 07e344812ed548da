//! Rows that are not in a part yet, and when they become one.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;

/// A chunk of fewer rows is small: a run of small chunks is made one, since each costs memory of its own (an array, its
/// type and its validity a column).
const SMALL_CHUNK_ROWS: usize = 256;

/// How many small chunks in a row are made one.
const SMALL_CHUNKS: usize = 256;

/// The open buffers, one a table.
///
/// After each document [`Buffers::due`] says which of them close. It knows nothing but the documents' rows and bytes, so
/// the answer is the same however the documents came.
#[derive(Debug)]
pub(crate) struct Buffers {
    tables: Vec<Buffer>,
    rows_limit: u64,
    bytes_limit: u64,
}

/// What a closed buffer held.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) rows: RowQueue,
    /// Bytes of the values, as the documents counted them.
    pub(crate) bytes: u64,
}

impl Buffers {
    pub(crate) fn new(schemas: impl Iterator<Item = SchemaRef>, rows_limit: u64, bytes_limit: u64) -> Buffers {
        Buffers {
            tables: schemas.map(Buffer::new).collect(),
            rows_limit,
            bytes_limit,
        }
    }

    /// Takes a batch of a table, before the documents whose rows it holds are counted.
    pub(crate) fn arrive(&mut self, table: usize, batch: RecordBatch) {
        self.tables[table].arrived.push(batch);
    }

    /// Counts one document.
    pub(crate) fn count(&mut self, rows: &[u32], bytes: &[u64]) {
        for ((table, &rows), &bytes) in self.tables.iter_mut().zip(rows).zip(bytes) {
            table.rows += u64::from(rows);
            table.bytes = table.bytes.saturating_add(bytes);
        }
    }

    /// The table whose buffer is to close next at this document boundary: the first that holds enough rows, else the
    /// largest (the first of equals) while all together hold too many bytes.
    pub(crate) fn due(&self) -> Option<usize> {
        let full = self.tables.iter().position(|table| table.rows >= self.rows_limit);
        full.or_else(|| self.largest_of_too_many_bytes())
    }

    /// Closes a table's buffer: what was counted for it and not taken yet.
    pub(crate) fn take(&mut self, table: usize) -> Contents {
        self.tables[table].take()
    }

    /// Whether the table has rows that were counted and not taken.
    pub(crate) fn holds_rows(&self, table: usize) -> bool {
        self.tables[table].rows > 0
    }

    /// Puts back what was buffered at a checkpoint, in a table that holds nothing: batches of `rows` rows, whose values
    /// are `bytes` long.
    pub(crate) fn restore(
        &mut self,
        table: usize,
        batches: Vec<RecordBatch>,
        rows: u64,
        bytes: u64,
    ) -> Result<(), ArrowError> {
        let buffer = &mut self.tables[table];
        (buffer.rows, buffer.bytes) = (rows, bytes);
        batches.into_iter().for_each(|batch| buffer.arrived.push(batch));
        buffer.settle()
    }

    /// What each table holds between two units.
    pub(crate) fn settled(&self) -> Vec<Settled<'_>> {
        let settled = self.tables.iter().map(|table| Settled {
            schema: &table.schema,
            batches: &table.settled,
            rows: table.rows,
            bytes: table.bytes,
        });
        settled.collect()
    }

    /// Ends a unit: every row that arrived has been counted, and what was not taken now waits for the next units.
    pub(crate) fn settle(&mut self) -> Result<(), (usize, ArrowError)> {
        self.tables
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, table)| table.settle().map_err(|error| (index, error)))
    }

    fn largest_of_too_many_bytes(&self) -> Option<usize> {
        let total = self
            .tables
            .iter()
            .fold(0_u64, |sum, table| sum.saturating_add(table.bytes));
        if total <= self.bytes_limit {
            return None;
        }
        // `max_by_key` gives the last of equals, so the tables are walked backwards.
        let with_rows = self.tables.iter().enumerate().rev().filter(|(_, table)| table.rows > 0);
        with_rows.max_by_key(|(_, table)| table.bytes).map(|(index, _)| index)
    }
}

/// What a table's buffer holds between two units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled<'a> {
    pub(crate) schema: &'a SchemaRef,
    pub(crate) batches: &'a [RecordBatch],
    pub(crate) rows: u64,
    /// Bytes of the values, as the documents counted them.
    pub(crate) bytes: u64,
}

/// The open buffer of one table.
#[derive(Debug)]
struct Buffer {
    schema: SchemaRef,
    /// Rows of earlier units.
    settled: Vec<RecordBatch>,
    settled_rows: u64,
    /// How many chunks at the end of `settled` are small.
    small: usize,
    /// Rows of the current unit that are in no part.
    arrived: RowQueue,
    /// Rows and bytes of the documents counted since the last part.
    rows: u64,
    bytes: u64,
}

impl Buffer {
    fn new(schema: SchemaRef) -> Buffer {
        Buffer {
            schema,
            settled: Vec::new(),
            settled_rows: 0,
            small: 0,
            arrived: RowQueue::default(),
            rows: 0,
            bytes: 0,
        }
    }

    fn take(&mut self) -> Contents {
        let mut rows: RowQueue = self.settled.drain(..).collect();
        let of_this_unit = self.rows - self.settled_rows;
        self.arrived
            .take(of_this_unit)
            .into_iter()
            .for_each(|batch| rows.push(batch));
        let bytes = self.bytes;
        (self.settled_rows, self.small, self.rows, self.bytes) = (0, 0, 0, 0);
        Contents { rows, bytes }
    }

    fn settle(&mut self) -> Result<(), ArrowError> {
        // Of a batch whose head went into a part, a short tail is copied, or it would keep the whole batch in memory
        // for as long as it waits here. A long one is not, so that the rows copied stay fewer than the rows written.
        if self.arrived.taken_off_front > self.arrived.front_rows()
            && let Some(tail) = self.arrived.pop()
        {
            self.keep(copy(&tail)?)?;
        }
        while let Some(batch) = self.arrived.pop() {
            self.keep(batch)?;
        }
        debug_assert_eq!(
            self.settled_rows, self.rows,
            "a unit's batches hold the rows that its documents count"
        );
        Ok(())
    }

    fn keep(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        self.settled_rows += batch.num_rows() as u64;
        self.small = if batch.num_rows() < SMALL_CHUNK_ROWS {
            self.small + 1
        } else {
            0
        };
        self.settled.push(batch);
        if self.small == SMALL_CHUNKS {
            let run = self.settled.split_off(self.settled.len() - SMALL_CHUNKS);
            self.settled.push(concat_batches(&self.schema, &run)?);
            self.small = 0;
        }
        Ok(())
    }
}

/// Rows in order, in batches that can be cut anywhere. None of the batches is empty.
#[derive(Debug, Default)]
pub(crate) struct RowQueue {
    batches: VecDeque<RecordBatch>,
    rows: u64,
    /// How many rows were cut off the batch that is now at the front.
    taken_off_front: usize,
}

impl RowQueue {
    pub(crate) fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.rows += batch.num_rows() as u64;
            self.batches.push_back(batch);
        }
    }

    /// How many rows are in the queue.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the first `rows` rows (all, if there are fewer), without copying them.
    pub(crate) fn take(&mut self, rows: u64) -> Vec<RecordBatch> {
        let mut taken = Vec::new();
        let mut wanted = rows.min(self.rows);
        while wanted > 0 {
            let already_off = self.taken_off_front;
            let Some(batch) = self.pop() else { break };
            let length = batch.num_rows();
            let head = usize::try_from(wanted).map_or(length, |wanted| wanted.min(length));
            taken.push(batch.slice(0, head));
            if head < length {
                self.put_back(batch.slice(head, length - head), already_off + head);
            }
            wanted -= head as u64;
        }
        taken
    }

    fn pop(&mut self) -> Option<RecordBatch> {
        let batch = self.batches.pop_front()?;
        self.rows -= batch.num_rows() as u64;
        self.taken_off_front = 0;
        Some(batch)
    }

    /// Puts the tail of a batch back to the front, with how many of the batch's rows are gone.
    fn put_back(&mut self, tail: RecordBatch, gone: usize) {
        self.rows += tail.num_rows() as u64;
        self.batches.push_front(tail);
        self.taken_off_front = gone;
    }

    fn front_rows(&self) -> usize {
        self.batches.front().map_or(0, RecordBatch::num_rows)
    }
}

impl FromIterator<RecordBatch> for RowQueue {
    fn from_iter<I: IntoIterator<Item = RecordBatch>>(batches: I) -> RowQueue {
        let mut queue = RowQueue::default();
        batches.into_iter().for_each(|batch| queue.push(batch));
        queue
    }
}

/// The same rows in memory of their own. (One array alone is never copied by `concat`, two are.)
fn copy(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    concat_batches(batch.schema_ref(), [batch, &batch.slice(0, 0)])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    /// Rows whose numbers count up, each with a string of 100 bytes.
    fn rows(from: i64, count: i64) -> RecordBatch {
        let numbers: ArrayRef = Arc::new((from..from + count).collect::<Int64Array>());
        let texts: StringArray = (from..from + count)
            .map(|number| Some(format!("{number:0100}")))
            .collect();
        RecordBatch::try_from_iter([("number", numbers), ("text", Arc::new(texts) as ArrayRef)]).expect("a batch")
    }

    fn buffers() -> Buffers {
        Buffers::new(std::iter::once(rows(0, 1).schema()), u64::MAX, u64::MAX)
    }

    /// The numbers, in order.
    fn numbers<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<i64> {
        let column = |batch: &RecordBatch| batch.column(0).as_any().downcast_ref::<Int64Array>().cloned();
        let columns = batches.into_iter().map(|batch| column(batch).expect("numbers"));
        columns.flat_map(|column| column.values().to_vec()).collect()
    }

    #[test]
    fn a_queue_gives_rows_in_order_however_they_are_cut() {
        for size in 1..9 {
            let mut queue: RowQueue = [rows(0, 3), rows(3, 0), rows(3, 1), rows(4, 5)].into_iter().collect();
            let mut seen = Vec::new();
            while queue.rows() > 0 {
                let taken = queue.take(size);
                assert!(taken.iter().all(|batch| batch.num_rows() > 0));
                seen.push(numbers(&taken));
            }
            let expected: Vec<_> = (0..9).collect();
            assert_eq!(
                seen,
                expected.chunks(size as usize).map(<[_]>::to_vec).collect::<Vec<_>>()
            );
            assert!(queue.take(1).is_empty());
        }
    }

    #[test]
    fn many_small_batches_become_few_chunks() {
        let mut buffers = buffers();
        for number in 0..20_000 {
            buffers.arrive(0, rows(number, 1));
            buffers.count(&[1], &[100]);
            buffers.settle().expect("settles");
            assert!(buffers.tables[0].settled.len() < SMALL_CHUNKS + 20_000 / SMALL_CHUNKS);
        }
        let mut contents = buffers.take(0);
        assert_eq!((contents.rows.rows(), contents.bytes), (20_000, 2_000_000));
        assert_eq!(numbers(&contents.rows.take(u64::MAX)), (0..20_000).collect::<Vec<_>>());
    }

    /// Rows that wait keep at most about twice their share of memory, wherever a part ended in their batch.
    #[test]
    fn a_tail_does_not_keep_the_whole_batch_in_memory() {
        for taken in [10_u32, 400, 501, 900, 999] {
            let mut buffers = buffers();
            buffers.arrive(0, rows(0, 1000));
            // Cut twice, so that what is gone of the batch is more than what one cut took.
            for count in [taken / 2, taken - taken / 2] {
                buffers.count(&[count], &[1]);
                drop(buffers.take(0));
            }
            buffers.count(&[1000 - taken], &[1]);
            buffers.settle().expect("settles");
            let settled = &buffers.tables[0].settled;
            assert_eq!(numbers(settled), (i64::from(taken)..1000).collect::<Vec<_>>());
            let memory: usize = settled.iter().map(RecordBatch::get_array_memory_size).sum();
            let share = rows(0, 1000).get_array_memory_size() * (1000 - taken as usize) / 1000;
            assert!(
                memory < 2 * share + 4096,
                "after {taken} rows the rest keeps {memory} bytes"
            );
        }
    }

    #[test]
    fn the_largest_closes_first_and_ties_go_by_order() {
        let schema = rows(0, 1).schema();
        let cases: [(&[u32], &[u64], &[usize]); 6] = [
            (&[1, 1, 1], &[10, 10, 10], &[]),
            (&[1, 1, 1], &[10, 11, 10], &[1]),
            (&[1, 1, 1], &[20, 20, 20], &[0, 1]),
            (&[1, 1, 1], &[31, 40, 50], &[2, 1, 0]),
            (&[9, 1, 1], &[1, 1, 1], &[0]),
            (&[1, 9, 9], &[40, 1, 1], &[1, 2, 0]),
        ];
        for (rows, bytes, expected) in cases {
            let mut buffers = Buffers::new(std::iter::repeat_n(schema.clone(), 3), 9, 30);
            buffers.count(rows, bytes);
            let mut closed = Vec::new();
            while let Some(table) = buffers.due() {
                closed.push(table);
                buffers.take(table);
            }
            assert_eq!(closed, expected, "{rows:?} {bytes:?}");
        }
    }
}
