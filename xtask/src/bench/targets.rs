//! What is wanted, and what was got.

use super::engine::Engines;
use super::race::Finish;
use super::report::megabytes;
use super::results::Results;
use super::suite::{SCALE, tarquet_id};

/// One line of the table of targets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// What it is about.
    pub(crate) case: &'static str,
    /// What is wanted of it.
    pub(crate) wanted: Wanted,
    /// What was measured; `None` if it was not.
    pub(crate) got: Option<Got>,
}

/// What a measurement says of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Got {
    /// It is this.
    Exactly(f64),
    /// It is this or more.
    AtLeast(f64),
    /// It is this or less.
    AtMost(f64),
}

/// A bound, in some unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// This many times as fast, or more.
    AtLeast(f64, &'static str),
    /// This much, or less.
    AtMost(f64, &'static str),
}

impl Target {
    /// Whether what was got is what was wanted; `None` if that is not known.
    pub(crate) fn is_reached(&self) -> Option<bool> {
        match (self.wanted, self.got?) {
            (Wanted::AtLeast(bound, _), Got::Exactly(got)) => Some(got >= bound),
            (Wanted::AtMost(bound, _), Got::Exactly(got)) => Some(got <= bound),
            (Wanted::AtLeast(bound, _), Got::AtLeast(got)) => (got >= bound).then_some(true),
            (Wanted::AtMost(bound, _), Got::AtMost(got)) => (got <= bound).then_some(true),
            (Wanted::AtLeast(bound, _), Got::AtMost(got)) => (got < bound).then_some(false),
            (Wanted::AtMost(bound, _), Got::AtLeast(got)) => (got > bound).then_some(false),
        }
    }

    /// What is wanted, in words.
    pub(crate) fn wanted_text(&self) -> String {
        match self.wanted {
            Wanted::AtLeast(bound, unit) => format!("at least {bound}{unit}"),
            Wanted::AtMost(bound, unit) => format!("at most {bound}{unit}"),
        }
    }

    /// What was got, in words.
    pub(crate) fn got_text(&self) -> String {
        let (Wanted::AtLeast(bound, unit) | Wanted::AtMost(bound, unit)) = self.wanted;
        let digits = if bound < 5.0 { 2 } else { 1 };
        match self.got {
            None => "not measured".to_owned(),
            Some(Got::Exactly(got)) => format!("{got:.digits$}{unit}"),
            Some(Got::AtLeast(got)) => format!("over {got:.digits$}{unit}"),
            Some(Got::AtMost(got)) => format!("under {got:.digits$}{unit}"),
        }
    }
}

/// All targets, with what `results` say of them.
pub(crate) fn targets(results: &Results) -> Vec<Target> {
    let own = tarquet_id(results.default_workers);
    let faster_than = |section: &str, peer: &str| faster_than(results, section, &own, peer);
    let ratio = |section: &str, one: &str, other: &str| {
        quotient(results.wall(section, one), results.wall(section, other)).map(Got::Exactly)
    };
    let [_, ten_thousand, _, million] = SCALE;
    vec![
        at_least(
            "large documents, plain tar, against ClickHouse",
            10.0,
            faster_than("large", "clickhouse"),
        ),
        at_least(
            "small documents, plain tar, against Polars",
            40.0,
            faster_than("small", "polars"),
        ),
        at_least(
            "large documents, tar.gz, against ClickHouse",
            7.0,
            faster_than("large-gzip", "clickhouse"),
        ),
        at_most(
            "large documents, tar.gz, against inflating alone",
            1.2,
            "× the time",
            ratio("large-gzip", &own, "inflate"),
        ),
        at_most(
            "1 worker against its engine and a Parquet writer in one process on one thread",
            1.15,
            "× the time",
            ratio("large", &tarquet_id(1), "in-process"),
        ),
        at_most(
            "time per member, 1M members against 10k",
            1.1,
            "×",
            growth(results, &own, million, ten_thousand).map(Got::Exactly),
        ),
        at_least(
            "the engine on one core against C++ On-Demand",
            1.3,
            results.engines.as_ref().and_then(Engines::ratio).map(Got::Exactly),
        ),
        at_most(
            "the coordinator's peak in all of it",
            300.0,
            " MB",
            coordinator_peak(results).map(Got::Exactly),
        ),
        at_most(
            "the coordinator's peak, 1M members against 10k",
            1.1,
            "×",
            peak_growth(results, &own, million, ten_thousand).map(Got::Exactly),
        ),
        at_most(
            "the largest worker's peak beyond its largest document",
            60.0,
            " MB",
            worker_peak(results).map(Got::Exactly),
        ),
        at_most(
            "8 workers ready, which is a part of a whole run over 14 MB",
            30.0,
            " ms",
            // Their start is a part of it.
            results
                .wall("start", &tarquet_id(8))
                .map(|seconds| Got::AtMost(seconds * 1e3)),
        ),
    ]
}

fn at_least(case: &'static str, bound: f64, got: Option<Got>) -> Target {
    Target {
        case,
        wanted: Wanted::AtLeast(bound, "× the speed"),
        got,
    }
}

fn at_most(case: &'static str, bound: f64, unit: &'static str, got: Option<Got>) -> Target {
    Target {
        case,
        wanted: Wanted::AtMost(bound, unit),
        got,
    }
}

/// How many times as fast as `peer` tarquet is; a peer that was stopped would have needed longer.
fn faster_than(results: &Results, section: &str, own: &str, peer: &str) -> Option<Got> {
    let own = results.wall(section, own)?;
    match &results.section(section)?.outcome(peer)?.result {
        Finish::Median { run, .. } => Some(Got::Exactly(run.wall.as_secs_f64() / own)),
        Finish::Over(limit) => Some(Got::AtLeast(limit.as_secs_f64() / own)),
    }
}

fn quotient(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}

fn tiny(documents: u64) -> String {
    format!("tiny-{documents}")
}

/// The time per member of so many documents against that of so many fewer.
fn growth(results: &Results, own: &str, many: u64, few: u64) -> Option<f64> {
    let per_member = |documents| {
        let section = results.section(&tiny(documents))?;
        Some(section.median(own)?.wall.as_secs_f64() / section.archive.documents as f64)
    };
    quotient(per_member(many), per_member(few))
}

fn peak_growth(results: &Results, own: &str, many: u64, few: u64) -> Option<f64> {
    let peak = |documents| Some(results.median(&tiny(documents), own)?.first_peak as f64);
    quotient(peak(many), peak(few))
}

fn coordinator_peak(results: &Results) -> Option<f64> {
    results.own().map(|(_, run)| megabytes(run.first_peak)).reduce(f64::max)
}

fn worker_peak(results: &Results) -> Option<f64> {
    let beyond = results
        .own()
        .map(|(section, run)| megabytes(run.other_peak) - megabytes(section.archive.largest_document));
    beyond.reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::contender::Role;
    use super::super::fixture::{outcome, results, section, stopped};
    use super::*;

    fn got(results: &Results, case: &str) -> Option<Got> {
        let targets = targets(results);
        let target = targets.iter().find(|target| target.case.starts_with(case));
        target.expect("there is such a target").got
    }

    #[test]
    fn bounds_hold_where_they_are_met_exactly() {
        let least = |got| at_least("a", 10.0, Some(got)).is_reached();
        let most = |got| at_most("b", 1.2, "×", Some(got)).is_reached();
        assert_eq!(least(Got::Exactly(10.0)), Some(true));
        assert_eq!(least(Got::Exactly(9.99)), Some(false));
        assert_eq!(most(Got::Exactly(1.2)), Some(true));
        assert_eq!(most(Got::Exactly(1.21)), Some(false));
        assert_eq!(at_most("b", 1.2, "×", None).is_reached(), None);
    }

    #[test]
    fn half_known_figures_say_what_they_can() {
        let least = |got| at_least("a", 10.0, Some(got)).is_reached();
        let most = |got| at_most("b", 1.2, "×", Some(got)).is_reached();
        assert_eq!(
            [least(Got::AtLeast(10.0)), least(Got::AtLeast(9.0))],
            [Some(true), None]
        );
        assert_eq!([least(Got::AtMost(9.0)), least(Got::AtMost(10.0))], [Some(false), None]);
        assert_eq!([most(Got::AtMost(1.2)), most(Got::AtMost(1.3))], [Some(true), None]);
        assert_eq!([most(Got::AtLeast(1.3)), most(Got::AtLeast(1.2))], [Some(false), None]);
    }

    #[test]
    fn texts_have_their_units() {
        let text = |bound, got| at_most("b", bound, " MB", got).got_text();
        assert_eq!(text(300.0, Some(Got::Exactly(12.34))), "12.3 MB");
        assert_eq!(text(1.15, Some(Got::Exactly(1.2))), "1.20 MB");
        assert_eq!(text(300.0, Some(Got::AtLeast(400.0))), "over 400.0 MB");
        assert_eq!(text(300.0, Some(Got::AtMost(2.0))), "under 2.0 MB");
        assert_eq!(text(300.0, None), "not measured");
        assert_eq!(at_least("a", 10.0, None).wanted_text(), "at least 10× the speed");
    }

    #[test]
    fn speed_is_the_peers_time_through_ours() {
        let large = section("large", 10, [outcome("tarquet-8", 100), outcome("clickhouse", 1_250)]);
        let small = section("small", 10, [outcome("tarquet-8", 100), stopped("polars")]);
        let results = results([large, small]);
        assert_eq!(got(&results, "large documents, plain"), Some(Got::Exactly(12.5)));
        assert_eq!(got(&results, "small documents, plain"), Some(Got::AtLeast(1_200.0)));
        assert_eq!(got(&results, "large documents, tar.gz, against Cl"), None);
    }

    #[test]
    fn growth_is_per_member() {
        let few = section("tiny-10000", 10_000, [outcome("tarquet-8", 100)]);
        let many = section("tiny-1000000", 1_000_000, [outcome("tarquet-8", 12_000)]);
        let results = results([few, many]);
        let Some(Got::Exactly(growth)) = got(&results, "time per member") else {
            panic!("it is known");
        };
        assert!((growth - 1.2).abs() < 1e-9);
        assert_eq!(got(&results, "the coordinator's peak, 1M"), Some(Got::Exactly(1.0)));
    }

    #[test]
    fn peaks_are_of_tarquet_alone_and_workers_may_hold_their_document() {
        let mut peer = outcome("clickhouse", 1);
        peer.role = Role::Peer;
        let results = results([section("large", 10, [outcome("tarquet-8", 100), peer])]);
        // 50 and 40 MB, and a largest document of 5 MB.
        assert_eq!(got(&results, "the coordinator's peak in all"), Some(Got::Exactly(50.0)));
        assert_eq!(got(&results, "the largest worker's peak"), Some(Got::Exactly(35.0)));
    }

    #[test]
    fn the_start_of_workers_is_a_part_of_a_run() {
        let results = results([section("start", 30, [outcome("tarquet-8", 40)])]);
        assert_eq!(got(&results, "8 workers ready"), Some(Got::AtMost(40.0)));
    }
}
