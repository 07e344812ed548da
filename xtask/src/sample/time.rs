//! Minutes since 1970 and how the reference data writes them.

/// Minutes in a day.
pub(crate) const DAY: i64 = 24 * 60;

/// `2024-05-17T09:36:00`, for a number of minutes since 1970-01-01T00:00.
pub(crate) fn date_time(minutes: i64) -> String {
    let (year, month, day) = civil(minutes.div_euclid(DAY));
    let rest = minutes.rem_euclid(DAY);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:00", rest / 60, rest % 60)
}

/// `04:45:00`, or `1.02:05:00` from a day on: how .NET writes a time span.
pub(crate) fn span(minutes: i64) -> String {
    let (days, rest) = (minutes / DAY, minutes % DAY);
    let clock = format!("{:02}:{:02}:00", rest / 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// The year, month and day of a number of days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (minutes, text) in [
            (0, "1970-01-01T00:00:00"),
            (-1, "1969-12-31T23:59:00"),
            (19_782 * DAY, "2024-02-29T00:00:00"),
            (19_783 * DAY + 61, "2024-03-01T01:01:00"),
        ] {
            assert_eq!(date_time(minutes), text);
        }
    }

    #[test]
    fn spans_count_days_before_a_dot() {
        assert_eq!(span(285), "04:45:00");
        assert_eq!(span(DAY + 125), "1.02:05:00");
    }
}
