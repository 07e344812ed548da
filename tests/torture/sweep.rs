//! What a sweep is run with, and what is told of it.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::documents::Random;

/// The seed with which every sweep runs each time.
const FIXED_SEED: u64 = 0x7461_7271_7565_7400;

/// In a long sweep everything is done as often as the README says.
pub(crate) fn is_long() -> bool {
    env::var("TARQUET_TORTURE").is_ok_and(|value| value == "long")
}

/// How often something is done with one seed: `short` times, or `long` times in a long sweep.
pub(crate) fn times(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// The seed that is another each time, unless `TARQUET_SEED` says which.
fn fresh_seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| match env::var("TARQUET_SEED") {
        Ok(seed) => seed.parse().expect("TARQUET_SEED is a number"),
        Err(_) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            // Short enough to be typed.
            now.expect("the clock is set").as_nanos() as u64 % 1_000_000_000
        }
    })
}

/// What a sweep did: how often, and how long it took.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, u64>,
    times: BTreeMap<&'static str, Vec<Duration>>,
}

impl Tally {
    /// Counts something that happened once more.
    pub(crate) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// Counts something that happened so many times more.
    pub(crate) fn add(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    /// Keeps the largest of some values.
    pub(crate) fn raise(&mut self, what: &'static str, value: u64) {
        let largest = self.counts.entry(what).or_default();
        *largest = value.max(*largest);
    }

    /// How often something happened.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Notes how long something took.
    pub(crate) fn took(&mut self, what: &'static str, time: Duration) {
        self.times.entry(what).or_default().push(time);
    }

    /// The time within which something was done so many times of a hundred.
    pub(crate) fn percentile(&self, what: &str, percent: usize) -> Duration {
        let mut times = self.times.get(what).cloned().unwrap_or_default();
        assert!(!times.is_empty(), "{what}: nothing was measured");
        times.sort_unstable();
        times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
    }

    fn text(&self) -> String {
        let counts = self.counts.iter().map(|(what, count)| format!("{count} {what}"));
        let times = self.times.keys().map(|what| {
            let [half, most, all] = [50, 99, 100].map(|percent| self.percentile(what, percent));
            format!("{what}: {half:.1?} (median), {most:.1?} (99 %), {all:.1?} (all)")
        });
        counts.chain(times).collect::<Vec<_>>().join(", ")
    }
}

/// Runs a sweep with both seeds, one sweep at a time: what it shows depends on the clock. Then `check` looks at what both
/// did together, and a line tells it.
pub(crate) fn sweep(name: &'static str, mut body: impl FnMut(&mut Random, &mut Tally), check: impl FnOnce(&mut Tally)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = Told {
        name,
        started: Instant::now(),
        tally: Tally::default(),
    };
    for seed in [FIXED_SEED, fresh_seed()] {
        body(&mut Random(seed), &mut told.tally);
    }
    check(&mut told.tally);
}

/// Tells what a sweep did, however it ends.
struct Told {
    name: &'static str,
    started: Instant,
    tally: Tally,
}

impl Drop for Told {
    #[expect(clippy::print_stderr, reason = "what is told of a sweep is what it is for")]
    fn drop(&mut self) {
        let outcome = if thread::panicking() { "FAILED" } else { "passed" };
        // `cargo xtask torture` looks for this.
        let mut line = format!("torture | {} | {}", self.name, self.tally.text());
        let seconds = self.started.elapsed().as_secs_f64();
        write!(line, " | {outcome} | {} | {seconds:.1}", fresh_seed()).expect("a string takes any text");
        eprintln!("{line}");
    }
}

/// Says that a part of a sweep cannot be done here.
#[expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Waits for an instant of the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "at which instant something happens is what a sweep varies; there is no condition to wait for"
)]
pub(crate) fn wait_until(instant: Instant) {
    thread::sleep(instant.saturating_duration_since(Instant::now()));
}

/// A random length of time, shorter than `limit`.
pub(crate) fn moment(random: &mut Random, limit: Duration) -> Duration {
    Duration::from_nanos(random.below(limit.as_nanos() as u64))
}

/// The numbers from 1 on at which something is made to fail: all of them in a long sweep, else one of `stride`, by chance.
pub(crate) struct Points {
    next: u64,
    stride: u64,
}

impl Points {
    /// One of `stride` in a short sweep.
    pub(crate) fn new(random: &mut Random, stride: u64) -> Points {
        let stride = if is_long() { 1 } else { stride };
        Points {
            next: 1 + random.below(stride),
            stride,
        }
    }

    /// The next number.
    pub(crate) fn next(&mut self, random: &mut Random) -> u64 {
        let point = self.next;
        self.next += match self.stride {
            1 => 1,
            stride => 1 + random.below(2 * stride - 1),
        };
        point
    }
}
