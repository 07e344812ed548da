//! YAML syntax errors, in the words of someone who writes a feature map.
//!
//! Most of them come from a path without quotes: YAML takes its `[`, `{`, `@` or `: ` for its own.

use std::ops::Range;

use saphyr_parser::ScanError;

use crate::emit::quote;
use crate::error::MapError;
use crate::source::Source;

/// Explains a syntax error. `last_scalar` is where the last whole scalar before it stands.
pub(crate) fn explain(source: &Source<'_>, last_scalar: Option<Range<usize>>, error: &ScanError) -> MapError {
    let mark = error.marker().index();
    if let Some((indicator, path)) = unquoted_path(source, last_scalar, mark) {
        let found = source.text(indicator.clone());
        return source.error(
            indicator,
            format!(
                "YAML takes `{}` for its own here, because the path is not quoted",
                found.trim_end()
            ),
            format!("put the path in quotes: {}", quote(&source.text(path))),
        );
    }
    let next = source.chars().get(mark).copied();
    let help = match next {
        Some('@' | '`' | '%' | '*' | '&' | '!' | '|' | '>') => "put the text in quotes",
        Some('\t') => "indent with blanks, not with tabs",
        _ => "check the indentation, the brackets and the quotes here and on the line before",
    };
    let width = usize::from(next.is_some_and(|c| !c.is_whitespace()));
    source.error(
        mark..mark + width,
        format!("this is not valid YAML: {}", error.info()),
        help,
    )
}

/// The character that ended a path without quotes, and the whole of that path, if that is what happened at `mark`.
fn unquoted_path(
    source: &Source<'_>,
    last_scalar: Option<Range<usize>>,
    mark: usize,
) -> Option<(Range<usize>, Range<usize>)> {
    let chars = source.chars();
    let at = |position: usize| chars.get(position).copied();
    // `[*` is read as an alias in brackets, and the error is at its `*` or after it.
    let indicator = (mark.saturating_sub(2)..=mark).rev().find(|&position| {
        matches!(at(position), Some('[' | '{' | '@')) && (position == mark || at(position + 1) == Some('*'))
    });
    if let Some(indicator) = indicator {
        if at(indicator) == Some('@') {
            return Some((indicator..indicator + 1, indicator..path_end(source, indicator)));
        }
        let scalar = last_scalar.filter(|scalar| scalar.end <= indicator);
        let start = scalar
            .filter(|scalar| scalar.end == indicator && !scalar.is_empty())
            .map(|scalar| scalar.start);
        let start = start.or_else(|| token_start(chars, indicator))?;
        return Some((indicator..indicator + 1, start..path_end(source, start)));
    }
    let scalar = last_scalar?;
    let is_path = chars[scalar.clone()].iter().any(|c| matches!(c, '$' | '@' | '['));
    if at(mark) == Some(':') && is_path && scalar.end <= mark {
        let end = source.line_range(source.line(mark)).end;
        return Some((mark..(mark + 2).min(end), scalar.start..end));
    }
    None
}

/// Where the token that ends right before `end` starts; `None` if a blank or a bracket is there.
fn token_start(chars: &[char], end: usize) -> Option<usize> {
    let is_token = |c: &char| !c.is_whitespace() && !matches!(c, ',' | '[' | ']' | '{' | '}' | ':' | '#' | '\'' | '"');
    let length = chars[..end].iter().rev().take_while(|c| is_token(c)).count();
    (length > 0).then_some(end - length)
}

/// Where a path that starts at `start` ends: at its line's end, or before the `,`, `}` or `]` of a collection around it.
fn path_end(source: &Source<'_>, start: usize) -> usize {
    let line = source.line_range(source.line(start));
    let mut depth = 0_usize;
    let mut quote = None;
    let mut end = line.end;
    for position in start..line.end {
        let c = source.chars()[position];
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ',') if depth == 0 => {
                end = position;
                break;
            }
            (None, ']' | '}' | ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    let trailing = source.chars()[start..end]
        .iter()
        .rev()
        .take_while(|c| c.is_whitespace())
        .count();
    end - trailing
}
