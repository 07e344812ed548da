"""Is an output what a page shows of it?

Lines are compared as they are, but for blanks at their ends and empty lines at the end of all. `…` on a line of its own
stands for any number of lines, and `…` within a line for one or more characters, for what is another one each time.
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
    """The output as a page should show it: elisions are kept where what is around them still holds."""
    elided = [line for line in shown if ELISION in line and line.strip() != ELISION]
    lines = [next((line for line in elided if line_matches(line, real)), real.rstrip()) for real in output]
    for at, line in enumerate(shown):
        if line.strip() == ELISION:
            begin = _behind(lines, shown[at - 1]) if at else 0
            end = _position(lines, shown[at + 1], begin) if at + 1 < len(shown) else len(lines)
            if begin is not None and end is not None:
                lines[begin:end] = [ELISION]
    return lines


def _behind(lines, shown):
    position = _position(lines, shown, 0)
    return None if position is None else position + 1


def _position(lines, shown, start):
    if start is None:
        return None
    return next((at for at in range(start, len(lines)) if line_matches(shown, lines[at])), None)
