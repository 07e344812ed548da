//! How long workers are at a member, and which of them are too long at it.
//!
//! The machine has no clock; this is it. What counts against `--member-timeout` is not wall time but the time that the
//! worker was *on a processor*. A worker that is in an endless loop gathers this time on the busiest machine too, if more
//! slowly. One that waits gathers none:
//!
//! - for credit, for room in its pipe or for a command: it sleeps in a system call;
//! - for the disk, or for a page of the spool: it sleeps too;
//! - for a processor, because there are more workers than processors, or its group has used up its share;
//! - because it was stopped (SIGSTOP, Ctrl-Z) or frozen;
//! - because the coordinator was stopped, or slow: it soon has nothing left to do.
//!
//! So none of these can fail a member that is innocent, whether a member is too slow does not depend on how many workers
//! there are, and nobody has to tell the watch about any of it. What it cannot see is
//! a worker that would sleep for ever; a worker has nothing to sleep on but its pipes and the archive.
//!
//! The kernel counts this time (see [`time_used`]). It is read in ticks alone, never for each announcement, of which there
//! may be thousands a second: the first tick after an announcement takes the base line. And since an announcement may have
//! been under way while the coordinator was stopped, it takes two ticks in a row to find a worker overdue: what it said
//! before the first is heard before the second. A member is thus found overdue when it took between the limit and the limit
//! and three [periods](Watch::period).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::machine::WorkerId;

/// The watch over the workers of a run.
#[derive(Debug)]
pub(crate) struct Watch {
    limit: Duration,
    /// The workers that have a member in hand.
    at_work: BTreeMap<WorkerId, Shift>,
}

/// The time that a worker is at what it announced last.
#[derive(Debug, Default)]
struct Shift {
    /// The time that the worker had used at the first tick.
    base: Option<Duration>,
    /// Whether the limit was exceeded at the tick before.
    suspected: bool,
}

impl Watch {
    /// A watch that finds a worker overdue once it used more than `limit` on what it announced.
    pub(crate) fn new(limit: Duration) -> Watch {
        Watch {
            limit,
            at_work: BTreeMap::new(),
        }
    }

    /// How often [`Watch::tick`] is to be called.
    pub(crate) fn period(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LONGEST: Duration = Duration::from_secs(1);
        (self.limit / 10).clamp(SHORTEST, LONGEST)
    }

    /// The worker begins with something: its time counts anew.
    pub(crate) fn announced(&mut self, worker: WorkerId) {
        self.at_work.insert(worker, Shift::default());
    }

    /// The worker has nothing in hand, or is gone.
    pub(crate) fn idle(&mut self, worker: WorkerId) {
        self.at_work.remove(&worker);
    }

    /// The workers that are overdue, each of them told once. `time_used` is the time that a worker used since it was
    /// started, as far as it can be read.
    pub(crate) fn tick(&mut self, time_used: impl Fn(WorkerId) -> Option<Duration>) -> Vec<WorkerId> {
        let limit = self.limit;
        let is_overdue = |worker: &WorkerId, shift: &mut Shift| {
            let Some(used) = time_used(*worker) else { return false };
            let exceeded = used.saturating_sub(*shift.base.get_or_insert(used)) > limit;
            exceeded && std::mem::replace(&mut shift.suspected, exceeded)
        };
        self.at_work
            .extract_if(.., is_overdue)
            .map(|(worker, _)| worker)
            .collect()
    }
}

/// The time that the process was on a processor since it was started; `None` where the system does not tell.
///
/// Of a process with several threads it is the first one's. It is that of `/proc/<pid>/schedstat`; where the kernel was
/// built without these statistics, the coarser one of `/proc/<pid>/stat`.
///
/// The process has to be one that was not waited for yet: afterwards its number may be another's.
pub(crate) fn time_used(pid: u32) -> Option<Duration> {
    let read = |name| fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let precise = read("schedstat").and_then(|text| of_schedstat(&text));
    precise.or_else(|| of_stat(&read("stat")?))
}

/// Reads `/proc/<pid>/schedstat`: nanoseconds on a processor, nanoseconds on the queue of one, and how often it was given
/// one (the kernel's `Documentation/scheduler/sched-stats.rst`). A kernel that does not count gives zeros.
fn of_schedstat(text: &str) -> Option<Duration> {
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (running, _queued, times) = (fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?);
    (times > 0).then(|| Duration::from_nanos(running))
}

/// Reads `/proc/<pid>/stat`: fields 14 and 15 are the ticks in user and in kernel mode (proc_pid_stat(5)). The second one,
/// the program's name in parentheses, may hold spaces and parentheses itself.
fn of_stat(text: &str) -> Option<Duration> {
    /// Ticks a second: the kernel's `USER_HZ`, a part of its interface, which is 100 wherever Rust's standard library runs.
    const TICKS: u64 = 100;
    let (_, behind_name) = text.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_millis(
        user.saturating_add(system).saturating_mul(1000 / TICKS),
    ))
}

#[cfg(test)]
mod tests;
