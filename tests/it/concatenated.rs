//! Archives that were put one behind the other.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::dataset::assert_same;
use crate::support::documents::{MAP, searches};
use crate::support::ledger::Ledger;
use crate::support::process::{Running, wait_for};
use crate::support::{Scene, gzip, tar};

const ONE: &str = "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n";

/// Three archives, of two documents, none, and one.
fn archives() -> [Vec<u8>; 3] {
    let none: &[(&str, &str)] = &[];
    [
        tar(&[("1.json", r#"{"a":1}"#), ("2.json", r#"{"a":2}"#)]),
        tar(none),
        tar(&[("3.json", r#"{"a":3}"#)]),
    ]
}

#[test]
fn what_stands_behind_the_end_marker_is_named_with_its_byte() {
    let plain = archives().concat();
    let place = archives()[..2].concat().len();
    let warning = format!("warning: behind the end-of-archive marker another archive begins, at byte {place}");
    for (archive, warning) in [
        (plain.clone(), warning.clone() + ". "),
        (
            gzip(&plain),
            format!("{warning} decompressed (out of the 64 KiB from byte 0 of the file). "),
        ),
        (
            archives().map(|archive| gzip(&archive)).concat(),
            format!("{warning} decompressed "),
        ),
    ] {
        let scene = Scene::new(&archive, ONE);
        let run = scene.run(&[]);
        run.expect_code(0).expect_stderr(&[&warning, "--ignore-zeros"]);
        assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
        let dataset = scene.dataset("out");
        assert_eq!(dataset.column("a", "a"), [1, 2]);
        let after = dataset.summary()["after_end"].clone();
        assert!(
            after.as_str().is_some_and(|after| after.contains(&place.to_string())),
            "{after}"
        );
    }
}

#[test]
fn what_follows_the_marker_and_is_no_archive_is_named_by_its_first_byte() {
    let whole = archives()[0].clone();
    let other = [whole.clone(), vec![0; 10], b"other".to_vec()].concat();
    let scene = Scene::new(&other, ONE);
    let run = scene.run(&[]);
    let place = format!("there are bytes that are no archive, at byte {}. ", whole.len() + 10);
    run.expect_code(0).expect_stderr(&[&place]);
    assert_eq!(scene.dataset("out").column("a", "a"), [1, 2]);

    let padded = [whole, vec![0; 20 * 512]].concat();
    let scene = Scene::new(&padded, ONE);
    scene.run(&[]).expect_code(0).expect_quiet_stderr();
    assert_eq!(scene.dataset("out").summary()["after_end"], Value::Null);
}

#[test]
fn all_of_them_are_read_where_zeros_are_ignored() {
    let plain = archives().concat();
    for archive in [
        plain.clone(),
        gzip(&plain),
        archives().map(|archive| gzip(&archive)).concat(),
    ] {
        let scene = Scene::new(&archive, ONE);
        let run = scene.run(&["--ignore-zeros"]);
        run.expect_code(0).expect_quiet_stderr();
        let dataset = scene.dataset("out");
        assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["2", 2]), json!(["3", 3])]);
        assert_eq!(dataset.summary()["after_end"], Value::Null);
    }
}

/// A run over several archives that is killed and resumed, and one that is resumed with another setting.
#[test]
fn whether_zeros_are_ignored_is_a_part_of_what_is_resumed() {
    let archive = [searches(400, 40, |_| None), searches(300, 40, |_| None)].concat();
    let scene = Scene::new(&archive, MAP);
    let flags = ["--ignore-zeros", "--buffer-rows", "2000", "--checkpoint-every", "1ms"];
    let expected = scene.extract_to("expected", &flags).contents();
    let mut command = scene.command("out", &flags);
    let running = Running::start_slowly(&mut command);
    wait_for("a checkpoint", || {
        Ledger::read(&scene.path("out")).filter(|ledger| ledger.checkpoint() > 0)
    });
    running.signal(Signal::SIGKILL);
    running.end();
    let without = scene.run(&["--buffer-rows", "2000", "--resume"]);
    without
        .expect_code(1)
        .expect_stderr(&["--ignore-zeros is false; it was true"]);
    let resumed = scene.extract(&[&flags[..], &["--resume"]].concat());
    assert_same(&expected, &resumed.contents(), "resumed");
    assert_eq!(resumed.rows("route").len(), 700);
}
