//! Charts of a run, as SVG that stretches to its place. All that is written stands beside it as HTML, so that it stays
//! readable on a screen of any width, and each chart says in words what it shows.

use std::fmt::Write as _;
use std::time::Duration;

use maud::{Markup, html};
use tarquet_coordinator::{DeathOfWorker, Done, Lane, Shares, Timeline};

use crate::quantity::{counted, duration, grouped, rate};
use crate::report::scale::{nice_above, time_ticks};
use crate::report::text::shown;

/// The width and height that charts have for their own coordinates.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;

/// More workers than these are not drawn.
const MOST_LANES: usize = 32;

/// A lane is narrow, so it has no more bins than this.
const MOST_LANE_BINS: usize = 100;

/// How many steps a rate is drawn with: more could not be told apart.
const MOST_STEPS: usize = 100;

/// Deaths that are told in words.
const MOST_DEATHS: usize = 12;

/// Documents and bytes a second, one below the other.
pub(super) fn throughput(timeline: &Timeline) -> Markup {
    let stretches = stretches(timeline);
    let chart = |name: &str, unit: &str, colour: &str, amount: fn(&Done) -> f64, say: fn(f64) -> String| {
        let rates = stretches
            .iter()
            .map(|stretch| amount(&stretch.done) / stretch.seconds());
        let rates: Vec<f64> = rates.collect();
        let highest = rates.iter().copied().fold(0.0, f64::max);
        let top = nice_above(highest);
        let highest = say(highest);
        let said = format!(
            "{name} over {}: {highest} {unit} at the highest",
            duration(timeline.elapsed)
        );
        html! {
            figure.chart {
                figcaption { b { (name) } " " span.muted { (unit) ", highest " (highest) } }
                div.plot {
                    div.y aria-hidden="true" {
                        @for level in [0.0, 0.5, 1.0] {
                            span style=(format!("bottom:{}%", level * 100.0)) { (say(top * level)) }
                        }
                    }
                    svg.area viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(said) {
                        path.grid d="M0 0H1000M0 50H1000M0 100H1000" {}
                        path class=(colour) d=(area(timeline, &stretches, &rates, top)) {}
                    }
                    (time_axis(timeline.elapsed))
                }
            }
        }
    };
    html! {
        (chart("Documents", "documents/s", "documents", |done| done.documents as f64, of_documents))
        (chart("Data", "MB/s", "data", |done| done.bytes as f64 / 1e6, of_megabytes))
    }
}

fn of_documents(rate: f64) -> String {
    match rate {
        ..10.0 if rate.fract() != 0.0 => format!("{rate:.1}"),
        _ => grouped(rate.round() as u64),
    }
}

fn of_megabytes(rate: f64) -> String {
    match rate {
        ..100.0 if rate.fract() != 0.0 => format!("{rate:.1}"),
        _ => grouped(rate.round() as u64),
    }
}

/// What was done between two moments.
struct Stretch {
    from: Duration,
    to: Duration,
    done: Done,
}

impl Stretch {
    fn seconds(&self) -> f64 {
        (self.to - self.from).as_secs_f64().max(1e-9)
    }
}

/// The bins, as many together as are worth a step, and the last ones as long as they were. Where that is short, their rate
/// would be chance: they belong to those before.
fn stretches(timeline: &Timeline) -> Vec<Stretch> {
    let together = timeline.done.len().div_ceil(MOST_STEPS).max(1);
    let length = timeline.bin * together as u32;
    let mut stretches: Vec<Stretch> = Vec::with_capacity(MOST_STEPS);
    for (number, bins) in (0..).zip(timeline.done.chunks(together)) {
        let from = length * number;
        let to = (length * (number + 1)).min(timeline.elapsed.max(from));
        let done = bins.iter().fold(Done::default(), |sum, bin| Done {
            documents: sum.documents + bin.documents,
            bytes: sum.bytes + bin.bytes,
        });
        match stretches.last_mut() {
            Some(last) if (to - from) * 2 < length => {
                last.to = to;
                last.done.documents += done.documents;
                last.done.bytes += done.bytes;
            }
            _ => stretches.push(Stretch { from, to, done }),
        }
    }
    stretches
}

/// Where a moment is.
fn x(at: Duration, of: Duration) -> f64 {
    (at.as_secs_f64() / of.as_secs_f64().max(1e-9) * WIDTH).min(WIDTH)
}

/// The area below steps, one a stretch.
fn area(timeline: &Timeline, stretches: &[Stretch], rates: &[f64], top: f64) -> String {
    let mut path = String::from("M0 100");
    for (stretch, rate) in stretches.iter().zip(rates) {
        step(&mut path, x(stretch.to, timeline.elapsed), HEIGHT - rate / top * HEIGHT);
    }
    path + "V100Z"
}

/// Goes up or down to `y`, and then to the right up to `x`.
fn step(path: &mut String, x: f64, y: f64) {
    // A string takes any text.
    write!(path, "V{y:.1}H{x:.1}").unwrap_or_default();
}

fn time_axis(elapsed: Duration) -> Markup {
    let tick = |(at, text): (Duration, String)| {
        let share = x(at, elapsed) / WIDTH * 100.0;
        let place = match share {
            ..4.0 => "first",
            94.0.. => "last",
            _ => "",
        };
        html! { span class=(place) style=(format!("left:{share:.2}%")) { (text) } }
    };
    html! {
        div.x aria-hidden="true" { @for at in time_ticks(elapsed) { (tick(at)) } }
    }
}

/// What each worker was at, one below the other, and which of them died.
pub(super) fn workers(timeline: &Timeline) -> Markup {
    let lanes = &timeline.lanes;
    let more = lanes.len().saturating_sub(MOST_LANES);
    html! {
        ul.legend {
            li { i.busy {} "busy" }
            li { i.waiting {} "waiting for credit" }
            li { i.idle {} "idle" }
            @if timeline.death_count > 0 { li { i.death {} "died, and was replaced" } }
        }
        div.lanes {
            div.lane aria-hidden="true" { span {} span {} span.share { "busy" } }
            @for (number, lane) in lanes.iter().take(MOST_LANES).enumerate() {
                (lane_row(timeline, number, lane))
            }
            div.lane { span {} div.strip { (time_axis(timeline.elapsed)) } span {} }
        }
        @if more > 0 { p.muted { (counted(more as u64, "more worker")) " not drawn." } }
        (deaths(timeline))
    }
}

fn lane_row(timeline: &Timeline, number: usize, lane: &Lane) -> Markup {
    let deaths = || timeline.deaths.iter().filter(move |death| death.lane == number);
    let shares = sum(&lane.at);
    let percent = |time: Duration| {
        let share = time.as_secs_f64() / timeline.elapsed.as_secs_f64().max(1e-9);
        format!("{:.0} %", share * 100.0)
    };
    let [busy, waiting] = [shares.busy, shares.waiting].map(percent);
    let said = format!(
        "Worker {}: busy {busy}, waiting for credit {waiting}, {}",
        number + 1,
        counted(deaths().count() as u64, "death")
    );
    html! {
        div.lane {
            span.name { (number + 1) }
            svg.strip viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(said) {
                path.idle d=(shape(timeline, lane, |at| at.busy + at.waiting + at.idle)) {}
                path.waiting d=(shape(timeline, lane, |at| at.busy + at.waiting)) {}
                path.busy d=(shape(timeline, lane, |at| at.busy)) {}
                @for death in deaths() {
                    path.death d=(format!("M{:.1} 0V100", x(death.at, timeline.elapsed))) {
                        title { (death_text(death)) }
                    }
                }
            }
            span.share { (busy) }
        }
    }
}

fn sum(lane: &[Shares]) -> Shares {
    lane.iter().fold(Shares::default(), |sum, at| Shares {
        busy: sum.busy + at.busy,
        waiting: sum.waiting + at.waiting,
        idle: sum.idle + at.idle,
    })
}

/// The area below the share of time that `of` gives.
fn shape(timeline: &Timeline, lane: &Lane, of: fn(&Shares) -> Duration) -> String {
    let together = lane.at.len().div_ceil(MOST_LANE_BINS).max(1);
    let mut path = String::from("M0 100");
    let mut from = Duration::ZERO;
    let mut last = (f64::NAN, 0);
    for bins in lane.at.chunks(together) {
        let to = (from + timeline.bin * bins.len() as u32).min(timeline.elapsed);
        let share = of(&sum(bins)).as_secs_f64() / (to - from).as_secs_f64().max(1e-9);
        let y = HEIGHT - share.min(1.0) * HEIGHT;
        // Where nothing changes, the step before goes on.
        if (y - last.0).abs() < 0.5 {
            path.truncate(last.1);
        } else {
            last = (y, path.len());
        }
        step(&mut path, x(to, timeline.elapsed), last.0);
        from = to;
    }
    path + "V100Z"
}

fn deaths(timeline: &Timeline) -> Markup {
    let told = timeline.deaths.iter().take(MOST_DEATHS);
    let more = timeline.death_count - told.len() as u64;
    html! {
        @if timeline.death_count > 0 {
            h3 { (counted(timeline.death_count, "worker")) " died and " @if timeline.death_count == 1 { "was" } @else { "were" } " replaced" }
            ol.deaths {
                @for death in told { li { (death_text(death)) } }
            }
            @if more > 0 { p.muted { (grouped(more)) " more not listed." } }
        }
    }
}

fn death_text(death: &DeathOfWorker) -> String {
    let what = shown(&death.what, 200);
    format!("at {}: worker in place {} {what}", duration(death.at), death.lane + 1)
}

/// How many a second, as text.
pub(super) fn per_second(count: u64, elapsed: Duration) -> String {
    of_documents(rate(count, elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with as much of everything as there can be, in which nothing stays as it was.
    fn busiest() -> Timeline {
        let bin = Duration::from_secs(1);
        let at = |number: u32| Shares {
            busy: bin * (number * 7 % 10) / 10,
            waiting: bin * (number % 2) / 10,
            idle: Duration::ZERO,
        };
        let death = |number: usize| DeathOfWorker {
            at: bin * number as u32,
            lane: number,
            worker: tarquet_coordinator::machine::WorkerId(number as u64),
            what: "broke the protocol: <b>\u{1b}".repeat(8),
        };
        Timeline {
            elapsed: bin * 200 - bin / 4,
            bin,
            done: (0..200)
                .map(|number| Done {
                    documents: number % 17 * 1_000,
                    bytes: number % 19 * 1_000_000,
                })
                .collect(),
            lanes: vec![
                Lane {
                    at: (0..200).map(at).collect()
                };
                256
            ],
            deaths: (0..64).map(death).collect(),
            death_count: 1_000,
        }
    }

    #[test]
    fn the_busiest_run_has_small_charts() {
        let html = workers(&busiest()).into_string() + &throughput(&busiest()).into_string();
        assert!(html.len() < 250_000, "{} bytes", html.len());
        assert!(html.contains("224 more workers not drawn") && html.contains("988 more not listed"));
        assert!(!html.contains("<b>\\") && !html.contains('\u{1b}') && html.contains("&lt;b&gt;\\u{1b}"));
    }

    #[test]
    fn a_run_of_no_time_has_charts_too() {
        for timeline in [
            Timeline::default(),
            Timeline {
                lanes: vec![Lane::default()],
                ..Timeline::default()
            },
        ] {
            let html = workers(&timeline).into_string() + &throughput(&timeline).into_string();
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }

    #[test]
    fn rates_are_what_was_done_by_the_time_it_took() {
        let second = Duration::from_secs(1);
        let done = |documents| Done { documents, bytes: 0 };
        let timeline = Timeline {
            elapsed: second * 5 / 2 + second / 10,
            bin: second,
            done: vec![done(10), done(20), done(30)],
            ..Timeline::default()
        };
        let rates = |timeline: &Timeline| -> Vec<f64> {
            let stretches = stretches(timeline);
            stretches
                .iter()
                .map(|stretch| stretch.done.documents as f64 / stretch.seconds())
                .collect()
        };
        assert_eq!(rates(&timeline), [10.0, 20.0, 50.0]);
        let shorter = Timeline {
            elapsed: second * 9 / 4,
            ..timeline
        };
        assert_eq!(
            rates(&shorter),
            [10.0, 40.0],
            "a last bin of a quarter is of the one before"
        );
    }
}
