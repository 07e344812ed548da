//! Quantities as people write and read them.

use std::time::Duration;

use bytesize::ByteSize;

/// A size in bytes: `96MiB`, `1.5GB`, `4096`.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "a size reads like 64MiB, 1.5GB or 4096".to_owned())?;
    Ok(size.as_u64())
}

/// What open parts may hold together, in bytes.
pub(crate) fn parse_buffer_bytes(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        size if tarquet_dataset::BUFFER_BYTES.contains(&size) => Ok(size),
        _ => Err("it is at least 1 byte and at most 1GiB".to_owned()),
    }
}

/// What a worker may allocate, in bytes.
pub(crate) fn parse_worker_memory(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        size if size >= LEAST_WORKER_MEMORY => Ok(size),
        _ => Err("it is at least 64MiB: a worker needs some before its first document".to_owned()),
    }
}

/// A worker with less could not even start.
const LEAST_WORKER_MEMORY: u64 = 64 << 20;

/// The longest duration that anybody may ask for.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A length of time that is not zero: `30s`, `500ms`, `1.5m`, `2h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration reads like 30s, 500ms, 1.5m or 2h".to_owned();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| wrong())?;
    match Duration::try_from_secs_f64(number * seconds) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        _ => Err("it is more than nothing, and at most a year (8760h)".to_owned()),
    }
}

/// How many documents may fail before a run counts as failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum AllowedFailures {
    /// So many.
    Count(u64),
    /// So many of a hundred.
    Percent(f64),
}

impl AllowedFailures {
    /// Whether `failed` of `documents` are allowed.
    pub(crate) fn allow(self, failed: u64, documents: u64) -> bool {
        match self {
            AllowedFailures::Count(count) => failed <= count,
            AllowedFailures::Percent(percent) => failed as f64 * 100.0 <= percent * documents as f64,
        }
    }
}

/// A count, or a percentage with its sign: `10`, `0.5%`.
pub(crate) fn parse_allowed_failures(text: &str) -> Result<AllowedFailures, String> {
    let wrong = || "it is a number of documents, or a percentage from 0% to 100%".to_owned();
    match text.strip_suffix('%') {
        None => text.parse().map(AllowedFailures::Count).map_err(|_| wrong()),
        Some(percent) => match percent.trim_end().parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(AllowedFailures::Percent(percent)),
            _ => Err(wrong()),
        },
    }
}

/// A number with its thousands apart: `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.char_indices() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 member`, `12,345 members`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// A size in the decimal units of disks and networks: `12.3 MB`.
pub(crate) fn bytes(size: u64) -> String {
    ByteSize::b(size).display().si().to_string()
}

/// A duration to the precision that matters at its length: `0.42 s`, `12.3 s`, `4 min 05 s`, `3 h 12 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=9 => format!("{:.2} s", duration.as_secs_f64()),
        10..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How many a second.
pub(crate) fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let cases = [
            ("30s", 30_000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("2 h", 7_200_000),
            ("1min", 60_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "30",
            "s",
            "0s",
            "-1s",
            "1e400s",
            "1d",
            "",
            "1s2",
            "nans",
            "8761h",
            "10000000000000000000s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, size) in [
            ("4096", 4096),
            ("64MiB", 64 << 20),
            ("64 MiB", 64 << 20),
            ("1.5GB", 1_500_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(size), "{text}");
        }
        for text in ["", "MiB", "-1", "12 parsecs"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn buffers_have_bounds() {
        assert_eq!(parse_buffer_bytes("1GiB"), Ok(1 << 30));
        for text in ["0", "1025MiB", "x"] {
            assert!(parse_buffer_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn allowed_failures_are_a_count_or_a_share() {
        assert_eq!(parse_allowed_failures("10"), Ok(AllowedFailures::Count(10)));
        assert_eq!(parse_allowed_failures("0.5%"), Ok(AllowedFailures::Percent(0.5)));
        for text in ["", "-1", "101%", "NaN%", "%", "1.5"] {
            assert!(parse_allowed_failures(text).is_err(), "{text}");
        }
        assert!(AllowedFailures::Count(0).allow(0, 0) && !AllowedFailures::Count(0).allow(1, 10));
        assert!(AllowedFailures::Percent(10.0).allow(1, 10) && !AllowedFailures::Percent(9.9).allow(1, 10));
        assert!(AllowedFailures::Percent(0.0).allow(0, 0));
    }

    #[test]
    fn numbers_are_shown_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        for (milliseconds, text) in [
            (420, "0.42 s"),
            (12_340, "12.3 s"),
            (245_000, "4 min 05 s"),
            (11_520_000, "3 h 12 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(bytes(12_345_678), "12.3 MB");
    }
}
