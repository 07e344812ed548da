"""Can the check of the documentation fail? Each case is a page with one thing wrong, or one that is right.

    python -m unittest discover --start-directory tests/docs
"""

import tempfile
import unittest
from pathlib import Path

import expect
import page
import run
import static

# Stands for the binary; no page here runs it.
TARQUET = Path("/bin/true")


class PageTest(unittest.TestCase):
    """Whole pages, run by bash in a repository of their own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        for name in ("docs", "config", "examples"):
            (self.root / name).mkdir()
        (self.root / "examples/sample").write_text("sample\n", encoding="utf-8")

    def check(self, text, update=False):
        name = Path("docs/page.md")
        (self.root / name).write_text(text, encoding="utf-8")
        report = run.Report()
        run.check_page(name, self.root, TARQUET, update, report)
        return report

    def passes(self, text):
        self.assertEqual(self.check(text).problems, [])

    def fails(self, text, *words):
        problems = "\n".join(self.check(text).problems)
        self.assertTrue(problems, "nothing was wrong")
        for word in words:
            self.assertIn(word, problems)

    def test_a_page_that_is_right_passes(self):
        report = self.check("```console\n$ echo one\none\n$ cat examples/sample\nsample\n```\n")
        self.assertEqual((report.problems, report.commands), ([], 2))

    def test_other_output_is_found_with_its_line(self):
        self.fails("# Page\n\n```console\n$ echo one\ntwo\n```\n", "docs/page.md:4: echo one", "-two", "+one")
        self.fails("```console\n$ echo one\n```\n", "+one")
        self.fails("```console\n$ true\none\n```\n", "-one")
        self.fails("```console\n$ echo one\none\ntwo\n```\n", "-two")
        self.fails("```console\n$ printf 'one\\n\\ntwo\\n'\none\ntwo\n```\n", "printf")

    def test_standard_error_is_output(self):
        self.passes("```console\n$ echo one >&2\none\n```\n")
        self.passes("```console\n$ echo one; echo two >&2\ntwo\none\n$ echo three\nthree\n```\n")

    def test_a_command_that_fails_has_to_say_so(self):
        self.fails("```console\n$ false\n```\n", "ends with exit code 1")
        self.passes("```console\n$ false\n$ echo $?\n1\n```\n")
        self.fails("```console\n$ (exit 3)\n$ echo $?\n1\n```\n", "+3")

    def test_the_shell_is_the_same_over_a_page(self):
        self.passes("```console\n$ word=one\n```\ntext\n```console\n$ echo $word\none\n```\n")

    def test_commands_go_on_over_lines(self):
        self.passes("```console\n$ echo one \\\n  two\none two\n$ echo 'a\n> b'\na\nb\n```\n")

    def test_a_shell_that_ends_early_is_found(self):
        with self.assertRaisesRegex(page.PageError, "docs/page.md:2: the shell ended"):
            self.check("```console\n$ exit 0\n$ echo one\none\n```\n")

    def test_a_page_without_a_session_is_found(self):
        self.fails("# Nothing\n", "nothing on this page is run")
        self.fails("```sh\necho one\n```\n", "nothing on this page is run")

    def test_files_are_there_before_the_commands_behind_them(self):
        self.passes("<!-- file: a/map.yaml -->\n```yaml\na: '$'\n```\n\n```console\n$ cat a/map.yaml\na: '$'\n```\n")
        with self.assertRaisesRegex(page.PageError, "is no file in the page's directory"):
            self.check("<!-- file: ../map.yaml -->\n```yaml\na: 1\n```\n\n```console\n$ true\n```\n")

    def test_python_is_run_and_compared(self):
        script = "<!-- run -->\n```python\nprint(1 + 1)\n```\n"
        self.passes(f"{script}\n```text\n2\n```\n")
        self.fails(f"{script}\n```text\n3\n```\n", "-3", "+2")
        self.fails(script, "+2")
        self.fails(f"{script}\nIn between.\n\n```text\n2\n```\n", "+2")

    def test_the_originals_are_not_changed(self):
        self.passes("```console\n$ echo more >>examples/sample\n```\n")
        self.assertEqual((self.root / "examples/sample").read_text(encoding="utf-8"), "sample\n")

    def test_a_picture_that_is_another_one_is_found(self):
        page_with_picture = "```console\n$ echo new >docs/a.svg\n```\n\n![A picture](a.svg)\n"
        self.fails(page_with_picture, "docs/a.svg is not what this page's commands make")
        self.check(page_with_picture, update=True)
        self.passes(page_with_picture)

    def test_blocks_that_nothing_runs_are_checked(self):
        session = "```console\n$ true\n```\n"
        wrong = {
            "sh": "if true; then",
            "yaml": "a: [",
            "python": "def f(:",
            "json": "{,}",
            "ndjson": "{}\n{",
            "toml": "a =",
            "ini": "[Service]",
            "": "one",
            "cobol": "MOVE 1 TO X",
        }
        for language, text in wrong.items():
            with self.subTest(language=language):
                self.fails(f"{session}\n```{language}\n{text}\n```\n", "docs/page.md:5: ")

    def test_directives_that_nobody_knows_are_found(self):
        with self.assertRaisesRegex(page.PageError, "`flie` says nothing"):
            self.check("<!-- flie: map.yaml -->\n```yaml\na: 1\n```\n")

    def test_links_that_lead_nowhere_are_found(self):
        session = "# Page\n\n```console\n$ true\n```\n"
        self.passes(f"{session}\n[here](#page) [there](https://example.org/x) `[no](link.md)`\n")
        self.fails(f"{session}\n[x](missing.md)\n", "the link missing.md leads nowhere")
        self.fails(f"{session}\n[x](#missing)\n", "has no heading #missing")
        self.fails(f"{session}\n[x](../examples/sample)\n", "leads out of the book")
        self.fails(f"{session}\n{{{{#include missing.md}}}}\n", "no file missing.md to include")

    def test_update_makes_a_page_right_and_keeps_elisions_within_lines(self):
        text = ("<!-- run -->\n```python\nprint(2)\n```\n\n```console\n$ echo one; echo $$ seconds\n… seconds\nold\n"
                "$ echo two\ntwo\n```\n")
        report = self.check(text, update=True)
        self.assertEqual((report.problems, report.rewritten), ([], 2))
        updated = (self.root / "docs/page.md").read_text(encoding="utf-8")
        self.assertEqual(updated, "<!-- run -->\n```python\nprint(2)\n```\n\n```text\n2\n```\n\n```console\n"
                         "$ echo one; echo $$ seconds\none\n… seconds\n$ echo two\ntwo\n```\n")
        self.passes(updated)

    def test_what_is_broken_in_the_book_is_found(self):
        (self.root / "docs/SUMMARY.md").write_text("[One](one.md)\n[Two](two.md)\n", encoding="utf-8")
        (self.root / "docs/one.md").write_text("{{#include ../BUILT.md}}\n", encoding="utf-8")
        (self.root / "docs/three.md").write_text("\n", encoding="utf-8")
        (self.root / "BUILT.md").write_text("[one](docs/one.md)\n", encoding="utf-8")
        (self.root / "book.toml").write_text("", encoding="utf-8")
        problems = "\n".join(static.check_book(self.root))
        self.assertIn("there is no page two.md", problems)
        self.assertIn("no chapter of docs/SUMMARY.md leads to this page", problems)
        self.assertIn("add a redirection of /docs/one.html", problems)


class ExpectTest(unittest.TestCase):
    def test_lines_and_elisions(self):
        cases = [
            ("a", "a", True),
            ("a", "b", False),
            ("a", "", False),
            ("", "a", False),
            ("a  ", "a", True),
            (" a", "a", False),
            ("…", "", True),
            ("…", "a|b", True),
            ("a|…", "a", True),
            ("a|…|b", "a|b", True),
            ("a|…|b", "a|x|b|y|b", True),
            ("a|…|b", "a|x|b|y", False),
            ("…|b|…|c", "a|b|c|b|c", True),
            ("…|b|…|c", "a|c|b", False),
            ("took … s", "took 1.5 s", True),
            ("took … s", "took  s", False),
            ("took … s", "took 1.5 s more", False),
            ("a.c…", "abc1", False),
        ]
        for shown, output, expected in cases:
            with self.subTest(shown=shown, output=output):
                lines = output.split("|") if output else []
                self.assertEqual(expect.matches(shown.split("|") if shown else [], lines), expected)

    def test_an_update_keeps_elisions_whose_neighbours_are_there(self):
        cases = [
            ("a|…", "a|1|2", "a|…"),
            ("…|b", "1|2|b", "…|b"),
            ("a|…|b|c", "a|1|b|d", "a|…|b|d"),
            ("a|…|b", "x|1|b", "x|1|b"),
            ("a … s", "a 1 s|b", "a … s|b"),
        ]
        for shown, output, expected in cases:
            with self.subTest(shown=shown, output=output):
                self.assertEqual(expect.updated(shown.split("|"), output.split("|")), expected.split("|"))


if __name__ == "__main__":
    unittest.main()
