//! Where and of what a measurement was made.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use super::workplace::output;

/// The machine and the commit.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The processor's name.
    pub(crate) processor: String,
    /// How many of its cores there are.
    pub(crate) cores: u32,
    /// The machine's memory in bytes.
    pub(crate) memory: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The commit, with `-changed` behind it where tracked files other than docs differ from it.
    pub(crate) commit: String,
}

impl Place {
    /// This machine, and the commit of the repository at `root`.
    ///
    /// # Errors
    ///
    /// Where git cannot be asked.
    pub(crate) fn here(root: &Path) -> Result<Self> {
        let git = |arguments: &[&str]| output(Command::new("git").args(arguments).current_dir(root));
        let head = git(&["rev-parse", "--short=12", "HEAD"])?;
        // The docs hold what is measured here, which changes nothing of what is measured.
        let status = [
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            ":!docs",
            ":!*.md",
        ];
        let changed = !git(&status)?.trim().is_empty();
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Ok(Self {
            processor: processor(&read("/proc/cpuinfo")),
            cores: cores(),
            memory: memory(&read("/proc/meminfo")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            commit: format!("{}{}", head.trim(), if changed { "-changed" } else { "" }),
        })
    }

    /// The machine as a line's part of `bench.jsonl`.
    pub(crate) fn machine_json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory_bytes": self.memory,
            "kernel": self.kernel,
        })
    }
}

/// How many cores this process may use.
pub(crate) fn cores() -> u32 {
    thread::available_parallelism().map_or(1, |cores| cores.get() as u32)
}

/// The processor that a `/proc/cpuinfo` tells of.
fn processor(info: &str) -> String {
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.trim().strip_prefix(':'));
    model.unwrap_or("an unknown processor").trim().to_owned()
}

/// The memory in bytes that a `/proc/meminfo` tells of; 0 where it does not.
fn memory(info: &str) -> u64 {
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_and_memory_are_read_from_the_kernels_lists() {
        let info = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu\nmodel name\t: AMD EPYC\n";
        assert_eq!(processor(info), "AMD EPYC");
        assert_eq!(processor("Features : fp"), "an unknown processor");
        assert_eq!(memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), 2 << 20);
        assert_eq!(memory(""), 0);
    }
}
