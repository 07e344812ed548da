//! `report.html`: that it says what the run was, and stays a harmless page whatever the archive holds.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::dataset::Dataset;
use crate::support::documents::{Fault, MAP, search, search_with, searches};
use crate::support::process::wait_for;
use crate::support::{Run, Scene, Tar};

/// The exit code of a run in which members failed.
const SOME_FAILED: i32 = 3;

/// A report, as far as a test can read it: by the attributes of its elements.
struct Page {
    html: String,
}

impl Page {
    fn of(dataset: &Dataset) -> Page {
        Page {
            html: dataset.text("report.html"),
        }
    }

    /// The number with this id.
    #[track_caller]
    fn number(&self, id: &str) -> u64 {
        let before = format!("<data id=\"{id}\" value=\"");
        attribute(&self.html, &before)
            .unwrap_or_else(|| panic!("no {id}"))
            .parse()
            .expect("a number")
    }

    /// The failures of each reason.
    fn failures(&self) -> BTreeMap<String, u64> {
        let groups = self.html.split("<article class=\"failures\"").skip(1);
        let of = |group: &str, name: &str| {
            attribute(group, &format!("{name}=\""))
                .expect("an attribute")
                .to_owned()
        };
        groups
            .map(|group| {
                (
                    of(group, "data-reason"),
                    of(group, "data-count").parse().expect("a count"),
                )
            })
            .collect()
    }

    /// Of each column of a feature its nulls, if they are known, and how many values did not fit.
    fn columns(&self, feature: &str) -> Vec<(String, Option<u64>, u64)> {
        let article = self
            .html
            .split("<article class=\"feature\"")
            .find(|article| attribute(article, "data-feature=\"") == Some(feature));
        let article = article.unwrap_or_else(|| panic!("no feature {feature}"));
        let article = article.split("</article>").next().expect("a part");
        let rows = article.split("<tr data-column=\"").skip(1);
        rows.map(|row| {
            let name = row.split('"').next().expect("a name").to_owned();
            let mut cells = row.split("<td class=\"number\">").skip(1);
            let mut number = || {
                cells
                    .next()
                    .and_then(|cell| attribute(cell, "<data value=\"")?.parse().ok())
            };
            (name, number(), number().unwrap_or(0))
        })
        .collect()
    }
}

/// What stands behind `before`, up to the next quote.
fn attribute<'a>(html: &'a str, before: &str) -> Option<&'a str> {
    html.split_once(before)?.1.split('"').next()
}

/// Holds a report against the summary, the logs and the rows.
#[track_caller]
fn expect_true(dataset: &Dataset) -> Page {
    let (page, summary) = (Page::of(dataset), dataset.summary());
    for (id, expected) in [
        (
            "documents",
            summary["documents"]["extracted"]
                .as_u64()
                .zip(summary["documents"]["failed"].as_u64())
                .map(|(a, b)| a + b),
        ),
        ("failures", summary["documents"]["failed"].as_u64()),
        ("rows", summary["rows"].as_u64()),
        ("members-extracted", summary["members"]["extracted"].as_u64()),
        ("members-failed", summary["members"]["failed"].as_u64()),
        ("members-skipped", summary["members"]["skipped"].as_u64()),
    ] {
        assert_eq!(Some(page.number(id)), expected, "{id}");
    }
    let mut reasons = BTreeMap::new();
    for (_, reason) in dataset.reasons() {
        *reasons.entry(reason).or_insert(0) += 1;
    }
    assert_eq!(page.failures(), reasons);
    let rescued = dataset.rescued();
    for feature in summary["features"].as_array().expect("features") {
        let feature = feature["name"].as_str().expect("a name");
        let columns = page.columns(feature);
        let names: Vec<_> = columns.iter().map(|(name, ..)| name.clone()).collect();
        let expected: Vec<_> = dataset.columns(feature).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
        for (column, nulls, misfits) in columns {
            let cells = dataset.column(feature, &column);
            let expected = cells.iter().filter(|cell| cell.is_null()).count() as u64;
            assert_eq!(nulls, Some(expected), "nulls of {feature}.{column}");
            let of_it = |value: &&Value| value["feature"] == feature && value["column"] == column.as_str();
            assert_eq!(
                misfits,
                rescued.iter().filter(of_it).count() as u64,
                "misfits of {feature}.{column}"
            );
        }
    }
    page
}

/// Many documents, some of them broken in several ways, and members that are none.
fn archive() -> Vec<u8> {
    let mut tar = Tar::new().file("README", "no document").directory("raw");
    for number in 0..400 {
        let name = format!("raw/{number:06}.json");
        let document = match number % 50 {
            7 => search_with(number, 60, Some(Fault::Cut)),
            8 => search_with(number, 60, Some(Fault::Misfit)),
            9 => String::new(),
            10 => "{\"route\":nope}".to_owned(),
            11 => "{\"route\":null,\"offers\":[{\"labels\":[]},{\"labels\":[null]},{},{\"labels\":null}]}".to_owned(),
            _ => search(number, 60),
        };
        tar = tar.file(&name, document);
    }
    tar.finish()
}

#[test]
fn a_report_says_what_the_summary_the_logs_and_the_rows_say() {
    let scene = Scene::new(&archive(), MAP);
    scene.run(&["--buffer-rows", "3000"]).expect_code(SOME_FAILED);
    let page = expect_true(&scene.dataset("out"));
    assert_eq!(page.failures().values().sum::<u64>(), 24);
    assert!(page.html.contains("Finished, but 24 documents failed"));
    assert!(page.html.contains("documents/s at the highest") && page.html.contains("Worker 2: busy"));
    // All of it, in bins that are not more than may be.
    assert!(page.html.len() < 100_000, "{} bytes", page.html.len());
    scene.run(&["--overwrite", "--allow-failed", "24"]).expect_code(0);
    assert!(
        expect_true(&scene.dataset("out"))
            .html
            .contains("24 documents failed, as is allowed")
    );
    Run::of(&mut scene.tarquet(&["verify", "--out-dir", "out"])).expect_code(0);
}

#[test]
fn after_a_kill_and_a_resume_all_of_both_runs_is_counted() {
    let scene = Scene::new(
        &searches(1_500, 120, |number| (number % 300 == 2).then_some(Fault::Cut)),
        MAP,
    );
    let settings = ["--buffer-rows", "4000", "--checkpoint-every", "5ms", "--sample", "50"];
    let mut run = scene.start("out", &settings);
    wait_for("a published part", || {
        assert!(run.is_running(), "it ended before it was killed");
        fs::read_dir(scene.path("out/features_raw/feature=offers"))
            .ok()?
            .next()
            .map(drop)
    });
    run.signal(Signal::SIGKILL);
    run.end().expect_signal(Signal::SIGKILL as i32);
    assert!(!scene.path("out/report.html").exists());
    Run::of(&mut scene.command("out", &[&settings[..], &["--resume"]].concat())).expect_code(SOME_FAILED);
    let page = expect_true(&scene.dataset("out"));
    assert_eq!(page.number("documents"), 1_500);
    assert!(page.html.contains("times and speed are of what came then"));

    // A run that died before its summary writes a report too, though it has no workers to tell of.
    for name in ["out/summary.json", "out/report.html"] {
        fs::remove_file(scene.path(name)).expect("it was written");
    }
    Run::of(&mut scene.command("out", &[&settings[..], &["--resume"]].concat())).expect_code(SOME_FAILED);
    let page = expect_true(&scene.dataset("out"));
    assert!(page.html.contains("An earlier run had committed everything"));
}

#[test]
fn deaths_of_workers_are_told() {
    let archive = Tar::new()
        .file("a.json", "{\"a\":1}")
        .file("poison-abort.json", "{}")
        .finish();
    let scene = Scene::new(&archive, "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n");
    scene.run(&[]).expect_code(SOME_FAILED);
    let page = expect_true(&scene.dataset("out"));
    assert_eq!(page.failures(), BTreeMap::from([("crash".to_owned(), 1)]));
    assert!(page.html.contains("2 workers died and were replaced"));
    assert!(
        page.html.matches("was killed by SIGABRT").count() >= 4,
        "in words and in the picture"
    );
}

/// What a name may be that wants to be more.
pub(crate) fn hostile_names() -> Vec<String> {
    vec![
        "<script>alert(1)</script>.json".to_owned(),
        "\"><img src=x onerror=alert(1)>.json".to_owned(),
        "' onload='alert(1).json".to_owned(),
        "</style><style>*{display:none}.json".to_owned(),
        "&lt;b&gt;&#x3c;.json".to_owned(),
        "\u{202e}nosj.json".to_owned(),
        "\u{1b}[31m\r\n\u{7}.json".to_owned(),
        "]]><!--.json".to_owned(),
        format!("{}.json", "long".repeat(200_000)),
    ]
}

/// Members of such names, which fail, and values that do not fit, in columns whose names are no better.
pub(crate) fn hostile() -> (Vec<u8>, &'static str) {
    let mut tar = Tar::new();
    for (number, name) in hostile_names().iter().enumerate() {
        let content = ["{", "{]", "", "{\"a\":\"<script>alert(2)</script>\\u0000\"}"][number % 4];
        tar = tar.pax_file(name, content);
    }
    let map = "\
id: doc
features:
  '<i>\"&':
    columns: {'<b>\"x': {path: $.a, type: int64}, list: {path: '$.b[*]', type: list<string>}}
";
    (tar.finish(), map)
}

#[test]
fn names_and_values_stay_text() {
    let (archive, map) = hostile();
    let scene = Scene::new(&archive, map);
    scene.run(&["--workers", "1"]).expect_code(SOME_FAILED);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rescued().len(), 2, "the values do not fit");
    let html = dataset.text("report.html");
    for raw in [
        "<script",
        "<img",
        "<b>\"",
        "<i>\"",
        "<!--",
        "onload='alert(1)\"",
        "</style><style>",
        "\u{202e}",
    ] {
        assert!(!html.contains(raw), "{raw:?}");
    }
    assert_eq!(html.matches("<style>").count(), 1);
    assert!(
        html.chars()
            .all(|character| !character.is_control() || character == '\n')
    );
    assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("&lt;script&gt;alert(2)"));
    assert!(html.len() < 100_000, "{} bytes", html.len());
    let policy = attribute(&html, "http-equiv=\"Content-Security-Policy\" content=\"").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"),
        "{policy}"
    );
    assert!(
        !html.contains("http:") && !html.contains("https:"),
        "nothing is fetched"
    );
}

#[test]
fn many_features_and_columns_make_no_large_page() {
    let columns =
        |feature: usize| (0..100).map(move |column| format!("c{feature}_{column}: {{path: $.c, type: int64}}"));
    let features = (0..70).map(|feature| {
        format!(
            "  f{feature}:\n    columns: {{{}}}\n",
            columns(feature).collect::<Vec<_>>().join(", ")
        )
    });
    let map = format!("id: doc\nfeatures:\n{}", features.collect::<String>());
    let scene = Scene::new(&searches(300, 10, |_| None), &map);
    let dataset = scene.extract(&[]);
    let html = dataset.text("report.html");
    assert!(html.contains("10 more features not shown") && html.contains("21 more columns not shown"));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

#[test]
fn a_report_that_cannot_be_written_is_a_warning() {
    let scene = Scene::new(&searches(20, 5, |_| None), MAP);
    scene.extract(&[]).text("report.html");
    fs::remove_file(scene.path("out/summary.json")).expect("it was written");
    fs::remove_file(scene.path("out/report.html")).expect("it was written");
    fs::create_dir(scene.path("out/report.html")).expect("the scene is writable");
    let run = scene.run(&["--resume"]);
    run.expect_code(0)
        .expect_stderr(&["report.html", "The dataset is whole, but has no report.html"]);
    assert_eq!(scene.dataset("out").members(), [20, 0, 0]);
}

#[test]
fn somebody_elses_report_is_refused_and_kept() {
    let scene = Scene::new(&searches(2, 5, |_| None), MAP);
    scene.write("out/report.html", "mine");
    for arguments in [&[][..], &["--overwrite"], &["--resume"]] {
        scene.run(arguments).expect_code(1).expect_stderr(&["out/report.html"]);
        assert_eq!(scene.dataset("out").text("report.html"), "mine");
    }
}
