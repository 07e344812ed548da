//! Lines over places in equal steps, two panels side by side.

use super::{WIDTH, escape, page};

const PANEL_WIDTH: usize = WIDTH / 2;
/// Where the drawing begins and ends within a panel.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 356.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 236.0;
const HEIGHT: usize = 276;
/// Horizontal lines above the one at 0, at most.
const MOST_TICKS: f64 = 5.0;

/// One drawing.
#[derive(Debug)]
pub(crate) struct Panel {
    /// What it shows, with its unit.
    pub(crate) title: String,
    /// How values become heights.
    pub(crate) scale: Scale,
    /// What stands below each place.
    pub(crate) places: Vec<String>,
    /// The lines, of which two have colours.
    pub(crate) lines: Vec<Line>,
}

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// In proportion to them, from 0.
    Linear,
    /// In proportion to their logarithms, from a power of ten to another.
    Logarithmic,
}

/// An axis: its ticks from the bottom to the top, of which there are two at least.
#[derive(Debug, PartialEq)]
struct Axis {
    scale: Scale,
    ticks: Vec<f64>,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    /// What it is.
    pub(crate) name: String,
    /// Its height at each place; `None` where it is not known.
    pub(crate) values: Vec<Option<f64>>,
}

/// A picture of panels side by side.
pub(crate) fn svg(title: &str, panels: &[Panel; 2]) -> String {
    let mut content = String::new();
    for (position, panel) in panels.iter().enumerate() {
        content.push_str(&format!(
            "<g transform=\"translate({} 0)\">\n{}</g>\n",
            position * PANEL_WIDTH,
            draw(panel)
        ));
    }
    page(title, HEIGHT, &content)
}

fn draw(panel: &Panel) -> String {
    let axis = Axis::of(panel);
    let mut content = format!(
        "<text class=\"head\" x=\"0\" y=\"20\">{}</text>\n",
        escape(&panel.title)
    );
    content.push_str(&legend(panel));
    for &value in &axis.ticks {
        content.push_str(&format!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"small\" x=\"{end}\" y=\"{base:.1}\" text-anchor=\"end\">{value}</text>\n",
            y = axis.y(value),
            end = LEFT - 6.0,
            base = axis.y(value) + 4.0,
            value = number(value),
        ));
    }
    for (position, place) in panel.places.iter().enumerate() {
        content.push_str(&format!(
            "<text class=\"small\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            x(position, panel.places.len()),
            BOTTOM + 28.0,
            escape(place)
        ));
    }
    for (colour, line) in panel.lines.iter().enumerate() {
        content.push_str(&draw_line(line, colour, &axis));
    }
    content
}

fn legend(panel: &Panel) -> String {
    let mut content = String::new();
    let mut left = 0;
    for (colour, line) in panel.lines.iter().enumerate() {
        content.push_str(&format!(
            "<circle class=\"fill{colour}\" cx=\"{}\" cy=\"38\" r=\"4\"/><text class=\"small\" x=\"{}\" y=\"42\">{}</text>\n",
            left + 4,
            left + 14,
            escape(&line.name)
        ));
        left += 34 + 7 * line.name.len();
    }
    content
}

/// The line, a dot at each known value and the value beside it: above for the first line, below for the second.
fn draw_line(line: &Line, colour: usize, axis: &Axis) -> String {
    let known = line.values.iter().enumerate().filter_map(|(position, value)| {
        let value = (*value)?;
        Some((x(position, line.values.len()), axis.y(value), value))
    });
    let points: Vec<String> = known.clone().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
    let mut content = format!(
        "<polyline class=\"line line{colour}\" points=\"{}\"/>\n",
        points.join(" ")
    );
    for (x, y, value) in known {
        content.push_str(&format!(
            "<circle class=\"fill{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\
             <text class=\"small\" x=\"{x:.1}\" y=\"{text:.1}\" text-anchor=\"middle\">{value}</text>\n",
            text = if colour == 0 { y - 8.0 } else { y + 15.0 },
            value = number(value),
        ));
    }
    content
}

/// Where a place is, of so many.
fn x(position: usize, places: usize) -> f64 {
    LEFT + (RIGHT - LEFT) * (position as f64 + 0.5) / places as f64
}

impl Axis {
    /// One with room for all values of a panel. On a logarithmic one, all have to be above 0.
    fn of(panel: &Panel) -> Self {
        let values = panel.lines.iter().flat_map(|line| &line.values).flatten().copied();
        let highest = values.clone().fold(f64::MIN_POSITIVE, f64::max);
        let ticks = match panel.scale {
            Scale::Linear => {
                let step = step(highest);
                (0..=(highest / step).ceil() as u32)
                    .map(|count| f64::from(count) * step)
                    .collect()
            }
            Scale::Logarithmic => {
                let lowest = values.fold(highest, f64::min).log10().floor() as i32;
                let highest = highest.log10().ceil() as i32;
                (lowest..=highest.max(lowest + 1))
                    .map(|power| 10_f64.powi(power))
                    .collect()
            }
        };
        Self {
            scale: panel.scale,
            ticks,
        }
    }

    /// The height of a value.
    fn y(&self, value: f64) -> f64 {
        let (low, high) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        let part = match self.scale {
            Scale::Linear => value / high,
            Scale::Logarithmic => (value / low).log10() / (high / low).log10(),
        };
        BOTTOM - (BOTTOM - TOP) * part
    }
}

/// The step between the ticks of a linear axis up to `highest`: 1, 2 or 5 times a power of ten.
fn step(highest: f64) -> f64 {
    let least = highest / MOST_TICKS;
    let power = 10_f64.powf(least.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|times| times * power >= least * 0.999_999);
    times.unwrap_or(10.0) * power
}

/// With one decimal where it matters.
fn number(value: f64) -> String {
    if value < 20.0 && value.fract().abs() > 1e-9 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (highest, expected) in [
            (1.0, 0.2),
            (9.0, 2.0),
            (10.0, 2.0),
            (11.0, 5.0),
            (400.0, 100.0),
            (999.0, 200.0),
        ] {
            assert!(
                (step(highest) - expected).abs() < 1e-9 * expected,
                "{highest}: {}",
                step(highest)
            );
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (1.25, "1.2"), (4.0, "4"), (23.4, "23"), (1_000.6, "1001")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn lines_go_through_what_is_known() {
        let panel = || Panel {
            title: "MB & s".to_owned(),
            scale: Scale::Linear,
            places: ["1", "2", "4"].map(str::to_owned).into(),
            lines: vec![
                Line {
                    name: "one".to_owned(),
                    values: vec![Some(100.0), None, Some(0.0)],
                },
                Line {
                    name: "two".to_owned(),
                    values: vec![Some(50.0), Some(50.0), Some(50.0)],
                },
            ],
        };
        let picture = svg("both", &[panel(), panel()]);
        // The highest value is at the top, 0 at the bottom, in the middle of three equal parts.
        for part in [
            "MB &amp; s",
            "class=\"line line0\" points=\"99.3,64.0 304.7,236.0\"",
            "class=\"line line1\" points=\"99.3,150.0 202.0,150.0 304.7,150.0\"",
            "translate(380 0)",
            ">two</text>",
        ] {
            assert!(picture.contains(part), "{part} is not in {picture}");
        }
    }

    #[test]
    fn a_logarithmic_axis_goes_from_one_power_of_ten_to_another() {
        let axis = |values: &[f64]| {
            Axis::of(&Panel {
                title: String::new(),
                scale: Scale::Logarithmic,
                places: Vec::new(),
                lines: vec![Line {
                    name: String::new(),
                    values: values.iter().copied().map(Some).collect(),
                }],
            })
        };
        assert_eq!(axis(&[4.0, 120.0]).ticks, [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(axis(&[10.0]).ticks, [10.0, 100.0]);
        let axis = axis(&[1.0, 100.0]);
        for (value, y) in [(1.0, BOTTOM), (10.0, f64::midpoint(TOP, BOTTOM)), (100.0, TOP)] {
            assert!((axis.y(value) - y).abs() < 1e-9, "{value}");
        }
    }
}
