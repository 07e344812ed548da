//! A process, its descendants and their memory, as `/proc` shows them (Linux, `proc(5)`).

use std::fs;

/// The memory of one process, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The largest resident size so far (`VmHWM`), pages of mapped files included.
    pub(crate) peak: u64,
    /// Resident memory of its own (`RssAnon`).
    pub(crate) anonymous: u64,
    /// Resident shared memory (`RssShmem`).
    pub(crate) shared: u64,
}

/// The process `root` and all its descendants that are alive, each with its memory.
pub(crate) fn tree(root: u32) -> Vec<(u32, Memory)> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        // A process that ended in the meantime has nothing more to say.
        if let Some(memory) = memory(pid) {
            found.push((pid, memory));
            open.extend(children(pid));
        }
    }
    found
}

fn memory(pid: u32) -> Option<Memory> {
    parse_memory(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The memory that a `status` file tells of; `None` for a process that has ended but was not waited for.
fn parse_memory(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let rest = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kibibytes: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some(Memory {
        peak: field("VmHWM")?,
        anonymous: field("RssAnon")?,
        shared: field("RssShmem")?,
    })
}

/// The children of a process: they are listed by the thread that started them.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|child| child.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nRssAnon:\t  16 kB\nRssFile:\t  8 kB\nRssShmem:\t  4 kB\n";
        let memory = Memory {
            peak: 2 << 20,
            anonymous: 16 << 10,
            shared: 4 << 10,
        };
        assert_eq!(parse_memory(status), Some(memory));
    }

    #[test]
    fn a_process_that_has_ended_has_no_memory() {
        assert_eq!(parse_memory("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn the_tree_begins_with_the_process_itself() {
        let own = std::process::id();
        let tree = tree(own);
        assert_eq!(tree[0].0, own);
        assert!(tree[0].1.peak >= tree[0].1.anonymous && tree[0].1.anonymous > 0);
    }
}
