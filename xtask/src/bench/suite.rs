//! What is measured on which archive.

use anyhow::Result;

use super::arguments::{Arguments, Group};
use super::contender::{Contender, Kind};
use super::corpus::Corpus;
use super::machine;
use super::workplace::Workplace;

/// Contenders that run in turns on one archive.
#[derive(Debug)]
pub(crate) struct Section {
    /// What the records call it: `large`, `tiny-1000000`.
    pub(crate) id: String,
    /// What the tables call it.
    pub(crate) title: String,
    /// The group that it is part of.
    pub(crate) group: Group,
    /// The archive.
    pub(crate) corpus: Corpus,
    /// Whether the output goes to memory instead of the disk.
    pub(crate) in_memory: bool,
    /// Who runs, in this order.
    pub(crate) contenders: Vec<Contender>,
}

/// The map that peers were written after.
const FLIGHTS: &str = "flights_typed";

/// How many tiny documents the archives of the scaling series have.
pub(crate) const SCALE: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Other systems: the identifier, the script in `xtask/bench/peers/`, and the name in the table.
const PEERS: [(&str, &str, &str); 4] = [
    ("clickhouse", "clickhouse", "ClickHouse (chdb)"),
    ("duckdb", "duckdb_tar", "DuckDB, after tar"),
    ("polars", "polars_tar", "Polars, after tar"),
    ("python", "python_orjson", "Python, orjson + pyarrow, 8 processes"),
];

/// The number of workers that tarquet starts without `--workers`.
pub(crate) fn default_workers() -> u32 {
    machine::cores().clamp(8, 12)
}

/// The identifier of tarquet with some number of workers.
pub(crate) fn tarquet_id(workers: u32) -> String {
    format!("tarquet-{workers}")
}

/// Everything that `arguments` ask for.
///
/// # Errors
///
/// Where the map without types cannot be made.
pub(crate) fn sections(workplace: &Workplace, arguments: &Arguments) -> Result<Vec<Section>> {
    let default = default_workers();
    let suite = Suite {
        workplace,
        arguments,
        counts: arguments.worker_counts(machine::cores(), default),
        default,
    };
    let one = vec![suite.by_map()?, suite.start()];
    let all = [suite.plain(), suite.gzip(), one, suite.by_size()]
        .into_iter()
        .flatten();
    Ok(all.filter(|section| arguments.wants(section.group)).collect())
}

/// With fewer cores than this there is nothing to be seen of threads that inflate.
const CORES_TO_INFLATE: u32 = 4;

/// How many they are: enough for who puts together what they give to be busy.
const INFLATE_THREADS: u32 = 3;

/// Makes sections.
struct Suite<'a> {
    workplace: &'a Workplace,
    arguments: &'a Arguments,
    /// The numbers of workers to compare.
    counts: Vec<u32>,
    /// The number without `--workers`.
    default: u32,
}

impl Suite<'_> {
    fn plain(&self) -> Vec<Section> {
        let workers = self.tarquet(FLIGHTS, &self.counts);
        let large = [workers.clone(), vec![self.in_process()], self.peers()].concat();
        let small = [workers, self.peers()].concat();
        vec![
            self.section(Group::Large, "large", "Large documents", Corpus::large(), large),
            self.section(Group::Small, "small", "Small documents", Corpus::small(), small),
        ]
    }

    fn gzip(&self) -> Vec<Section> {
        let (large, small) = (Corpus::large().gzip(), Corpus::small().gzip());
        let mut one_and_default = self.tarquet(FLIGHTS, &[1, self.default]);
        one_and_default.extend(self.inflating_together(machine::cores()));
        let with_peers = [one_and_default.clone(), vec![inflate()], self.peers()].concat();
        let without = [one_and_default, vec![inflate()]].concat();
        vec![
            self.section(Group::Gzip, "large-gzip", "Large documents, gzip", large, with_peers),
            self.section(Group::Gzip, "small-gzip", "Small documents, gzip", small, without),
        ]
    }

    fn by_map(&self) -> Result<Section> {
        let (title, maps) = ("Large documents by map", self.maps()?);
        Ok(self.section(Group::Maps, "maps", title, Corpus::large(), maps))
    }

    fn by_size(&self) -> Vec<Section> {
        SCALE
            .iter()
            .map(|&documents| {
                let (id, corpus) = (format!("tiny-{documents}"), Corpus::tiny(documents));
                let own = self.tarquet("tiny_typed", &[self.default]);
                self.section(Group::Scaling, &id, "Tiny documents", corpus, own)
            })
            .collect()
    }

    /// As little work as keeps 8 workers busy, so that starting them is most of it.
    fn start(&self) -> Section {
        let own = self.tarquet("flights_narrow", &[1, 8]);
        let title = "1 column into memory";
        Section {
            in_memory: true,
            ..self.section(Group::Start, "start", title, Corpus::few(), own)
        }
    }

    fn section(&self, group: Group, id: &str, title: &str, corpus: Corpus, contenders: Vec<Contender>) -> Section {
        Section {
            id: id.to_owned(),
            title: title.to_owned(),
            group,
            corpus: corpus.scaled(self.arguments.scale),
            in_memory: false,
            contenders,
        }
    }

    fn tarquet(&self, map: &str, counts: &[u32]) -> Vec<Contender> {
        let contender = |&workers| Contender {
            id: tarquet_id(workers),
            label: label(workers),
            kind: Kind::Tarquet {
                map: self.workplace.map(map),
                workers,
                inflate_threads: None,
            },
        };
        counts.iter().map(contender).collect()
    }

    /// Several threads inflate, where there are cores for them.
    fn inflating_together(&self, cores: u32) -> Option<Contender> {
        (cores >= CORES_TO_INFLATE).then(|| Contender {
            id: format!("{}-inflate-{INFLATE_THREADS}", tarquet_id(self.default)),
            label: format!("{}, {INFLATE_THREADS} threads inflate", label(self.default)),
            kind: Kind::Tarquet {
                map: self.workplace.map(FLIGHTS),
                workers: self.default,
                inflate_threads: Some(INFLATE_THREADS),
            },
        })
    }

    fn in_process(&self) -> Contender {
        Contender {
            id: "in-process".to_owned(),
            label: "its engine and a Parquet writer, 1 thread".to_owned(),
            kind: Kind::InProcess {
                map: self.workplace.map(FLIGHTS),
            },
        }
    }

    fn maps(&self) -> Result<Vec<Contender>> {
        let maps = [
            ("narrow", "1 column", self.workplace.map("flights_narrow")),
            ("typed", "17 columns", self.workplace.map(FLIGHTS)),
            ("wide", "65 columns", self.workplace.map("flights_wide")),
            (
                "inferred",
                "17 columns, types inferred",
                self.workplace.map_without_types(FLIGHTS)?,
            ),
        ];
        Ok(maps
            .into_iter()
            .map(|(id, label, map)| Contender {
                id: id.to_owned(),
                label: format!("tarquet, {label}"),
                kind: Kind::Tarquet {
                    map,
                    workers: self.default,
                    inflate_threads: None,
                },
            })
            .collect())
    }

    /// Other systems, if they are wanted.
    fn peers(&self) -> Vec<Contender> {
        let contender = |(id, script, label): (&str, &str, &str)| Contender {
            id: id.to_owned(),
            label: label.to_owned(),
            kind: Kind::Peer {
                script: self.workplace.scripts.join(format!("peers/{script}.py")),
                map: self.workplace.map(FLIGHTS),
                limit: self.arguments.peer_limit,
            },
        };
        let wanted = PEERS.into_iter().filter(|_| self.arguments.peers);
        wanted.map(contender).collect()
    }
}

fn inflate() -> Contender {
    Contender {
        id: "inflate".to_owned(),
        label: "inflating alone, 1 thread".to_owned(),
        kind: Kind::Inflate,
    }
}

fn label(workers: u32) -> String {
    let plural = if workers == 1 { "" } else { "s" };
    format!("tarquet, {workers} worker{plural}")
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clap::Parser;

    use super::super::contender::Role;
    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn of(arguments: &[&str]) -> Vec<Section> {
        let directory = tempfile::tempdir().unwrap();
        let workplace = Workplace {
            root: PathBuf::new(),
            outputs: PathBuf::new(),
            directory: directory.path().to_owned(),
            scripts: Path::new(env!("CARGO_MANIFEST_DIR")).join("bench"),
            tarquet: PathBuf::new(),
            throughput: PathBuf::new(),
            in_process: PathBuf::new(),
            xtask: PathBuf::new(),
        };
        let arguments = Command::parse_from([&["bench"], arguments].concat()).arguments;
        sections(&workplace, &arguments).unwrap()
    }

    fn ids(section: &Section) -> Vec<&str> {
        section
            .contenders
            .iter()
            .map(|contender| contender.id.as_str())
            .collect()
    }

    #[test]
    fn only_what_is_asked_for_is_measured() {
        let names = |arguments| of(arguments).into_iter().map(|section| section.id).collect::<Vec<_>>();
        assert_eq!(
            names(&["--only", "gzip", "start"]),
            ["large-gzip", "small-gzip", "start"]
        );
        assert_eq!(names(&["--only", "engine"]), [""; 0]);
        assert_eq!(names(&[]).len(), 10);
    }

    #[test]
    fn peers_run_after_tarquet_on_three_archives() {
        let sections = of(&["--peers", "--workers", "1"]);
        let with_peers: Vec<&Section> = sections
            .iter()
            .filter(|section| {
                section
                    .contenders
                    .iter()
                    .any(|contender| contender.role() == Role::Peer)
            })
            .collect();
        assert_eq!(
            with_peers.iter().map(|section| section.id.as_str()).collect::<Vec<_>>(),
            ["large", "small", "large-gzip"]
        );
        for section in with_peers {
            assert!(ids(section).ends_with(&["clickhouse", "duckdb", "polars", "python"]));
            assert!(ids(section).starts_with(&["tarquet-1", &tarquet_id(default_workers())]));
        }
    }

    #[test]
    fn every_map_and_script_is_there() {
        for section in of(&["--peers"]) {
            for contender in &section.contenders {
                if let Kind::Peer { script, .. } = &contender.kind {
                    assert!(script.exists(), "{}", script.display());
                }
                // The one without types was made in a directory that is gone.
                let map = contender.map().filter(|_| contender.id != "inferred");
                assert!(map.is_none_or(Path::exists), "{contender:?}");
            }
        }
    }
}
