//! "Did you mean": the known word that is nearest to one that is not known.

/// The candidate nearest to `word`, if one is near enough to be what was meant: at most a third of its letters apart
/// (at least one letter), case not counted. Of equally near ones the first.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// What to say of `word`: the nearest candidate, or all of them. `what` names them, in the plural.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<_> = candidates
                .into_iter()
                .map(|candidate| format!("`{candidate}`"))
                .collect();
            format!("{what} are {}", all.join(", "))
        }
    }
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to make one word the other
/// (the optimal string alignment distance), case not counted.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    // The last three rows of the usual table: `before` is needed for swaps.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for i in 0..one.len() {
        let mut row = vec![i + 1];
        for j in 0..other.len() {
            let replaced = above[j] + usize::from(one[i] != other[j]);
            let mut best = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i] == other[j - 1] && one[i - 1] == other[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("colums", "columns", 1),
            ("colunms", "columns", 1),
            ("PATH", "path", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
        ];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn nearest_is_near_or_nothing() {
        let known = ["path", "type", "take"];
        assert_eq!(nearest("pth", known), Some("path"));
        assert_eq!(nearest("tke", known), Some("take"));
        assert_eq!(nearest("elephant", known), None);
        assert_eq!(
            did_you_mean("elephant", "the keys", known),
            "the keys are `path`, `type`, `take`"
        );
        assert_eq!(did_you_mean("typ", "the keys", known), "did you mean `type`?");
    }
}
