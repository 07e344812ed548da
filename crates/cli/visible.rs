//! Texts that come out of archives, where people read them.

/// Whether the character is seen as what it is: no control character, and none that turns the direction of others around
/// (Unicode's UAX #9) or takes no room.
pub(crate) fn is_visible(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    !character.is_control() && !is_invisible
}

/// A text as it may be shown on one line: nothing in it is taken for a command by a terminal, or is not seen as what it is.
pub(crate) fn harmless(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => '⏎',
        character if is_visible(character) => character,
        _ => '\u{fffd}',
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_archive_says_is_no_command() {
        assert_eq!(harmless("a\u{1b}[2J\n\u{202e}b"), "a\u{fffd}[2J⏎\u{fffd}b");
    }
}
