//! Aligned tables for a terminal, of texts that come from archives.

use console::{Style, Term, measure_text_width, truncate_str};

/// Columns stand so far apart.
const GAP: &str = "  ";

/// Nothing is cut to fewer columns than this.
const NARROWEST: usize = 8;

/// On which side a column is even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A column's head.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) text: String,
    pub(crate) align: Align,
}

impl Head {
    pub(crate) fn left(text: impl Into<String>) -> Head {
        Head {
            text: text.into(),
            align: Align::Left,
        }
    }

    pub(crate) fn right(text: impl Into<String>) -> Head {
        Head {
            text: text.into(),
            align: Align::Right,
        }
    }
}

/// A cell: a text, and how it looks on a terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell {
            text,
            style: Style::new(),
        }
    }
}

impl Cell {
    pub(crate) fn dim(text: impl Into<String>) -> Cell {
        Cell {
            text: text.into(),
            style: Style::new().dim(),
        }
    }
}

/// How wide the terminal is that standard output goes to; `None` if it goes elsewhere, and nothing has to be cut.
pub(crate) fn terminal_width() -> Option<usize> {
    let stdout = Term::stdout();
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = asked.filter(|columns| *columns > 0);
    match stdout.is_term() {
        true => Some(asked.unwrap_or_else(|| usize::from(stdout.size().1))),
        false => None,
    }
}

/// The table, no wider than `width`: columns are cut from the last on, and those that have no room are left out.
pub(crate) fn render(head: &[Head], rows: &[Vec<Cell>], width: Option<usize>) -> String {
    let natural: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| measure_text_width(&cell.text)).max().unwrap_or(0);
            widest.max(measure_text_width(&head[column].text))
        })
        .collect();
    let widths = match width {
        None => natural,
        Some(width) => fit(natural, width),
    };
    let mut table = String::new();
    let bold = Style::new().bold();
    let titles: Vec<Cell> = head
        .iter()
        .map(|head| Cell {
            text: head.text.clone(),
            style: bold.clone(),
        })
        .collect();
    for row in std::iter::once(&titles).chain(rows) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column > 0 {
                line.push_str(GAP);
            }
            let text = truncate_str(&cell.text, *width, "…");
            let pad = " ".repeat(width.saturating_sub(measure_text_width(&text)));
            let styled = cell.style.apply_to(&text).to_string();
            line += &match head[column].align {
                Align::Left => format!("{styled}{pad}"),
                Align::Right => format!("{pad}{styled}"),
            };
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// Widths that together are no more than `width`: the widest columns give way, but for what nothing is cut below.
fn fit(mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let all = |widths: &[usize]| widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    while all(&widths) > width {
        let widest = widths.iter().copied().max().unwrap_or(0);
        if widest <= NARROWEST {
            // Some columns have no room at all.
            if widths.len() == 1 {
                widths[0] = width.max(1);
                break;
            }
            widths.pop();
            continue;
        }
        let second = widths.iter().copied().filter(|other| *other < widest).max();
        let floor = second.unwrap_or(0).max(NARROWEST);
        let many = widths.iter().filter(|other| **other == widest).count();
        let over = all(&widths) - width;
        let step = (widest - floor).min(over.div_ceil(many)).max(1);
        for other in widths.iter_mut().filter(|other| **other == widest) {
            *other -= step;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<const N: usize>(rows: &[[&str; N]]) -> Vec<Vec<Cell>> {
        let row = |row: &[&str; N]| row.iter().map(|text| (*text).to_owned().into()).collect();
        rows.iter().map(row).collect()
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let head = [Head::left("name"), Head::right("n")];
        let table = render(&head, &cells(&[["a", "1"], ["日本", "1,000"]]), None);
        assert_eq!(
            console::strip_ansi_codes(&table),
            "name      n\na         1\n日本  1,000\n"
        );
    }

    #[test]
    fn a_table_is_never_wider_than_the_terminal() {
        let head = [Head::left("path"), Head::right("share"), Head::left("examples")];
        let long = "x".repeat(300);
        let rows = cells(&[
            ["$.a.b.c.d.e.f.g.h", "100%", long.as_str()],
            ["日本語".repeat(30).as_str(), "1%", "y"],
        ]);
        for width in 1..140 {
            let table = render(&head, &rows, Some(width));
            for line in console::strip_ansi_codes(&table).lines() {
                assert!(measure_text_width(line) <= width, "{width}: {line:?}");
            }
        }
        assert!(render(&head, &rows, Some(80)).contains("100%"));
    }
}
