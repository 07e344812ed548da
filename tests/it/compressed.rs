//! Members that are gzip or zstd themselves: the same rows as without, and each that is broken fails alone.

use serde_json::{Value, json};

use crate::support::dataset::assert_same;
use crate::support::documents::{self, search_with};
use crate::support::{Dataset, Scene, Tar, gzip, tar, zstd};

/// One row a document: (doc, a).
const MAP: &str = "version: 1\nid: doc\nfeatures: {values: {columns: {a: {path: $.a, type: int64}}}}\n";

const ENGINES: [&str; 3] = ["reference", "simd-json", "structural"];

/// A name's extension, and what makes such a member of a document.
type Packing = (&'static str, fn(&[u8]) -> Vec<u8>);

/// The ways in which a document can be in a member. The content says which it is, and not the name.
const PACKINGS: [Packing; 6] = [
    (".json", <[u8]>::to_vec),
    (".json.gz", gzip),
    (".json.zst", zstd),
    (".json", gzip),
    (".json.gz", |text| pieces(text, gzip)),
    (".json.zst", |text| pieces(text, zstd)),
];

/// Two gzip members, or zstd frames, of which one ends inside a token.
fn pieces(text: &[u8], compress: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (one, other) = text.split_at(text.len() / 2);
    [compress(one), compress(other)].concat()
}

#[test]
fn compressed_members_give_the_dataset_that_plain_ones_give() {
    let documents: Vec<String> = (0..600).map(|number| search_with(number, number % 50, None)).collect();
    let (mut plain, mut mixed) = (Tar::new(), Tar::new());
    for (number, text) in documents.iter().enumerate() {
        let (extension, compress) = PACKINGS[number % PACKINGS.len()];
        plain = plain.file(&format!("raw/{number:03}.json"), text);
        mixed = mixed.file(&format!("raw/{number:03}{extension}"), compress(text.as_bytes()));
    }
    let mixed = mixed.finish();
    let settings = ["--buffer-rows", "2000", "--sample", "100"];
    let expected = Scene::new(&plain.finish(), documents::MAP)
        .extract(&settings)
        .contents();
    for archive in [mixed.clone(), gzip(&mixed)] {
        let scene = Scene::new(&archive, documents::MAP);
        for engine in ENGINES {
            let run = [&settings[..], &["--engine", engine, "--overwrite", "--workers", "3"]].concat();
            assert_same(&expected, &scene.extract(&run).contents(), engine);
        }
    }
}

/// A member that fails.
struct Broken {
    name: &'static str,
    content: Vec<u8>,
    reason: &'static str,
    /// In the compressed member for `compression`, else in what it inflates to.
    offset: Option<usize>,
    /// What the detail says among other things.
    words: &'static [&'static str],
}

/// Documents of at most so many bytes are read.
const LIMIT: usize = 4_096;

fn broken() -> Vec<Broken> {
    let text = br#"{"a":1,"b":[true,false,null]}"#;
    let (gz, zst) = (gzip(text), zstd(text));
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0xff;
        bytes
    };
    let over = [b"[".to_vec(), vec![b' '; LIMIT - 1], b"]".to_vec()].concat();
    let inner = tar(&[("a.json", text)]);
    // Magic, a frame without its size, and the descriptor of a window of 2^(10 + 21) bytes.
    let window = [&b"\x28\xb5\x2f\xfd\0\xa8"[..], b"\x11\0\0{}"].concat();
    let broken = |name, content, reason, offset, words| Broken {
        name,
        content,
        reason,
        offset,
        words,
    };
    vec![
        broken(
            "cut.json.gz",
            gz[..gz.len() - 9].to_vec(),
            "compression",
            Some(gz.len() - 9),
            &["gzip", "cut short"],
        ),
        broken(
            "cut.json.zst",
            zst[..zst.len() - 1].to_vec(),
            "compression",
            Some(zst.len() - 1),
            &["zstd", "cut short"],
        ),
        broken(
            "sum.json.gz",
            flipped(&gz, gz.len() - 8),
            "compression",
            Some(gz.len() - 4),
            &["incorrect data check"],
        ),
        broken(
            "length.json.gz",
            flipped(&gz, gz.len() - 1),
            "compression",
            Some(gz.len()),
            &["incorrect length check"],
        ),
        broken(
            "method.json.gz",
            flipped(&gz, 2),
            "compression",
            Some(4),
            &["unknown compression method"],
        ),
        broken(
            "block.json.zst",
            flipped(&zst, 6),
            "compression",
            Some(0),
            &["zstd", "byte 0"],
        ),
        broken(
            "tail.json.gz",
            [&gz[..], b"\0\0{}"].concat(),
            "compression",
            Some(gz.len() + 2),
            &["after the end"],
        ),
        broken(
            "tail.json.zst",
            [&zst[..], b"{}"].concat(),
            "compression",
            Some(zst.len()),
            &["after the end"],
        ),
        broken(
            "window.json.zst",
            window,
            "unsupported",
            Some(0),
            &["2147483648", "134217728", "--long=27"],
        ),
        broken(
            "over.json.gz",
            gzip(&over),
            "too_large",
            None,
            &["gzip", "4096", "--max-document-bytes"],
        ),
        broken(
            "over.json.zst",
            zstd(&over),
            "too_large",
            None,
            &["zstd", "4096", "--max-document-bytes"],
        ),
        broken("syntax.json.gz", gzip(br#"{"a":1,}"#), "syntax", Some(7), &[]),
        broken("short.json.zst", zstd(br#"{"a":"#), "truncated", Some(5), &[]),
        broken("empty.json.gz", gzip(b""), "empty", Some(0), &[]),
        broken("empty.json.zst", zstd(b""), "empty", Some(0), &[]),
        broken("twice.json.gz", gzip(&zst), "unsupported", None, &["again, with zstd"]),
        broken("tar.json", inner.clone(), "unsupported", None, &["tar archive"]),
        broken("tar.json.gz", gzip(&inner), "unsupported", None, &["tar archive"]),
    ]
}

#[test]
fn a_compressed_member_that_is_broken_fails_alone_and_says_where() {
    let broken = broken();
    let at_limit = [b"[".to_vec(), vec![b' '; LIMIT - 2], b"]".to_vec()].concat();
    let mut archive = Tar::new().file("limit.json.gz", gzip(&at_limit));
    let mut rows = vec![json!(["limit", null])];
    for (number, member) in broken.iter().enumerate() {
        let good = zstd(format!("{{\"a\":{number}}}").as_bytes());
        archive = archive
            .file(member.name, &member.content)
            .file(&format!("{number}.json.zst"), good);
        rows.push(json!([number.to_string(), number]));
    }
    let archive = archive.finish();
    let mut first = None;
    for (archive, what) in [(gzip(&archive), "gzip"), (archive, "tar")] {
        let scene = Scene::new(&archive, MAP);
        for (engine, workers) in ENGINES.iter().zip(["1", "2", "4"]) {
            let limit = LIMIT.to_string();
            let settings = [
                "--engine",
                engine,
                "--workers",
                workers,
                "--overwrite",
                "--max-document-bytes",
                &limit,
            ];
            scene.run(&settings).expect_code(3);
            let dataset = scene.dataset("out");
            assert_eq!(dataset.rows("values"), rows, "{engine}, {what}");
            expect_failures(&dataset, &broken);
            let contents = dataset.contents();
            assert_same(
                first.get_or_insert_with(|| contents.clone()),
                &contents,
                &format!("{engine}, {what}"),
            );
        }
    }
}

/// Asserts that these members failed, each as it has to.
#[track_caller]
fn expect_failures(dataset: &Dataset, broken: &[Broken]) {
    let failed = dataset.failed();
    assert_eq!(failed.len(), broken.len(), "{failed:#?}");
    for (line, expected) in failed.iter().zip(broken) {
        let offset = expected.offset.map_or(Value::Null, |offset| json!(offset));
        let found = [&line["member"], &line["reason"], &line["offset"]];
        assert_eq!(
            found,
            [&json!(expected.name), &json!(expected.reason), &offset],
            "{line}"
        );
        let detail = line["detail"].as_str().expect("a text");
        let missing: Vec<_> = expected.words.iter().filter(|word| !detail.contains(*word)).collect();
        assert!(missing.is_empty(), "{missing:?} in {line}");
    }
}

#[test]
fn a_bomb_costs_its_member_and_no_more_memory_than_it_may() {
    const MEMORY: &str = "96MiB";
    let zeros = vec![b' '; 64 << 20];
    // A gibibyte each: ten times what the worker may have.
    let (gz, zst) = (gzip(&zeros).repeat(16), zstd(&zeros).repeat(16));
    let archive = Tar::new()
        .file("1.json", r#"{"a":1}"#)
        .file("bomb.json.gz", gz)
        .file("bomb.json.zst", zst)
        .file("3.json.gz", gzip(br#"{"a":3}"#))
        .finish();
    let scene = Scene::new(&archive, MAP);
    let limits = [
        "--max-document-bytes",
        "8MiB",
        "--worker-memory",
        MEMORY,
        "--workers",
        "1",
    ];
    scene.run(&limits).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("values"), [json!(["1", 1]), json!(["3", 3])]);
    let reasons = ["bomb.json.gz", "bomb.json.zst"].map(|name| (name.to_owned(), "too_large".to_owned()));
    assert_eq!(dataset.reasons(), reasons);
}

#[test]
fn what_there_is_no_memory_to_inflate_kills_a_worker_and_costs_its_member() {
    let spaces = gzip(&vec![b' '; 32 << 20]).repeat(4);
    // One stored block, in a frame that asks for a window of 2^(10 + 17) bytes.
    let window = &b"\x28\xb5\x2f\xfd\0\x88\x11\0\0{}"[..];
    let archive = Tar::new()
        .file("1.json.zst", zstd(br#"{"a":1}"#))
        .file("document.json.gz", spaces)
        .file("2.json.gz", gzip(br#"{"a":2}"#))
        .file("window.json.zst", window)
        .file("3.json", r#"{"a":3}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    for workers in ["1", "2"] {
        let limits = ["--worker-memory", "96MiB", "--workers", workers, "--overwrite"];
        scene.run(&limits).expect_code(3);
        let dataset = scene.dataset("out");
        let rows = ["1", "2", "3"].map(|doc| json!([doc, doc.parse::<i64>().expect("a number")]));
        assert_eq!(dataset.rows("values"), rows);
        let reasons = ["document.json.gz", "window.json.zst"].map(|name| (name.to_owned(), "crash".to_owned()));
        assert_eq!(dataset.reasons(), reasons);
        for line in dataset.failed() {
            assert!(
                line["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.contains("--worker-memory")),
                "{line}"
            );
        }
    }
}
