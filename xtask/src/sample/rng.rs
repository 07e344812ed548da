//! Random numbers that are the same on every machine and in every release.
//!
//! Only integer arithmetic and the operations that IEEE 754 rounds exactly (`+ - * /`) are used: `exp` and `ln` of the
//! platform's mathematical library differ in the last bit from one platform to another, and so would the archives.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The increment of the state: 2^64 divided by the golden ratio, odd.
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

    /// The generator that starts at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of the document at position `index` of an archive made from `seed`.
    ///
    /// Each document has a generator of its own, so a longer archive begins with the documents of a shorter one.
    pub(crate) fn for_document(seed: u64, index: u64) -> Self {
        let mut archive = Self::new(seed);
        let start = archive.next();
        Self::new(Self::new(start ^ index.wrapping_mul(Self::GAMMA)).next())
    }

    /// The next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(Self::GAMMA);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, each equally likely.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The position of one of `weights`, in proportion to it.
    pub(crate) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (position, &weight) in weights.iter().enumerate() {
            if left < weight {
                return position;
            }
            left -= weight;
        }
        unreachable!("a number below the sum of the weights lies in one of them")
    }

    /// A number from 0 up to, not including, 1, with 53 random bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of the standard normal distribution, as the sum of twelve uniform ones (Irwin–Hall): within ±6.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A number of the lognormal distribution with this mean and this standard deviation of its logarithm.
    pub(crate) fn lognormal(&mut self, mean: f64, sigma: f64) -> f64 {
        mean * exp(sigma * self.normal() - sigma * sigma / 2.0)
    }
}

/// e to the power of `x`: the Taylor series at a 1,024th of `x`, squared ten times.
fn exp(x: f64) -> f64 {
    let small = x / 1024.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..12 {
        term = term * small / f64::from(n);
        sum += term;
    }
    for _ in 0..10 {
        sum = sum * sum;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_reference_implementation() {
        // From Sebastiano Vigna's splitmix64.c with the seed 1234567.
        let mut rng = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| rng.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn exp_agrees_with_the_platform() {
        for tenths in -120..=120 {
            let x = f64::from(tenths) / 10.0;
            let relative = (exp(x) - x.exp()).abs() / x.exp();
            assert!(relative < 1e-11, "exp({x}) is off by {relative}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let mut rng = SplitMix64::new(7);
        for _ in 0..10_000 {
            assert!(rng.below(3) < 3);
            assert!((-2..=2).contains(&rng.between(-2, 2)));
            assert!(rng.weighted(&[0, 5, 0, 1]) % 2 == 1);
        }
    }

    #[test]
    fn lognormal_has_its_mean_and_its_skew() {
        let mut rng = SplitMix64::new(1);
        let mut numbers: Vec<f64> = (0..200_000).map(|_| rng.lognormal(110.0, 1.2)).collect();
        numbers.sort_by(f64::total_cmp);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let median = numbers[numbers.len() / 2];
        assert!((105.0..115.0).contains(&mean), "mean {mean}");
        // The median of a lognormal distribution is its mean divided by e^(sigma²/2).
        assert!((52.0..55.0).contains(&median), "median {median}");
    }
}
