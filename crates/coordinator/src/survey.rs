//! A run that leaves nothing behind: what workers make of the documents goes to a [`Sink`] in this process.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tarquet_dataset::{Table, Unit};
use tarquet_feature_map::Plan;
use tarquet_wire::message::Product;
use tarquet_wire::sandbox::Held;

use crate::archives::Archives;
use crate::beginning::Beginning;
use crate::counters::{Amounts, Counters, Progress};
use crate::ending::Ending;
use crate::error::RunError;
use crate::feeder::Portion;
use crate::goal::{Begin, Goal};
use crate::input::Input;
use crate::machine::Event;
use crate::road::{Journey, Road};
use crate::run::Stopper;
use crate::settings::Settings;
use crate::writer::{Order, Writer};

/// How much of the archives is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that is wanted.
    All,
    /// The first wanted members, so many.
    First(u64),
    /// So many wanted members at the most, from all over the archives. Of standard input, whose length nobody knows, the first
    /// ones.
    Spread(u64),
}

/// Takes the units of a survey, in archive order.
pub trait Sink: Send + 'static {
    /// What workers make of documents.
    const PRODUCT: Product;

    /// The plan, now that every value has a type, and its tables.
    fn begin(&mut self, plan: &Plan, tables: &[Table]);

    /// Takes a unit, and says whether there is to be another one.
    fn take(&mut self, unit: Unit) -> ControlFlow<()>;
}

/// A survey that can be started.
pub struct Survey<S> {
    settings: Settings,
    extent: Extent,
    archives: Archives,
    sink: S,
    counters: Arc<Counters>,
    inputs: (Sender<Input>, Receiver<Input>),
}

/// What a survey was.
#[derive(Debug)]
pub struct Surveyed {
    /// The counts at the end.
    pub progress: Progress,
    /// Whether all that is wanted was read.
    pub is_whole: bool,
    /// Whether the sink had enough before the end: nobody has looked whether there is more.
    pub has_enough: bool,
    /// Whether what was read is from all over the archives.
    pub is_spread: bool,
    /// How archives ended, of those that were read to their end and whose end is worth a word.
    pub endings: Vec<Ending>,
    /// A member name whose id some member before had.
    pub repeated_id: Option<String>,
    /// A member of many documents, all of which have the id that its name gives.
    pub shared_id: Option<String>,
    /// What held every worker in; `None` where there was none.
    pub sandbox: Option<Held>,
}

impl<S: Sink> Survey<S> {
    /// A survey of so much of the archives, which are there. For the first bytes of standard input this waits, and nothing but
    /// a signal that kills ends that.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`].
    pub fn open(settings: Settings, extent: Extent, sink: S) -> Result<Survey<S>, RunError> {
        let archives = Archives::open(&settings.sources, settings.several, None)?;
        Ok(Survey {
            settings,
            extent,
            archives,
            sink,
            counters: Arc::default(),
            inputs: channel(),
        })
    }

    /// The survey's counters.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// What stops the survey.
    pub fn stopper(&self) -> Stopper {
        Stopper::of(&self.inputs.0)
    }

    /// Reads until the sink has enough, or until there is no more; no worker lives after it.
    ///
    /// # Errors
    ///
    /// Whatever ends a survey before its time.
    pub fn run(self) -> Result<(S, Surveyed), RunError> {
        let Survey {
            settings,
            extent,
            archives,
            sink,
            counters,
            inputs: (inputs, receiver),
        } = self;
        let len = archives.len();
        counters.archive_len.store(len.unwrap_or(0), Ordering::Relaxed);
        let portion = match (extent, len) {
            (Extent::All, _) => Portion::default(),
            (Extent::Spread(members), Some(bytes)) => Portion::spread(members, bytes),
            (Extent::First(members) | Extent::Spread(members), _) => Portion::first(members),
        };
        let (mut road, spool) = Road::through(archives, &settings, None)?;
        let beginning = Beginning::at_start(&mut road.course, spool)?;
        let shared = Arc::new(Shared {
            sink: Mutex::new(sink),
            has_enough: AtomicBool::new(false),
        });
        let goal = Goal::Sink(Gathering {
            product: S::PRODUCT,
            sink: Arc::clone(&shared) as Arc<dyn Receive>,
        });
        let journey = Journey {
            settings,
            road,
            beginning,
            position: None,
            portion,
            goal,
            counters: &counters,
            inputs: &inputs,
            receiver: &receiver,
        };
        let (run, ended) = journey.make()?;
        let has_enough = shared.has_enough.load(Ordering::Acquire);
        match ended {
            Err(RunError::Stopped) if has_enough => {}
            ended => drop(ended?),
        }
        let notes = run.notes();
        let is_damaged = notes.endings.iter().any(|ending| ending.damage.is_some());
        let surveyed = Surveyed {
            progress: counters.progress(),
            is_whole: !has_enough && !is_damaged && run.walked_to_the_end(),
            has_enough,
            is_spread: !has_enough && matches!(extent, Extent::Spread(_)) && len.is_some(),
            endings: notes.endings,
            repeated_id: notes.repeated_id,
            shared_id: notes.shared_id,
            sandbox: run.sandbox().cloned(),
        };
        // What is left of the run holds it too.
        drop(run);
        let shared = Arc::into_inner(shared).ok_or(RunError::Panicked {
            what: "the survey's thread",
        })?;
        let sink = shared.sink.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((sink, surveyed))
    }
}

/// A sink, shared by the thread that fills it and whoever gets it back.
struct Shared<S> {
    sink: Mutex<S>,
    has_enough: AtomicBool,
}

/// A [`Shared`] of any sink.
trait Receive: Send + Sync {
    fn begin(&self, plan: &Plan, tables: &[Table]);
    fn take(&self, unit: Unit) -> ControlFlow<()>;
}

impl<S: Sink> Receive for Shared<S> {
    fn begin(&self, plan: &Plan, tables: &[Table]) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.begin(plan, tables);
    }

    fn take(&self, unit: Unit) -> ControlFlow<()> {
        let taken = self.sink.lock().unwrap_or_else(PoisonError::into_inner).take(unit);
        if taken.is_break() {
            self.has_enough.store(true, Ordering::Release);
        }
        taken
    }
}

/// Where the units of a survey go.
pub(crate) struct Gathering {
    pub(crate) product: Product,
    sink: Arc<dyn Receive>,
}

impl Gathering {
    /// Starts the thread that hands units to the sink.
    pub(crate) fn begin(self, begin: Begin<'_>) -> io::Result<Writer> {
        let Begin {
            plan,
            tables,
            mut numbering,
            trail,
            counters,
            inputs,
        } = begin;
        let sink = self.sink;
        sink.begin(plan, &tables);
        let told = inputs.clone();
        Writer::spawn(inputs, move |orders, abandoned| {
            let mut members = 0;
            while let Ok(order) = orders.recv() {
                if abandoned.load(Ordering::Acquire) {
                    return Ok(None);
                }
                match order {
                    Order::Append { worker, bytes, unit } => {
                        let archive = trail.of(members).and_then(|begun| begun.name);
                        let unit = numbering.number(unit, archive.as_deref());
                        members += unit.members;
                        counters.delivered(&Amounts::of(&unit));
                        if sink.take(unit).is_break() {
                            return Ok(Some(Input::Enough));
                        }
                        // The loop may have ended.
                        told.send(Input::Machine(Event::Absorbed { worker, bytes })).ok();
                    }
                    Order::Finish { .. } => {
                        trail.check(u64::MAX)?;
                        return Ok(Some(Input::Gathered));
                    }
                    Order::Suspend => return Ok(Some(Input::Suspended)),
                }
            }
            Ok(None)
        })
    }
}
