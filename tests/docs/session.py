"""Runs what a page has to run: in one shell, in one directory that looks like the repository's root."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import page

# What a page may use, as it lies in the repository. They are copies, so that no page can change the originals.
FIXTURES = ("config", "examples", "docs")

# A page that takes longer has something that waits for ever.
LIMIT_SECONDS = 300

MARK = "\x01"


@dataclass
class Outcome:
    """What became of a command."""

    command: page.Command
    # Standard error, then standard output: which of them comes first where both are one terminal may be chance.
    lines: list
    status: int


def steps(blocks):
    """What is to be run, as shell text, with the commands whose output is compared."""
    found = []
    for position, block in enumerate(blocks):
        if "file" in block.directives:
            found.append((_write(block), None))
        if block.language == "console":
            found.extend((command.text, command) for command in page.commands(block))
        elif "run" in block.directives:
            found.append(_script(block, blocks[position + 1 : position + 2]))
    return found


def _write(block):
    name = block.directives["file"]
    if not name or name.startswith("/") or ".." in Path(name).parts:
        raise page.PageError(f"{block.place}: `{name}` is no file in the page's directory")
    return f"mkdir -p {shlex.quote(str(Path(name).parent))} && printf %s {shlex.quote(block.text)} >{shlex.quote(name)}"


def _script(block, behind):
    if block.language != "python":
        raise page.PageError(f"{block.place}: only Python scripts are run; sessions are `console` blocks")
    command = page.Command(block.place, f"python -c {shlex.quote(block.text)}")
    command.begin = command.end = block.first + len(block.lines) + 1
    if behind and behind[0].follows and behind[0].language == "text":
        output = behind[0]
        command.expected = output.lines
        command.begin, command.end = output.first, output.first + len(output.lines)
    return command.text, command


def run(blocks, root, tarquet, scratch):
    """Runs a page's blocks in the empty directory `scratch`.

    Gives an outcome for each command, and the book's pictures that the commands made anew and that are other ones now, by
    their paths from `scratch` (and from `root`).
    """
    todo = steps(blocks)
    if not any(command for _, command in todo):
        return [], []
    _furnish(scratch, root, tarquet)
    before = _pictures(scratch)
    with tempfile.NamedTemporaryFile() as errors:
        script = ["status=0"]
        for number, (text, _) in enumerate(todo):
            # `$?` is the status of the command before, as it is in a terminal.
            script.append(f"(exit $status); eval {shlex.quote(text)} 2>{errors.name}")
            script.append(f"status=$?; printf '{MARK}%d {number}{MARK}' $status; cat {errors.name}; printf '{MARK}'")
        output = _bash("\n".join(script), scratch, tarquet)
    outcomes = _outcomes(todo, output)
    return outcomes, [name for name, content in _pictures(scratch).items() if before.get(name) != content]


def _pictures(scratch):
    return {path.relative_to(scratch): path.read_bytes() for path in sorted((scratch / "docs").rglob("*.svg"))}


def _furnish(scratch, root, tarquet):
    for name in FIXTURES:
        shutil.copytree(root / name, scratch / name)
    # Where `cargo build --release` puts it.
    (scratch / "target/release").mkdir(parents=True)
    (scratch / "target/release/tarquet").symlink_to(tarquet)


def _bash(script, scratch, tarquet):
    path = [Path(sys.executable).parent, tarquet.parent, "/usr/local/bin", "/usr/bin", "/bin"]
    environment = {
        "PATH": ":".join(map(str, path)),
        "HOME": str(scratch),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(["bash", "-c", script], cwd=scratch, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True) as shell:
        try:
            output, _ = shell.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            output, _ = shell.communicate()
            output += f"\n[stopped after {LIMIT_SECONDS} s]\n".encode()
    return output.decode(errors="replace")


def _outcomes(todo, output):
    outcomes = []
    rest = output
    for number, (text, command) in enumerate(todo):
        printed, mark, rest = rest.partition(MARK)
        said, _, rest = rest.partition(MARK)
        complained, _, rest = rest.partition(MARK)
        before = complained + printed
        if not mark:
            place = command.place if command else text
            raise page.PageError(f"{place}: the shell ended before this command did; it said:\n{before}")
        status, seen = map(int, said.split())
        if seen != number:
            raise page.PageError(f"the marks of the session are out of order: {seen} instead of {number}")
        if command:
            outcomes.append(Outcome(command, before.rstrip().splitlines(), status))
        elif status:
            raise page.PageError(f"a file could not be written: {before}")
    return outcomes
