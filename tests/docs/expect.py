"""Is an output what a page shows of it?

Lines are compared as they are, but for blanks at their ends. `…` on a line of its own stands for any number of lines,
and `…` within a line for one or more characters, for what is another one each time.
"""

import difflib
import re

ELISION = "…"


def line_matches(shown, line):
    """Whether a line of output is what a page shows of it."""
    shown, line = shown.rstrip(), line.rstrip()
    if ELISION not in shown:
        return shown == line
    pattern = ".+".join(re.escape(part) for part in shown.split(ELISION))
    return re.fullmatch(pattern, line) is not None


def matches(shown, output):
    """Whether the lines of an output are what a page shows of them."""
    at = line = 0
    # Where to go back to when the lines that an elision stands for turn out to be too few.
    elision = resume = None
    while line < len(output):
        if at < len(shown) and shown[at].strip() == ELISION:
            elision, resume = at, line
            at += 1
        elif at < len(shown) and line_matches(shown[at], output[line]):
            at += 1
            line += 1
        elif elision is not None:
            resume += 1
            at, line = elision + 1, resume
        else:
            return False
    return all(rest.strip() == ELISION for rest in shown[at:])


def difference(shown, output):
    """What differs, for people; a line that an elision covers counts as equal."""
    covered = updated(shown, output)
    return "\n".join(difflib.unified_diff(shown, covered, "the page", "what happened", lineterm=""))


def updated(shown, output):
    """The output as a page should show it: elisions within lines are kept where they still hold."""
    elided = [line for line in shown if ELISION in line and line.strip() != ELISION]
    return [next((line for line in elided if line_matches(line, real)), real.rstrip()) for real in output]
