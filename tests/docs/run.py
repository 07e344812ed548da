"""Runs every command of the documentation and compares what it says with what the page shows.

    python tests/docs/run.py                  # all pages
    python tests/docs/run.py docs/json.md     # some of them
    python tests/docs/run.py --update …       # and rewrites the outputs in place: look at the difference before a commit

It takes `tarquet` from the PATH (or from --tarquet), and Python's packages from tests/docs/requirements.txt.

- ```console blocks are sessions: each `$ command` is run by one bash a page, in a directory of its own that has the
  repository's `config`, `examples` and `docs`. Standard error and then standard output are compared, line by line;
  `…` stands for what varies (see expect.py). A command that fails has to be followed by `$ echo $?`.
- A block below `<!-- file: NAME -->` is written to NAME first.
- ```python blocks below `<!-- run -->` are run; a ```text block right behind has the output.
- A picture `docs/….svg` that a page's commands make has to be the one that is in the repository.
- All other blocks are checked as far as they can be without running them (see static.py).
"""

import argparse
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import expect
import page
import session
import static

ROOT = Path(__file__).resolve().parents[2]

# Pages on which nothing is to be run. All others have to have something.
WITHOUT_SESSIONS = {
    "docs/SUMMARY.md": "the table of contents",
    "docs/architecture.md": "text alone",
    "docs/bench.md": "made by `cargo xtask bench`",
    "docs/formats.md": "each row of its tables has a test in tests/it/formats.rs",
    "docs/json.md": "its tables have tests in crates/projection/tests/verdicts.rs",
    "docs/fuzzing.md": "needs nightly Rust",
    "examples/README.md": "needs a build of xtask",
}


def main():
    arguments = _arguments()
    tarquet = Path(arguments.tarquet).resolve()
    names = arguments.pages or page.pages(ROOT)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        reports = list(pool.map(lambda name: _guarded(name, tarquet, arguments.update), names))
    problems = [problem for report in reports for problem in report.problems]
    if not arguments.pages:
        problems += static.check_book(ROOT)
    for problem in problems:
        print(problem, end="\n\n")
    run = sum(report.commands for report in reports)
    print(f"{len(names)} pages, {run} commands run, {sum(report.checked for report in reports)} other blocks checked, "
          f"{sum(report.rewritten for report in reports)} outputs rewritten, {len(problems)} problems")
    sys.exit(bool(problems))


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=_page, help="pages, by their paths; all of them if none is given")
    parser.add_argument("--update", action="store_true", help="rewrite the outputs in place")
    parser.add_argument("--tarquet", default=shutil.which("tarquet"), help="the binary [default: from the PATH]")
    arguments = parser.parse_args()
    if not arguments.tarquet or not Path(arguments.tarquet).is_file():
        parser.error("there is no tarquet on the PATH: build it, and write PATH=target/release:$PATH before the command")
    return arguments


def _page(path):
    path = Path(path).resolve()
    if not path.is_file() or not path.is_relative_to(ROOT):
        raise argparse.ArgumentTypeError(f"there is no page {path} in {ROOT}")
    return path.relative_to(ROOT)


class Report:
    """What became of a page."""

    def __init__(self):
        self.problems = []
        self.commands = 0
        self.checked = 0
        self.rewritten = 0


def _guarded(name, tarquet, update):
    report = Report()
    try:
        check_page(name, ROOT, tarquet, update, report)
    except page.PageError as error:
        report.problems.append(str(error))
    return report


def check_page(name, root, tarquet, update, report):
    """Runs and checks the page at `name`, a path from `root`."""
    file = root / name
    text = file.read_text(encoding="utf-8")
    blocks = page.blocks(str(name), text)
    for block in blocks:
        problem = static.check_block(block, tarquet)
        if problem:
            report.problems.append(f"{block.place}: {problem}")
        report.checked += block.language != "console"
    with tempfile.TemporaryDirectory(prefix="tarquet-docs-") as scratch:
        outcomes, pictures = session.run(blocks, root, tarquet, Path(scratch))
        for picture in pictures:
            if update:
                shutil.copyfile(Path(scratch) / picture, root / picture)
                report.rewritten += 1
            else:
                report.problems.append(f"{name}: {picture} is not what this page's commands make; --update replaces it")
    report.problems += static.check_links(name, text, root)
    report.commands += len(outcomes)
    expected = str(name) not in WITHOUT_SESSIONS
    if expected and not outcomes:
        report.problems.append(f"{name}: nothing on this page is run; write ```console blocks, or say in "
                               "tests/docs/run.py why it has none")
    if not expected and outcomes:
        report.problems.append(f"{name}: this page has sessions, so WITHOUT_SESSIONS in tests/docs/run.py is wrong")
    silent = _silent_failures(outcomes)
    report.problems += [_described(outcome) for outcome in silent]
    wrong = [outcome for outcome in outcomes
             if outcome not in silent and not expect.matches(outcome.command.expected, outcome.lines)]
    if update and wrong:
        file.write_text(rewritten(text, wrong), encoding="utf-8")
        report.rewritten += len(wrong)
        return
    for outcome in wrong:
        shown = expect.difference(outcome.command.expected, outcome.lines)
        report.problems.append(f"{outcome.command.place}: {_title(outcome.command)}\n{shown}")


def _silent_failures(outcomes):
    """The commands that fail where a reader would not see it."""
    behind = [*outcomes[1:], None]
    return [outcome for outcome, following in zip(outcomes, behind)
            if outcome.status and (following is None or following.command.text.strip() != "echo $?")]


def _described(outcome):
    output = "\n".join(outcome.lines)
    return (f"{outcome.command.place}: {_title(outcome.command)}\nends with exit code {outcome.status}, and the page does "
            f"not say so by `$ echo $?`:\n{output}")


def _title(command):
    first, _, more = command.text.partition("\n")
    return f"{first} …" if more else first


def rewritten(text, wrong):
    """The page with the outputs that are wrong replaced by what happened."""
    lines = text.split("\n")
    for outcome in sorted(wrong, key=lambda outcome: outcome.command.begin, reverse=True):
        command = outcome.command
        output = expect.updated(command.expected, outcome.lines)
        if lines[command.begin - 1].strip() == "```":
            # Behind a script that had no block for its output.
            output = ["", "```text", *output, "```"]
        lines[command.begin : command.end] = output
    return "\n".join(lines)


if __name__ == "__main__":
    main()
