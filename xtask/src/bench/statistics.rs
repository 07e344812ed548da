//! Medians, and how sure they are.

/// How likely the interval around a median is to hold the true one.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// The median of `values`: of an even number of them, the mean of the two in the middle.
///
/// # Panics
///
/// Without values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let values = sorted(values);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The interval from one of `values` to another that holds the true median with [`CONFIDENCE`]; from minus to plus infinity
/// where there are too few of them.
///
/// It makes no assumption on how the values are distributed: the number of them below the true median is binomial with one
/// half, so that the k-th smallest is above it with the probability of fewer than k heads (the interval of the sign test;
/// Conover, "Practical Nonparametric Statistics", section 3.2).
pub(crate) fn median_interval(values: &[f64]) -> (f64, f64) {
    let values = sorted(values);
    let last = values.len();
    // As many of the smallest and of the largest as can be left out.
    let out = (0..last / 2)
        .take_while(|&heads| at_most(heads, last) <= (1.0 - CONFIDENCE) / 2.0)
        .count();
    match out {
        0 => (f64::NEG_INFINITY, f64::INFINITY),
        out => (values[out - 1], values[last - out]),
    }
}

/// The probability of at most `heads` in `tosses` of a fair coin.
fn at_most(heads: usize, tosses: usize) -> f64 {
    let mut ways = 1.0;
    let mut all_ways = 0.0;
    for heads in 0..=heads {
        all_ways += ways;
        ways *= (tosses - heads) as f64 / (heads + 1) as f64;
    }
    all_ways / 2_f64.powi(tosses as i32)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(last: u32) -> Vec<f64> {
        // In an order that is not theirs.
        (0..last).map(|n| f64::from((n * 7) % last + 1)).collect()
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn coins_are_fair() {
        for (heads, tosses, probability) in [(0, 1, 0.5), (1, 1, 1.0), (0, 7, 1.0 / 128.0), (2, 4, 11.0 / 16.0)] {
            assert!(
                (at_most(heads, tosses) - probability).abs() < 1e-12,
                "{heads} of {tosses}"
            );
        }
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // The ranks that the literature gives for 95 % (Conover, table A3).
        for (count, low, high) in [(6, 1.0, 6.0), (9, 2.0, 8.0), (11, 2.0, 10.0), (20, 6.0, 15.0)] {
            assert_eq!(median_interval(&up_to(count)), (low, high), "of {count}");
        }
    }

    #[test]
    fn few_values_say_nothing() {
        assert_eq!(median_interval(&up_to(5)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(median_interval(&[]), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
