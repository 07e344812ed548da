//! `tarquet inspect`: which paths documents have, and a feature map to start from.

mod csv;
mod json;
mod tree;
mod types;

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use indicatif::MultiProgress;
use tarquet_coordinator::{Sink, Surveyed};
use tarquet_dataset::{Table, Unit};
use tarquet_feature_map::Plan;
use tarquet_profile::{Draft, Identity, Profile};
use tarquet_wire::message::Product;
use tarquet_wire::profile;

use crate::args::{InspectArguments, InspectFormat};
use crate::failure::{self, End, Failure};
use crate::quantity::counted;
use crate::signals::Watch;
use crate::survey::{Seen, survey};
use crate::{command_line, print, reading};

/// Runs `tarquet inspect`.
pub(crate) fn run(arguments: &InspectArguments) -> ExitCode {
    failure::command(&arguments.display, None, |bars| {
        inspect(arguments, bars).map(|()| End::Code(0))
    })
}

fn inspect(arguments: &InspectArguments, bars: &MultiProgress) -> Result<(), Failure> {
    reading::check(&arguments.running)?;
    let file = arguments.write_map.as_deref();
    if let Some(file) = file.filter(|file| *file != Path::new("-")) {
        // Before anything is read.
        check_place(file).map_err(Failure::System)?;
    }
    let (profiles, surveyed) = profiled(arguments, &Watch::default(), bars)?;
    profiles.seen.warn(&surveyed);
    let mut profile = profiles.profile;
    profile.fold_maps();
    let identity = Identity {
        many_a_member: profiles.seen.many_a_member,
        repeated_names: surveyed.repeated_id.is_some(),
    };
    let text = match arguments.format {
        InspectFormat::Table => tree::render(&profile, &profiles.seen.describe(&surveyed)),
        InspectFormat::Json => json::render(&profile, &profiles.seen, &surveyed),
        InspectFormat::Csv => csv::render(&profile),
    };
    // The map first: whatever becomes of what is shown, it is not to be made again.
    let written = match file {
        Some(file) if file == Path::new("-") => {
            let draft = draft(&profile, identity).map_err(Failure::System)?;
            return print(draft.yaml())
                .context("cannot show the map")
                .map_err(Failure::System);
        }
        Some(file) => draft(&profile, identity).and_then(|draft| write_map(arguments, file, &draft)),
        None => Ok(()),
    };
    print(&text).context("cannot show it").map_err(Failure::System)?;
    written.map_err(Failure::System)
}

/// The profile of the sample.
pub(crate) fn profiled(
    arguments: &InspectArguments,
    watch: &Watch,
    bars: &MultiProgress,
) -> Result<(Profiles, Surveyed), Failure> {
    let settings = reading::settings(&arguments.input, &arguments.running, None, profile::plan(), 1)?;
    let sink = Profiles::of(arguments.sample.most());
    let extent = arguments.sample.extent(arguments.spread);
    let (profiles, surveyed) = survey(settings, extent, sink, &arguments.display, watch, bars)?;
    match profiles.is_malformed {
        true => Err(Failure::System(anyhow!(
            "a worker sent what is no profile; this is a bug"
        ))),
        false => Ok((profiles, surveyed)),
    }
}

/// Merges the profiles of units.
pub(crate) struct Profiles {
    pub(crate) profile: Profile,
    pub(crate) seen: Seen,
    most: u64,
    is_malformed: bool,
}

impl Profiles {
    /// Of so many documents at the most, or some more.
    pub(crate) fn of(most: u64) -> Profiles {
        Profiles {
            profile: Profile::default(),
            seen: Seen::default(),
            most,
            is_malformed: false,
        }
    }
}

impl Sink for Profiles {
    const PRODUCT: Product = Product::Profile;

    fn begin(&mut self, _: &Plan, _: &[Table]) {}

    fn take(&mut self, unit: Unit) -> ControlFlow<()> {
        self.seen.add(&unit);
        for text in unit.batches.iter().flat_map(|(_, batch)| profile::texts(batch)) {
            match serde_json::from_str(text) {
                Ok(profile) => self.profile.merge(&profile),
                Err(_) => self.is_malformed = true,
            }
        }
        match self.is_malformed || self.seen.is_enough(self.most) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// A feature map for these documents.
fn draft(profile: &Profile, identity: Identity) -> anyhow::Result<Draft> {
    if profile.documents() == 0 {
        bail!("there is no document to make a feature map of");
    }
    Draft::of(profile, identity).context("the map that was made is not valid; this is a bug")
}

/// Whether a map can be written there, as far as that can be told before.
fn check_place(file: &Path) -> anyhow::Result<()> {
    refuse_to_replace(file, file.symlink_metadata().is_ok())?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent.filter(|parent| !parent.is_dir()) {
        Some(parent) => bail!(
            "cannot write {}: there is no directory {}",
            file.display(),
            parent.display()
        ),
        None => Ok(()),
    }
}

fn refuse_to_replace(file: &Path, is_there: bool) -> anyhow::Result<()> {
    match is_there {
        true => bail!(
            "{} is there already, and is not replaced: name another file, or remove it",
            file.display()
        ),
        false => Ok(()),
    }
}

/// Writes the map, and says what to do with it.
fn write_map(arguments: &InspectArguments, file: &Path, draft: &Draft) -> anyhow::Result<()> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    if let Err(error) = &created {
        refuse_to_replace(file, error.kind() == ErrorKind::AlreadyExists)?;
    }
    let written = created.and_then(|mut map| map.write_all(draft.yaml().as_bytes()));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    if arguments.display.quiet {
        return Ok(());
    }
    let file = command_line::word(file);
    let archives = command_line::input_flags(&arguments.input);
    let told = writeln!(
        io::stderr(),
        "wrote {file}: {}, {}. Next:\n  tarquet check --feature-map {file}{archives}\n  tarquet extract --feature-map {file}{archives} --out-dir out",
        counted(draft.tables() as u64, "feature"),
        counted(draft.columns() as u64, "column"),
    );
    // Whoever does not read this has the file all the same.
    told.ok();
    Ok(())
}
