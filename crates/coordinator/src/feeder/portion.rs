//! How much of what is wanted is taken: all of it, unless somebody only wants to know what is in the archives.

/// A portion of the wanted members.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portion {
    /// How many members more; `None` for any number.
    left: Option<u64>,
    /// A member is taken where the walk has come to `next`, and then not before it has come so many bytes further; 0 for
    /// every member.
    stride: u64,
    next: u64,
    /// How many bytes the archives before the one at hand have.
    before: u64,
    has_left_out: bool,
}

impl Portion {
    /// The first members, so many.
    pub(crate) fn first(members: u64) -> Portion {
        Portion {
            left: Some(members),
            ..Portion::default()
        }
    }

    /// So many members at the most, as far apart from each other as possible in archives that have so many bytes.
    pub(crate) fn spread(members: u64, bytes: u64) -> Portion {
        Portion {
            left: Some(members),
            stride: bytes / members.max(1),
            ..Portion::default()
        }
    }

    /// Goes on to an archive; those since the last one have so many bytes.
    pub(crate) fn go_on(&mut self, passed: u64) {
        self.before += passed;
    }

    /// Whether there is no room for another member.
    pub(crate) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Whether there was no room for a member: nobody has to look on.
    pub(crate) fn is_over(&self) -> bool {
        self.is_full() && self.has_left_out
    }

    /// Whether nothing was left out.
    pub(crate) fn is_whole(&self) -> bool {
        !self.has_left_out
    }

    /// Whether the wanted member is taken at which the walk has come so far into its archive, in bytes.
    pub(crate) fn takes(&mut self, consumed: u64) -> bool {
        let at = self.before + consumed;
        if at < self.next || self.is_full() {
            self.has_left_out = true;
            return false;
        }
        if self.stride > 0 {
            self.next = at - at % self.stride + self.stride;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mut portion: Portion, places: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut taken = Vec::new();
        let mut seen = 0;
        for at in places {
            seen += 1;
            if portion.takes(at) {
                taken.push(at);
            }
            if portion.is_over() {
                break;
            }
        }
        assert_eq!(portion.is_whole(), taken.len() == seen, "{portion:?}");
        taken
    }

    #[test]
    fn all_are_taken_unless_there_is_a_limit() {
        assert_eq!(taken(Portion::default(), 0..5), [0, 1, 2, 3, 4]);
        assert_eq!(taken(Portion::first(2), 0..5), [0, 1]);
        assert_eq!(taken(Portion::first(2), 0..2), [0, 1]);
    }

    #[test]
    fn a_spread_goes_over_archives() {
        let mut portion = Portion::spread(4, 200);
        let of_first: Vec<bool> = [0, 40, 60].map(|at| portion.takes(at)).into();
        portion.go_on(100);
        let of_second: Vec<bool> = [0, 40, 60].map(|at| portion.takes(at)).into();
        assert_eq!(
            (of_first, of_second),
            (vec![true, false, true], vec![true, false, true])
        );
    }

    #[test]
    fn a_spread_reaches_to_the_end_and_never_takes_more_than_it_may() {
        assert_eq!(taken(Portion::spread(4, 100), (0..100).step_by(10)), [0, 30, 50, 80]);
        // Fewer members than there could be, a large one among them.
        assert_eq!(taken(Portion::spread(10, 100), [0, 1, 60, 99]), [0, 60, 99]);
        assert_eq!(taken(Portion::spread(1000, 10), 0..10).len(), 10);
        for members in 1..50 {
            let count = taken(Portion::spread(members, 997), 0..997).len() as u64;
            assert_eq!(count, members, "members are as small as can be");
        }
    }
}
