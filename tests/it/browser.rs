//! `report.html` as a browser shows it: on a telephone and on a desk, light and dark.
//!
//! The page runs no script, and its policy would stop one. So a page beside it looks at it, in frames of several widths, and
//! says what it found in its own document, which Chromium prints. Where there is no Chromium, nothing is looked at.

#![expect(clippy::print_stdout, reason = "that a test was skipped has to be seen")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::report::hostile;
use crate::support::Scene;
use crate::support::documents::{Fault, MAP, searches};

/// The widths at which a report is looked at, in CSS pixels.
const WIDTHS: [u64; 3] = [320, 768, 1280];

/// Looks at `report.html` in frames, and writes what it sees as JSON into the element `seen`.
///
/// The contrast of a text with what is behind it is that of WCAG 2.2, section 1.4.3. What is behind is the page, everywhere.
const OBSERVER: &str = r##"<!doctype html><meta charset="utf-8"><title>observer</title><body><pre id="seen"></pre><script>
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = (colour) => {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
};
const contrast = (one, other) => {
  const [a, b] = [light(one), light(other)].sort((a, b) => b - a);
  return (a + 0.05) / (b + 0.05);
};
const look = (frame) => {
  const view = frame.contentWindow, page = view.document;
  const paper = view.getComputedStyle(page.body).backgroundColor;
  const texts = [...page.querySelectorAll("body *")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const contrasts = texts.map((element) => contrast(view.getComputedStyle(element).color, paper));
  const unnamed = [...page.querySelectorAll("svg")].filter((svg) => !svg.getAttribute("aria-label"));
  return {
    width: view.innerWidth,
    wide: page.documentElement.scrollWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    paper: light(paper),
    contrast: Math.min(...contrasts),
    smallest: Math.min(...texts.map((element) => parseFloat(view.getComputedStyle(element).fontSize))),
    fetched: view.performance.getEntriesByType("resource").length,
    scripts: page.scripts.length + page.querySelectorAll("img, iframe, object, embed, link, [onload], [onerror]").length,
    charts: page.querySelectorAll("svg").length,
    unnamed: unnamed.length,
    headings: page.querySelectorAll("h1").length,
    unheaded: [...page.querySelectorAll("table")].filter((table) => !table.querySelector("thead th[scope=col]")).length,
  };
};
addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")];
  document.getElementById("seen").textContent = JSON.stringify(frames.map(look));
});
</script>"##;

/// The browser, if there is one.
fn chromium() -> Option<&'static str> {
    let is_there = |name: &&str| {
        let mut version = Command::new(*name);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(is_there)
}

/// Runs the browser over a page until nothing more happens on it.
fn browse(browser: &str, page: &Path, arguments: &[&str]) -> Output {
    let profile = TempDir::new().expect("a temporary directory");
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--virtual-time-budget=10000",
            "--timeout=60000",
            "--enable-logging=stderr",
            "--hide-scrollbars",
        ])
        .arg("--allow-file-access-from-files")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()));
    command.output().expect("the browser starts")
}

/// What is seen of the report in `out/`, in a frame of each width.
fn look(browser: &str, scene: &Scene, dark: bool) -> Vec<Value> {
    let frame = |width| format!("<iframe src=report.html width={width} height=900 style=border:0></iframe>");
    let frames = WIDTHS.map(frame).concat();
    scene.write("out/observer.html", format!("{OBSERVER}{frames}"));
    // Chromium's numbers for what a reader prefers: 0 is dark, 1 is light.
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
    let output = browse(browser, &scene.path("out/observer.html"), &["--dump-dom", &scheme]);
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let console: Vec<&str> = log.lines().filter(|line| line.contains(":CONSOLE")).collect();
    assert!(console.is_empty(), "{console:#?}");
    let seen = dom
        .split_once("<pre id=\"seen\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let (seen, _) = seen.unwrap_or_else(|| panic!("nothing was seen: {log}"));
    serde_json::from_str(seen).unwrap_or_else(|error| panic!("{error} in {seen:?}: {log}"))
}

#[test]
fn a_report_is_readable_on_any_screen_and_asks_for_nothing() {
    let Some(browser) = chromium() else {
        println!("SKIPPED: there is no Chromium here, so no report was looked at");
        return;
    };
    let (archive, map) = hostile();
    let broken = |number: usize| (number % 40 == 3).then_some(Fault::Cut);
    for (what, scene) in [
        ("many documents", Scene::new(&searches(600, 60, broken), MAP)),
        ("hostile names", Scene::new(&archive, map)),
    ] {
        scene.run(&["--workers", "8"]).expect_code(3);
        for dark in [false, true] {
            let seen = look(browser, &scene, dark);
            assert_eq!(seen.len(), WIDTHS.len());
            for (seen, width) in seen.iter().zip(WIDTHS) {
                let when = format!("{what}, dark: {dark}: {seen:#}");
                let number = |name: &str| seen[name].as_f64().unwrap_or_else(|| panic!("no {name} in {when}"));
                assert_eq!(number("width"), width as f64, "{when}");
                assert!(
                    number("wide") <= width as f64,
                    "the page is wider than its screen: {when}"
                );
                assert_eq!(
                    (&seen["dark"], number("paper") < 0.5),
                    (&Value::Bool(dark), dark),
                    "{when}"
                );
                assert!(number("contrast") >= 4.5, "a text is hard to read: {when}");
                assert!(number("smallest") >= 11.0, "a text is tiny: {when}");
                assert_eq!((number("fetched"), number("scripts")), (0.0, 0.0), "{when}");
                assert_eq!(
                    (number("unnamed"), number("unheaded"), number("headings")),
                    (0.0, 0.0, 1.0),
                    "{when}"
                );
                assert!(number("charts") >= 3.0, "{when}");
            }
        }
    }
}
