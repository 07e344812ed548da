//! What a run did when: how much was done, and what each worker was at. It is for people, and bounded whatever the run.
//!
//! The loop says what it hears and does, and a clock is read each time; that is a few times for a mebibyte of documents.
//! Nothing here decides anything, and what is never told costs a picture and no more.

mod series;

use std::time::{Duration, Instant};

use tarquet_wire::message::ToWorker;

use crate::history::series::Series;
use crate::machine::{Death, Event, WorkerId};
use crate::numbering::Sent;

/// Deaths that are told one by one.
const MOST_DEATHS: usize = 64;

/// The most bytes of what a worker died of.
const LONGEST_DEATH: usize = 240;

/// What a run did when. The bins of all that is in it have one width, and there are at most 200 of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// How long the workers' part of the run took.
    pub elapsed: Duration,
    /// The width of a bin. Zero only where there is none.
    pub bin: Duration,
    /// What was done, bin by bin; behind the last one nothing was.
    pub done: Vec<Done>,
    /// Places for workers. A worker that replaces another has its place.
    pub lanes: Vec<Lane>,
    /// The first deaths of workers that were replaced, in order.
    pub deaths: Vec<DeathOfWorker>,
    /// How many there were.
    pub death_count: u64,
}

/// What was done within a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Documents whose rows came into archive order, failed ones included.
    pub documents: u64,
    /// Bytes of the members that workers were done with, decompressed.
    pub bytes: u64,
}

/// A place for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lane {
    /// What the workers in it were at, bin by bin; where they were at nothing, there was none.
    pub at: Vec<Shares>,
}

/// What a worker was at within a bin. Together it is at most as long as the bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shares {
    /// It had a task.
    pub busy: Duration,
    /// It had rows that waited for credit.
    pub waiting: Duration,
    /// It started, or had nothing to do.
    pub idle: Duration,
}

/// The death of a worker that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeathOfWorker {
    /// When, from the beginning.
    pub at: Duration,
    /// In which lane.
    pub lane: usize,
    /// The worker.
    pub worker: WorkerId,
    /// What it died of, as it goes on from a subject.
    pub what: String,
}

/// What a worker is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Busy,
    Waiting,
    Idle,
}

/// A place, while the run goes on.
#[derive(Debug)]
struct Place {
    /// The worker in it, or the last one.
    worker: WorkerId,
    /// What it is at, and since when; `None` where it is gone.
    state: Option<(State, Duration)>,
    /// Tasks that it has.
    tasks: usize,
    at: Series<3>,
}

/// Writes down what a run does.
#[derive(Debug)]
pub(crate) struct History {
    began: Instant,
    done: Series<2>,
    places: Vec<Place>,
    deaths: Vec<DeathOfWorker>,
    death_count: u64,
}

impl History {
    /// Begins now.
    pub(crate) fn new() -> History {
        History {
            began: Instant::now(),
            done: Series::new(),
            places: Vec::new(),
            deaths: Vec::new(),
            death_count: 0,
        }
    }

    /// A worker is started.
    pub(crate) fn spawned(&mut self, worker: WorkerId) {
        let now = self.began.elapsed();
        let free = self.places.iter().position(|place| place.state.is_none());
        let place = free.unwrap_or_else(|| {
            self.places.push(Place {
                worker,
                state: None,
                tasks: 0,
                at: Series::new(),
            });
            self.places.len() - 1
        });
        let place = &mut self.places[place];
        (place.worker, place.tasks) = (worker, 0);
        place.go_over(Some(State::Idle), now);
    }

    /// A worker is told something.
    pub(crate) fn told(&mut self, worker: WorkerId, message: &ToWorker) {
        if let ToWorker::Task(_) | ToWorker::Sample(_) = message
            && let Some((place, now)) = self.place(worker)
        {
            place.tasks += 1;
            if place.tasks == 1 {
                place.go_over(Some(State::Busy), now);
            }
        }
    }

    /// A worker says something.
    pub(crate) fn heard(&mut self, event: &Event<Sent>) {
        match event {
            Event::Blocked { worker, .. } => self.now_at(*worker, State::Waiting),
            Event::Started { worker, .. } | Event::Unit { worker, .. } => self.now_at(*worker, State::Busy),
            Event::TaskDone { worker, .. } | Event::SampleDone { worker, .. } => {
                if let Some((place, now)) = self.place(*worker) {
                    place.tasks = place.tasks.saturating_sub(1);
                    let state = if place.tasks == 0 { State::Idle } else { State::Busy };
                    place.go_over(Some(state), now);
                }
            }
            _ => {}
        }
    }

    /// A unit came into archive order.
    pub(crate) fn delivered(&mut self, sent: &Sent) {
        let documents = (sent.unit.documents + sent.unit.failures.len()) as u64;
        self.done.add(self.began.elapsed(), [documents, 0]);
    }

    /// Workers are done with so many bytes of members.
    pub(crate) fn released(&mut self, bytes: u64) {
        self.done.add(self.began.elapsed(), [0, bytes]);
    }

    /// A worker is gone.
    pub(crate) fn gone(&mut self, worker: WorkerId) {
        if let Some((place, now)) = self.place(worker) {
            place.go_over(None, now);
        }
    }

    /// A worker died, and there is, or will be, another one for it.
    pub(crate) fn replaced(&mut self, worker: WorkerId, death: &Death) {
        self.death_count += 1;
        // The replacement comes later.
        let lane = self.places.iter().position(|place| place.worker == worker);
        if let Some(lane) = lane.filter(|_| self.deaths.len() < MOST_DEATHS) {
            let mut what = death.to_string();
            what.truncate(what.floor_char_boundary(LONGEST_DEATH));
            self.deaths.push(DeathOfWorker {
                at: self.began.elapsed(),
                lane,
                worker,
                what,
            });
        }
    }

    /// All of it until now.
    pub(crate) fn timeline(&self) -> Timeline {
        let now = self.began.elapsed();
        let places = self.places.iter().map(|place| place.until(now));
        let places: Vec<Series<3>> = places.collect();
        let widths = places.iter().map(Series::width);
        let bin = widths.fold(self.done.width(), Duration::max);
        Timeline {
            elapsed: now,
            bin,
            done: self.done.clone().into_bins(bin).into_iter().map(Done::of).collect(),
            lanes: places.into_iter().map(|at| Lane::of(at, bin)).collect(),
            deaths: self.deaths.clone(),
            death_count: self.death_count,
        }
    }

    fn now_at(&mut self, worker: WorkerId, state: State) {
        if let Some((place, now)) = self.place(worker) {
            place.go_over(Some(state), now);
        }
    }

    /// The place of a worker that lives, and the time.
    fn place(&mut self, worker: WorkerId) -> Option<(&mut Place, Duration)> {
        let now = self.began.elapsed();
        let mut places = self.places.iter_mut();
        let place = places.find(|place| place.worker == worker && place.state.is_some())?;
        Some((place, now))
    }
}

impl Place {
    fn go_over(&mut self, to: Option<State>, now: Duration) {
        if let Some((state, since)) = self.state {
            if to == Some(state) {
                return;
            }
            self.at.add_span(since, now, state as usize);
        }
        self.state = to.map(|state| (state, now));
    }

    /// What it was at until now.
    fn until(&self, now: Duration) -> Series<3> {
        let mut at = self.at.clone();
        if let Some((state, since)) = self.state {
            at.add_span(since, now, state as usize);
        }
        at
    }
}

impl Done {
    fn of([documents, bytes]: [u64; 2]) -> Done {
        Done { documents, bytes }
    }
}

impl Lane {
    fn of(at: Series<3>, bin: Duration) -> Lane {
        let shares = |times: [u64; 3]| {
            let [busy, waiting, idle] = times.map(Duration::from_nanos);
            Shares { busy, waiting, idle }
        };
        Lane {
            at: at.into_bins(bin).into_iter().map(shares).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// As wide as bins are at first.
    const TICK: Duration = Duration::from_millis(10);

    #[test]
    fn a_place_is_at_one_thing_at_a_time() {
        let mut place = Place {
            worker: WorkerId(0),
            state: None,
            tasks: 0,
            at: Series::new(),
        };
        for (state, at) in [
            (Some(State::Idle), 1),
            (Some(State::Busy), 2),
            (Some(State::Busy), 3),
            (Some(State::Waiting), 5),
            (Some(State::Busy), 6),
            (None, 10),
            // Nobody is there, and then the next one.
            (Some(State::Idle), 12),
        ] {
            place.go_over(state, TICK * at);
        }
        let lane = Lane::of(place.until(TICK * 15), TICK);
        let of = |share: fn(&Shares) -> Duration| {
            let ticks = lane.at.iter().map(|bin| share(bin).as_millis() / 10);
            ticks.collect::<Vec<_>>()
        };
        assert_eq!(of(|at| at.idle), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]);
        assert_eq!(of(|at| at.busy), [0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(|at| at.waiting), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn replacements_have_the_places_of_those_before_and_deaths_are_bounded() {
        let mut history = History::new();
        (0..3).for_each(|worker| history.spawned(WorkerId(worker)));
        for worker in 0..1_000 {
            history.gone(WorkerId(worker));
            history.replaced(WorkerId(worker), &Death::Protocol("é".repeat(1_000)));
            history.spawned(WorkerId(worker + 3));
        }
        let timeline = history.timeline();
        assert_eq!((timeline.lanes.len(), timeline.death_count), (3, 1_000));
        assert_eq!(timeline.deaths.len(), MOST_DEATHS);
        for (number, death) in timeline.deaths.iter().enumerate() {
            assert_eq!((death.worker, death.lane), (WorkerId(number as u64), number % 3));
            assert!(death.what.starts_with("broke the protocol") && death.what.len() <= LONGEST_DEATH);
        }
    }

    #[test]
    fn what_is_done_is_counted_and_all_bins_have_one_width() {
        let mut history = History::new();
        history.spawned(WorkerId(0));
        (0..10).for_each(|bytes| history.released(bytes));
        history.done.add(SECOND * 100, [7, 0]);
        let timeline = history.timeline();
        let sum = |of: fn(&Done) -> u64| timeline.done.iter().map(of).sum::<u64>();
        assert_eq!((sum(|done| done.documents), sum(|done| done.bytes)), (7, 45));
        assert!(timeline.bin >= SECOND * 100 / 200 && timeline.lanes[0].at.len() <= 1);
    }
}
