//! Completion, as the shells themselves do it.

use std::process::{Command, Stdio};

use crate::support::{Run, Scene};

/// What is typed, and what its last word becomes.
const UNIQUE: [(&str, &str); 5] = [
    ("tarquet ext", "extract"),
    ("tarquet extract --docu", "--documents"),
    ("tarquet extract --documents nd", "ndjson"),
    ("tarquet extract --feature-map m", "map.yaml"),
    ("tarquet verify --qui", "--quick --quiet"),
];

/// Completes each line that is given behind the script, as bash does: by the function that the script names.
const BASH: &str = r#"
eval "$("$1" completions bash)"
for line in "${@:2}"; do
    read -ra COMP_WORDS <<<"$line"
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    # Only a shell that is typed into has `compopt`'s options.
    _tarquet tarquet "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}" 2>/dev/null
    (IFS=,; echo "${COMPREPLY[*]}")
done
"#;

/// Types each line into a shell behind a terminal, with a tab at its end, and tells the words that the command gets. The terminal
/// shows what is typed too, so what is waited for must not stand in it.
const ZSH: &str = r#"
zmodload zsh/zpty
mkdir functions
"$1" completions zsh > functions/_tarquet
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= RPS1= fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w shell 'tarquet() { print -rl -- "$@" >words; print DO""NE }'
for line in "${@:2}"; do
    zpty -w -n shell "$line"$'\t\n'
    zpty -r shell output '*DONE*'
    print -r -- "${(j:,:)${(f)$(<words)}}"
done
zpty -d shell
"#;

const FISH: &str = r#"
$argv[1] completions fish | source
for line in $argv[2..]
    complete -C $line | string split --fields 1 \t | string join ,
end
"#;

fn scene() -> Scene {
    Scene::new(b"", "")
}

/// What a shell makes of lines, one by one; `None`, and a word of it, where there is no such shell.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn complete(scene: &Scene, shell: &[&str], script: &str, lines: &[&str]) -> Option<Vec<String>> {
    let there = Command::new(shell[0]).arg("--version").stdout(Stdio::null()).status();
    if there.is_err() {
        println!("SKIPPED: {} is not here", shell[0]);
        return None;
    }
    scene.write("script", script);
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg("script")
        .arg(env!("CARGO_BIN_EXE_tarquet"))
        .args(lines);
    let run = Run::of(command.current_dir(scene.path("")).stdin(Stdio::null()));
    run.expect_code(0).expect_quiet_stderr();
    Some(run.stdout.lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes() {
    let scene = scene();
    scene.write("a b.yaml", "");
    let lines = UNIQUE.map(|(line, _)| line);
    let rest = [
        "tarquet ",
        "tarquet extract --feature-map a",
        "tarquet extract --workers ",
        "tarquet completions ",
    ];
    let completed =
        complete(&scene, &["bash", "--norc"], BASH, &[&lines[..], &rest].concat()).expect("bash is everywhere");
    for (completed, (line, expected)) in completed.iter().zip(UNIQUE) {
        assert_eq!(completed, &expected.replace(' ', ","), "{line}");
    }
    let [commands, map, workers, shells] = &completed[UNIQUE.len()..] else {
        panic!("{completed:?}");
    };
    assert!(
        commands.contains("extract,inspect,check,preview,verify") && !commands.contains("worker"),
        "{commands}"
    );
    assert!(map.split(',').any(|map| map == "a b.yaml"), "{map}");
    assert_eq!(workers, "", "a number is no file");
    assert!(shells.ends_with("bash,zsh,fish"), "{shells}");
}

#[test]
fn zsh_completes() {
    // Where there are several, it would wait for the next key.
    let unique: Vec<(&str, &str)> = UNIQUE.into_iter().filter(|(_, word)| !word.contains(' ')).collect();
    let lines: Vec<&str> = unique.iter().map(|(line, _)| *line).collect();
    let Some(completed) = complete(&scene(), &["zsh", "-f"], ZSH, &lines) else {
        return;
    };
    assert_eq!(completed.len(), unique.len(), "{completed:?}");
    for (completed, (line, expected)) in completed.iter().zip(unique) {
        let last = completed.split(',').next_back().unwrap_or_default();
        // Behind an option that takes a value it puts what stands before the value.
        assert_eq!(last.trim_end_matches('='), expected, "{line}");
    }
}

#[test]
fn fish_completes() {
    let lines = UNIQUE.map(|(line, _)| line);
    let lines = [&lines[..], &["tarquet "]].concat();
    let Some(completed) = complete(&scene(), &["fish", "--no-config"], FISH, &lines) else {
        return;
    };
    for (completed, (line, expected)) in completed.iter().zip(UNIQUE) {
        assert_eq!(completed, &expected.replace(' ', ","), "{line}");
    }
    let commands = completed.last().expect("a line each");
    assert!(
        commands.contains("extract") && !commands.contains("worker"),
        "{commands}"
    );
}
