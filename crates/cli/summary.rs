//! What a run was: `summary.json`, and the table for people.

use std::fmt;

use serde::Serialize;
use tarquet_coordinator::{Ending, Report};

use crate::quantity::{bytes, counted, duration, grouped, rate};

/// The contents of `summary.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// The version of tarquet.
    version: &'static str,
    members: Members,
    documents: Documents,
    /// Rows of all features.
    rows: u64,
    /// Values that did not fit their column; they are in `rescued.ndjson`.
    values_rescued: u64,
    features: Vec<Feature>,
    /// Where and why the archive ended early, if it did; of several, the first that did.
    archive_damage: Option<String>,
    /// What stands behind the end-of-archive marker and was not read, and where; of several, behind the first that has one.
    after_end: Option<String>,
    /// Where there were, or could be, several archives.
    #[serde(skip_serializing_if = "Option::is_none")]
    archives: Option<Archives>,
    /// Whether types were inferred from a sample.
    types_inferred: bool,
    workers_replaced: u64,
    /// What held every worker in, as the text says it; `None` where there was none.
    sandbox: Option<String>,
    /// How many members an earlier run had committed, if this one resumed it.
    resumed_at_member: Option<u64>,
    /// Bytes of the members, decompressed.
    document_bytes: u64,
    /// Bytes of the archive.
    archive_bytes: u64,
    /// Of this run; what was before a resume is not in it.
    elapsed_seconds: f64,
    #[serde(skip)]
    own: Own,
}

/// What `elapsed_seconds` was spent on.
#[derive(Debug)]
struct Own {
    members: u64,
    /// Bytes of members, decompressed.
    bytes: u64,
}

/// Several archives.
#[derive(Debug, Serialize)]
struct Archives {
    count: u64,
    /// Those whose end is worth a word.
    endings: Vec<End>,
}

/// How one of them ended.
#[derive(Debug, Serialize)]
struct End {
    archive: Option<String>,
    damage: Option<String>,
    unmarked_end: bool,
    after_end: Option<String>,
}

impl Archives {
    fn of(report: &Report) -> Option<Archives> {
        let count = report.archives?;
        let end = |ending: &Ending| End {
            archive: ending.archive.clone(),
            damage: ending.damage.clone(),
            unmarked_end: ending.unmarked_end,
            after_end: ending.after_end.clone(),
        };
        let endings = report.endings.iter().map(end).collect();
        Some(Archives { count, endings })
    }
}

/// Every member of the archive, counted once.
#[derive(Debug, Serialize)]
struct Members {
    extracted: u64,
    /// They are in `failed.log`.
    failed: u64,
    /// By rule: no regular file, or not included.
    skipped: u64,
}

/// Every document of the members, counted once. A member that could not be read, or not to its end, counts as one that
/// failed.
#[derive(Debug, Serialize)]
struct Documents {
    extracted: u64,
    /// They are in `failed.log`.
    failed: u64,
}

/// One table.
#[derive(Debug, Serialize)]
struct Feature {
    name: String,
    /// As text: JSON has no other bytes.
    directory: String,
    rows: u64,
    parts: u64,
    bytes: u64,
}

impl Summary {
    /// The summary of a finished run.
    pub(crate) fn of(report: &Report) -> Summary {
        let progress = report.progress;
        let features = report.tables.iter().map(|table| Feature {
            name: table.name.clone(),
            directory: table.directory.display().to_string(),
            rows: table.rows,
            parts: table.parts,
            bytes: table.bytes,
        });
        Summary {
            version: env!("CARGO_PKG_VERSION"),
            members: Members {
                extracted: progress.extracted,
                failed: progress.failed,
                skipped: progress.skipped,
            },
            documents: Documents {
                extracted: progress.documents,
                failed: progress.failures,
            },
            rows: progress.rows,
            values_rescued: progress.rescued,
            features: features.collect(),
            archive_damage: report.endings.iter().find_map(|ending| ending.damage.clone()),
            after_end: report.endings.iter().find_map(|ending| ending.after_end.clone()),
            archives: Archives::of(report),
            types_inferred: report.sampled,
            workers_replaced: progress.replaced,
            sandbox: report.sandbox.as_ref().map(ToString::to_string),
            resumed_at_member: report.resumed.then_some(progress.resumed_members),
            document_bytes: progress.document_bytes,
            archive_bytes: progress.archive_len,
            elapsed_seconds: report.elapsed.as_secs_f64(),
            own: Own {
                members: progress.own_members(),
                bytes: progress.own_bytes(),
            },
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["feature", "rows", "parts", "size"].map(str::to_owned);
        let cells = |feature: &Feature| {
            [
                feature.name.clone(),
                grouped(feature.rows),
                grouped(feature.parts),
                bytes(feature.bytes),
            ]
        };
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(self.features.iter().map(cells)).collect();
        let widths: [usize; 4] =
            std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
        for [name, numbers @ ..] in &rows {
            write!(out, "{name:<width$}", width = widths[0])?;
            for (number, width) in numbers.iter().zip(&widths[1..]) {
                write!(out, "  {number:>width$}")?;
            }
            writeln!(out)?;
        }
        writeln!(out)?;
        self.write_members(out)?;
        self.write_speed(out)
    }
}

impl Summary {
    fn write_members(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Members {
            extracted,
            failed,
            skipped,
        } = self.members;
        write!(
            out,
            "{} extracted, {} failed",
            counted(extracted, "member"),
            grouped(failed)
        )?;
        if failed > 0 {
            write!(out, " (failed.log)")?;
        }
        write!(out, ", {} skipped", grouped(skipped))?;
        if let Some(archives) = &self.archives {
            write!(out, ", out of {}", counted(archives.count, "archive"))?;
        }
        self.write_documents(out)?;
        if self.values_rescued > 0 {
            write!(
                out,
                "; {} did not fit (rescued.ndjson)",
                counted(self.values_rescued, "value")
            )?;
        }
        writeln!(out)
    }

    /// Says how many documents there were, where members hold many.
    fn write_documents(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Documents { extracted, failed } = self.documents;
        if (extracted, failed) == (self.members.extracted, self.members.failed) {
            return Ok(());
        }
        let documents = counted(extracted, "document");
        write!(out, "; {documents} extracted, {} failed", grouped(failed))?;
        match failed > self.members.failed {
            true => write!(out, " (failed.log)"),
            false => Ok(()),
        }
    }

    fn write_speed(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed = std::time::Duration::from_secs_f64(self.elapsed_seconds);
        let Own {
            members,
            bytes: own_bytes,
        } = self.own;
        if let Some(before) = self.resumed_at_member {
            writeln!(out, "resumed after {}", counted(before, "member"))?;
        }
        writeln!(
            out,
            "{} in {}: {:.0} files/s, {}/s",
            bytes(own_bytes),
            duration(elapsed),
            rate(members, elapsed),
            bytes(rate(own_bytes, elapsed) as u64),
        )?;
        match &self.sandbox {
            Some(held) => writeln!(out, "sandbox: {held}"),
            None => Ok(()),
        }
    }
}
