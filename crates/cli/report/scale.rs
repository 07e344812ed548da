//! Where the ticks of an axis are, and what they say.

use std::time::Duration;

/// The least number that is easy to read, as is its half, and not below `value`; for nothing at all, 1.
pub(super) fn nice_above(value: f64) -> f64 {
    const STEPS: [f64; 9] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = STEPS.iter().find(|step| **step * power >= value);
    step.unwrap_or(&10.0) * power
}

/// Ticks from 0 to at most `length`, at least two and at most five, with what they say.
pub(super) fn time_ticks(length: Duration) -> Vec<(Duration, String)> {
    /// What people divide times into, in milliseconds.
    const STEPS: [u64; 24] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
        600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000,
    ];
    const HOURS_12: u64 = 43_200_000;
    let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let fits = |step: &&u64| length / **step <= 4;
    let step = STEPS.iter().find(fits).copied();
    // Of days, whole halves.
    let step = step.unwrap_or_else(|| (length / 4).next_multiple_of(HOURS_12));
    (0..=length / step)
        .map(|tick| tick * step)
        .map(|at| (Duration::from_millis(at), tick_text(at, step)))
        .collect()
}

/// A moment in milliseconds, as precise as ticks `step` apart have to be.
fn tick_text(at: u64, step: u64) -> String {
    let (hours, minutes, seconds) = (at / 3_600_000, at / 60_000 % 60, at / 1000 % 60);
    match step {
        _ if at == 0 => "0".to_owned(),
        ..1000 => {
            let digits = if step >= 100 { 1 } else { 3 };
            format!("{:.digits$} s", at as f64 / 1000.0)
        }
        1000..60_000 if at < 60_000 => format!("{seconds} s"),
        1000..60_000 => format!("{minutes}:{seconds:02} min"),
        60_000..3_600_000 if hours == 0 => format!("{minutes} min"),
        60_000..3_600_000 => format!("{hours}:{minutes:02} h"),
        _ => format!("{hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_numbers_that_are_easy_to_read() {
        for (value, expected) in [
            (0.0, 1.0),
            (f64::NAN, 1.0),
            (0.9, 1.0),
            (1.0, 1.0),
            (1.2, 1.5),
            (847.0, 1000.0),
            (61_000.0, 80_000.0),
        ] {
            assert_eq!(nice_above(value), expected, "{value}");
        }
    }

    #[test]
    fn times_have_two_to_five_ticks() {
        for milliseconds in [1, 7, 999, 4_321, 61_000, 3_599_000, 86_400_000, 10_000_000_000] {
            let length = Duration::from_millis(milliseconds);
            let ticks = time_ticks(length);
            assert!((2..=5).contains(&ticks.len()), "{length:?}: {ticks:?}");
            assert!(ticks.iter().all(|(at, _)| *at <= length));
        }
        let texts = |length| time_ticks(length).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(
            texts(Duration::from_millis(430)),
            ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]
        );
        assert_eq!(texts(Duration::from_secs(7)), ["0", "2 s", "4 s", "6 s"]);
        assert_eq!(texts(Duration::from_secs(100)), ["0", "30 s", "1:00 min", "1:30 min"]);
        assert_eq!(texts(Duration::from_secs(5_000)), ["0", "30 min", "1:00 h"]);
    }
}
