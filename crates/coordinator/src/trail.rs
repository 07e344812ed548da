//! The archives that the walk has begun and whose members are not all committed: what the dataset's thread has to know of
//! where a unit comes from.
//!
//! The walk runs ahead of what is delivered. Wanted members are counted through all archives, and each archive is noted
//! with the number of its first one *before* any of its members can be delivered. So whoever knows the number of a member
//! knows its archive, whatever the walk is at meanwhile.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tarquet_archive::PrefixProbe;

use crate::error::RunError;
use crate::identity::Identity;

/// An archive that the walk has begun.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    /// Its position among all archives.
    pub(crate) archive: usize,
    /// Its name, where there are several.
    pub(crate) name: Option<Arc<str>>,
    /// How many wanted members the archives before it have.
    pub(crate) first_member: u64,
    /// What was read of it, if it is read in order.
    pub(crate) prefix: Option<PrefixProbe>,
    /// What its file was, if it is one.
    pub(crate) identity: Option<Arc<Identity>>,
}

/// The archives from the one that the last checkpoint is in, to the one that the walk is at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    begun: Arc<Mutex<VecDeque<Begun>>>,
}

impl Trail {
    /// Notes that the walk begins an archive.
    pub(crate) fn begin(&self, begun: Begun) {
        self.lock().push_back(begun);
    }

    /// The archive of the member with this number, from 0 through all archives; for the one behind the last that was
    /// walked to, an archive in which it may be. `None` before the walk began.
    pub(crate) fn of(&self, member: u64) -> Option<Begun> {
        let begun = self.lock();
        begun.iter().rev().find(|begun| begun.first_member <= member).cloned()
    }

    /// Refuses to go on if an archive is another than it was, of those up to the one of the member with this number.
    pub(crate) fn check(&self, member: u64) -> Result<(), RunError> {
        let upto: Vec<Begun> = {
            let begun = self.lock();
            begun
                .iter()
                .take_while(|begun| begun.first_member <= member)
                .cloned()
                .collect()
        };
        let mut identities = upto.iter().filter_map(|begun| begun.identity.as_ref());
        identities.try_for_each(|identity| identity.check())
    }

    /// Forgets archives before the one of the member with this number: everything of them is committed.
    pub(crate) fn forget_before(&self, member: u64) {
        let mut begun = self.lock();
        while begun.get(1).is_some_and(|next| next.first_member <= member) {
            begun.pop_front();
        }
    }

    /// A panic of another holder can only have been between two changes, each of which is whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(first_members: &[u64]) -> Trail {
        let trail = Trail::default();
        for (archive, &first_member) in first_members.iter().enumerate() {
            trail.begin(Begun {
                archive,
                name: None,
                first_member,
                prefix: None,
                identity: None,
            });
        }
        trail
    }

    #[test]
    fn a_member_is_of_the_last_archive_that_begins_at_or_before_it() {
        // The second and the third archive have no member that is wanted.
        let trail = trail(&[0, 3, 3, 3, 5]);
        let archives: Vec<usize> = (0..7).map(|member| trail.of(member).unwrap().archive).collect();
        assert_eq!(archives, [0, 0, 0, 3, 3, 4, 4]);
        trail.forget_before(2);
        assert_eq!(trail.of(2).unwrap().archive, 0);
        trail.forget_before(3);
        assert_eq!(trail.of(2).map(|begun| begun.archive), None);
        assert_eq!(trail.of(4).unwrap().archive, 3);
        trail.forget_before(100);
        assert_eq!(trail.of(100).unwrap().archive, 4);
        assert!(Trail::default().of(0).is_none());
    }
}
