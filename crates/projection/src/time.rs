//! Days, wall-clock times and instants, as ISO 8601 (extended format) and RFC 3339 write them.
//!
//! What is read is `YYYY-MM-DD`, then `T` or a space, then `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`, then `Z`, `±HH:MM`,
//! `±HHMM` or `±HH`. Letters may be small, the point may be a comma. Microseconds are all that is kept: more than six
//! digits of a fraction fit only where the rest are zeros. A leap second, 24:00 and a day that its month does not have
//! do not fit.

/// How many microseconds a second has.
const MICROS: i64 = 1_000_000;

/// The days since 1970-01-01 of a day `YYYY-MM-DD`.
pub(crate) fn day(text: &[u8]) -> Option<i32> {
    let (days, rest) = split_day(text)?;
    rest.is_empty().then_some(days)
}

/// The microseconds since 1970-01-01T00:00:00Z of an instant, which has an offset.
pub(crate) fn instant(text: &[u8]) -> Option<i64> {
    let (local, zone) = split_local(text)?;
    Some(local - offset_minutes(zone)? * 60 * MICROS)
}

/// The microseconds since 1970-01-01T00:00:00 of a wall-clock time, which has no offset.
pub(crate) fn wall_clock(text: &[u8]) -> Option<i64> {
    let (local, zone) = split_local(text)?;
    zone.is_empty().then_some(local)
}

fn split_local(text: &[u8]) -> Option<(i64, &[u8])> {
    let (days, rest) = split_day(text)?;
    let rest = rest
        .strip_prefix(b"T")
        .or_else(|| rest.strip_prefix(b"t"))
        .or_else(|| rest.strip_prefix(b" "))?;
    let (micros, zone) = split_time(rest)?;
    Some((i64::from(days) * 86_400 * MICROS + micros, zone))
}

fn split_day(text: &[u8]) -> Option<(i32, &[u8])> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&date[..4])?, digits(&date[5..7])?, digits(&date[8..])?);
    let real = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day);
    real.then(|| (days_from_civil(year, month, day), rest))
}

/// The microseconds since midnight, and what follows the time.
fn split_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour_minute, rest) = text.split_first_chunk::<5>()?;
    let (hour, minute) = (digits(&hour_minute[..2])?, digits(&hour_minute[3..])?);
    if hour_minute[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let minutes = i64::from(hour * 60 + minute);
    let Some(rest) = rest.strip_prefix(b":") else {
        return Some((minutes * 60 * MICROS, rest));
    };
    let (second, rest) = rest.split_first_chunk::<2>()?;
    let second = digits(second).filter(|second| *second <= 59)?;
    let (fraction, rest) = split_fraction(rest)?;
    Some(((minutes * 60 + i64::from(second)) * MICROS + fraction, rest))
}

/// The microseconds of a fraction, if one begins `text`, and what follows it.
fn split_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, text));
    };
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(len);
    let (kept, beyond) = fraction.split_at(len.min(6));
    if len == 0 || beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let micros = i64::from(digits(kept)?) * 10i64.pow(6 - kept.len() as u32);
    Some((micros, rest))
}

/// The minutes that local time is ahead of UTC.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, digits(&[*h1, *h2])?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = i64::from(hours * 60 + minutes);
    match sign {
        b'+' => Some(ahead),
        b'-' => Some(-ahead),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i32> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0'))
    })
}

fn month_length(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a day of the proleptic Gregorian calendar. The algorithm is Howard Hinnant's
/// `days_from_civil`: years begin in March, so that the day that comes and goes is a year's last.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The day after a day, by the rules that a calendar is taught with.
    fn next_day((year, month, day): (i32, i32, i32)) -> (i32, i32, i32) {
        if day < month_length(year, month) {
            (year, month, day + 1)
        } else if month < 12 {
            (year, month + 1, 1)
        } else {
            (year + 1, 1, 1)
        }
    }

    #[test]
    fn every_day_of_four_digit_years_is_one_after_the_day_before() {
        let mut date = (0, 1, 1);
        let mut expected = -719_528;
        while date.0 < 10_000 {
            assert_eq!(days_from_civil(date.0, date.1, date.2), expected, "{date:?}");
            date = next_day(date);
            expected += 1;
        }
        assert_eq!(day(b"1970-01-01"), Some(0));
        assert_eq!(day(b"2000-03-01"), Some(11_017));
    }

    #[test]
    fn instants_are_read_in_utc() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.5z", Some(500_000)),
            ("1970-01-01 00:00Z", Some(0)),
            ("1970-01-01t00:00:01,000001Z", Some(1_000_001)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1970-01-01T01:00:00+0100", Some(0)),
            ("1970-01-01T01:00:00+01", Some(0)),
            ("1969-12-31T19:30:00-04:30", Some(0)),
            ("1970-01-01T00:00:00-00:00", Some(0)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000_000_000)),
            ("1970-01-01T00:00:00.123456000Z", Some(123_456)),
            ("1970-01-01T00:00:00.1234567Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:60Z", None),
            ("1970-01-01T24:00:00Z", None),
            ("1970-01-01T00:60:00Z", None),
            ("1970-02-29T00:00:00Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-00-01T00:00:00Z", None),
            ("1970-01-00T00:00:00Z", None),
            ("1970-01-01T00:00:00+24:00", None),
            ("1970-01-01T00:00:00 Z", None),
            ("1970-01-01T00:00:00ZZ", None),
            ("1970-01-01T00Z", None),
            ("70-01-01T00:00:00Z", None),
            ("+970-01-01T00:00:00Z", None),
            ("1970-01-01", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(instant(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(wall_clock(b"1970-01-02T00:00:00"), Some(86_400 * MICROS));
        assert_eq!(wall_clock(b"1970-01-02T00:00:00Z"), None);
        assert_eq!(day(b"1970-01-02T00:00"), None);
    }

    proptest! {
        #[test]
        fn an_offset_only_moves_the_instant(
            seconds in 0i64..86_400, micros in 0i64..MICROS, hours in 0i64..24, minutes in 0i64..60, behind in any::<bool>(),
        ) {
            let sign = if behind { '-' } else { '+' };
            let clock = format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            let text = format!("2001-02-03T{clock}{sign}{hours:02}:{minutes:02}");
            let ahead = (hours * 60 + minutes) * if behind { -1 } else { 1 };
            let expected = i64::from(day(b"2001-02-03").unwrap()) * 86_400 * MICROS + seconds * MICROS + micros;
            prop_assert_eq!(instant(text.as_bytes()), Some(expected - ahead * 60 * MICROS));
            prop_assert_eq!(wall_clock(format!("2001-02-03 {clock}").as_bytes()), Some(expected));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in "[0-9TZtz:.,+ -]{0,40}") {
            let read = [instant(text.as_bytes()).is_some(), wall_clock(text.as_bytes()).is_some(), day(text.as_bytes()).is_some()];
            prop_assert!(read.iter().filter(|read| **read).count() <= 1);
        }
    }
}
