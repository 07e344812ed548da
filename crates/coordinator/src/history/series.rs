//! Amounts over time, in a bounded number of bins.

use std::time::Duration;

/// The most bins that a series has.
pub(super) const MOST_BINS: usize = 200;

/// How wide bins are at first.
const FINEST: Duration = Duration::from_millis(10);

/// `N` kinds of amounts, summed up in bins of equal width that begin at 0. What comes behind the last bin that may be
/// makes all bins twice as wide: two become one, so no amount is ever lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series<const N: usize> {
    /// In nanoseconds.
    width: u64,
    bins: Vec<[u64; N]>,
}

impl<const N: usize> Series<N> {
    pub(super) fn new() -> Series<N> {
        Series {
            width: nanoseconds(FINEST),
            bins: Vec::new(),
        }
    }

    /// Adds to the bin that holds this moment.
    pub(super) fn add(&mut self, at: Duration, amounts: [u64; N]) {
        let bin = self.reach(nanoseconds(at));
        add(&mut self.bins[bin], &amounts);
    }

    /// Adds a stretch of time, in nanoseconds, to the bins that it crosses.
    pub(super) fn add_span(&mut self, from: Duration, to: Duration, kind: usize) {
        let (mut from, to) = (nanoseconds(from), nanoseconds(to));
        if from >= to {
            return;
        }
        self.reach(to);
        while from < to {
            let bin = self.reach(from);
            let end = to.min((from / self.width + 1).saturating_mul(self.width));
            self.bins[bin][kind] += end - from;
            from = end;
        }
    }

    /// How wide bins are.
    pub(super) fn width(&self) -> Duration {
        Duration::from_nanos(self.width)
    }

    /// Bins of this width, a width that some series has and that is not finer than this one's.
    pub(super) fn into_bins(mut self, width: Duration) -> Vec<[u64; N]> {
        while self.width < nanoseconds(width) {
            self.halve();
        }
        self.bins
    }

    /// The bin that holds this moment.
    fn reach(&mut self, at: u64) -> usize {
        while at / self.width >= MOST_BINS as u64 {
            self.halve();
        }
        let bin = (at / self.width) as usize;
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, [0; N]);
        }
        bin
    }

    fn halve(&mut self) {
        let sums = self.bins.chunks(2).map(|pair| {
            let mut sum = [0; N];
            pair.iter().for_each(|bin| add(&mut sum, bin));
            sum
        });
        self.bins = sums.collect();
        self.width = self.width.saturating_mul(2);
    }
}

fn add<const N: usize>(sum: &mut [u64; N], amounts: &[u64; N]) {
    sum.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
}

/// More than five hundred years are as good as forever.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Moments from within a bin to months.
    fn moment() -> impl Strategy<Value = Duration> {
        (0_u32..52, any::<u64>()).prop_map(|(bits, any)| Duration::from_nanos(any & ((1 << (bits + 1)) - 1)))
    }

    fn sums(series: &Series<2>) -> [u64; 2] {
        let mut sums = [0; 2];
        series.bins.iter().for_each(|bin| add(&mut sums, bin));
        sums
    }

    proptest! {
        #[test]
        fn bins_are_bounded_and_nothing_is_lost(
            amounts in prop::collection::vec((moment(), 0_u64..1 << 40), 0..60),
            spans in prop::collection::vec((moment(), moment()), 0..20),
        ) {
            let mut series = Series::new();
            let mut expected = [0; 2];
            for (at, amount) in amounts {
                series.add(at, [amount, 0]);
                expected[0] += amount;
                prop_assert!(series.bins.len() <= MOST_BINS);
            }
            for (one, other) in spans {
                let (from, to) = (one.min(other), one.max(other));
                series.add_span(from, to, 1);
                expected[1] += nanoseconds(to - from);
                prop_assert!(series.bins.len() <= MOST_BINS);
            }
            prop_assert_eq!(sums(&series), expected);
            // No bin holds more time than it is wide, however many spans there were.
            let width = series.width();
            let coarse = Series { width: series.width, bins: series.clone().into_bins(width * 8) };
            prop_assert_eq!(sums(&coarse), expected);
            prop_assert!(coarse.bins.len() <= series.bins.len().div_ceil(8));
        }

        #[test]
        fn a_span_is_where_it_was(from in moment(), long in moment()) {
            let to = from + long;
            let mut series = Series::<1>::new();
            series.add_span(from, to, 0);
            for (bin, [time]) in series.bins.iter().enumerate() {
                let begin = bin as u64 * series.width;
                let end = begin + series.width;
                let expected = nanoseconds(to).min(end).saturating_sub(nanoseconds(from).max(begin));
                prop_assert_eq!(*time, expected, "bin {}", bin);
            }
        }
    }

    #[test]
    fn a_full_series_keeps_half_of_its_resolution() {
        let mut series = Series::<1>::new();
        for bin in 0..MOST_BINS as u32 {
            series.add(FINEST * bin, [1]);
        }
        assert_eq!((series.bins.len(), series.width()), (MOST_BINS, FINEST));
        series.add(FINEST * MOST_BINS as u32, [1]);
        assert_eq!((series.bins.len(), series.width()), (MOST_BINS / 2 + 1, FINEST * 2));
        assert!(series.bins[..MOST_BINS / 2].iter().all(|bin| *bin == [2]));
    }
}
