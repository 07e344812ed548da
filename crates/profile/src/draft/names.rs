//! Names of tables, columns and loops.

use std::collections::BTreeSet;

/// Names that are taken, whatever the case of their letters.
#[derive(Debug, Default, Clone)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    pub(super) fn with<'n>(names: impl IntoIterator<Item = &'n str>) -> Taken {
        Taken(names.into_iter().map(str::to_lowercase).collect())
    }

    /// Takes the first of these names that is free; if none is, the last with a number behind it.
    pub(super) fn take(&mut self, candidates: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for candidate in candidates.into_iter().map(shortened) {
            if self.0.insert(candidate.to_lowercase()) {
                return candidate;
            }
            last = candidate;
        }
        let numbered = (2..).map(|number: u64| format!("{last}_{number}"));
        let mut free = numbered.filter(|name| self.0.insert(name.to_lowercase()));
        // There are more numbers than names.
        free.next().unwrap_or(last)
    }
}

/// Longer names are cut, in characters: names of files end somewhere, and so does what people read.
const LONGEST: usize = 60;

fn shortened(name: String) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => name[..end].trim_end_matches('_').to_owned(),
        None => name,
    }
}

/// A member's name as a column's: small letters, words joined by `_`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let characters: Vec<char> = name.chars().collect();
    for (at, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).map(|before| characters[before]);
        let begins_a_word = character.is_uppercase()
            && before.is_some_and(|before| {
                let follows = |ahead: usize| characters.get(at + ahead).is_some_and(|next| next.is_lowercase());
                // Not where several acronyms are meant, as in `URLs`.
                let is_plural = characters.get(at + 1) == Some(&'s') && !follows(2);
                let is_acronym = before.is_uppercase() && follows(1) && !is_plural;
                before.is_lowercase() || before.is_ascii_digit() || is_acronym
            });
        if begins_a_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    let snake = snake.trim_end_matches('_');
    match snake.chars().next() {
        None => "value".to_owned(),
        Some(first) if first.is_numeric() => format!("_{snake}"),
        Some(_) => snake.to_owned(),
    }
}

/// A loop's name: that of one of what `plural` names, in letters that a loop's name may have.
pub(super) fn loop_name(plural: &str) -> String {
    let name: String = snake_case(&singular(plural))
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .collect();
    let name = name.trim_matches('_');
    match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => shortened(name.to_owned()),
        false => shortened(format!("item_{name}").trim_end_matches('_').to_owned()),
    }
}

/// One of what an English plural names, as far as an ending tells.
fn singular(plural: &str) -> String {
    let strip = |ending: &str| plural.strip_suffix(ending).filter(|stem| stem.chars().count() >= 2);
    if let Some(stem) = strip("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes"] {
        if strip(ending).is_some() {
            return plural[..plural.len() - 2].to_owned();
        }
    }
    if ["ss", "us", "is"].iter().any(|ending| plural.ends_with(ending)) {
        return plural.to_owned();
    }
    strip("s").unwrap_or(plural).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_words() {
        for (name, expected) in [
            ("totalPrice", "total_price"),
            ("IDCard", "id_card"),
            ("companyID", "company_id"),
            ("callbackURLs", "callback_urls"),
            ("$values", "values"),
            ("a-b.c d", "a_b_c_d"),
            ("5.5", "_5_5"),
            ("x2Y", "x2_y"),
            ("", "value"),
            ("---", "value"),
            ("Größe", "größe"),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }

    #[test]
    fn loops_are_named_for_one_of_many() {
        for (name, expected) in [
            ("pricings", "pricing"),
            ("$values", "value"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("status", "status"),
            ("is", "is"),
            ("Größen", "gr__en"),
            ("4x", "item_4x"),
            ("$", "value"),
            ("名前", "item"),
        ] {
            assert_eq!(loop_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_is_taken_once() {
        let mut taken = Taken::with(["file"]);
        let mut take = |name: &str| taken.take([name.to_owned()]);
        assert_eq!(["a", "A", "a", "File"].map(&mut take), ["a", "A_2", "a_3", "File_2"]);
        assert_eq!(taken.take(["a".to_owned(), "b".to_owned()]), "b");
    }
}
