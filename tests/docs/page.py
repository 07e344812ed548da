"""The fenced blocks of a Markdown page, and what a block of a session says is to be run and seen."""

import re
from dataclasses import dataclass, field
from pathlib import Path


class PageError(Exception):
    """A page that cannot be read as it was meant; the message says where and what to do."""


@dataclass
class Block:
    """One fenced block."""

    page: str
    # The line of its opening fence, from 1.
    line: int
    language: str
    # What the comments right above it say: {"file": "map.yaml"}, {"run": ""}.
    directives: dict
    # Between the fences. `first` is the position of the first of them in the page's lines, from 0.
    lines: list
    first: int
    # Whether nothing but blank lines is between it and the block before it.
    follows: bool = False

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


@dataclass
class Command:
    """A command, and what a page shows of its output."""

    place: str
    text: str
    expected: list = field(default_factory=list)
    # Where `expected` stands in the page's lines, from 0. Equal where nothing is shown.
    begin: int = 0
    end: int = 0


_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_DIRECTIVE = re.compile(r"^ *<!-- *(?P<word>[a-z]+)(?:: *(?P<value>.*?))? *--> *$")
DIRECTIVES = {
    "file": "the block is written to this file before what follows it is run",
    "run": "the Python script is run; a `text` block right behind it has its output",
    "unit": "the block is a systemd unit of this name",
    "refused": "the block is what the page says is refused, so it is not checked",
}


def blocks(name, text):
    """The fenced blocks of the page `name`, in order."""
    lines = text.split("\n")
    found = []
    at = 0
    last_end = None
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if not fence:
            if lines[at].strip():
                last_end = None
            at += 1
            continue
        closing = _closing(name, lines, at, fence)
        block = Block(
            page=name,
            line=at + 1,
            language=fence["info"].strip(),
            directives=_directives(name, lines, at),
            lines=[line.removeprefix(fence["indent"]) for line in lines[at + 1 : closing]],
            first=at + 1,
            follows=last_end is not None,
        )
        if fence["indent"] and block.language == "console":
            raise PageError(f"{block.place}: a block of a session is not indented, so that it can be rewritten in place")
        found.append(block)
        at = closing + 1
        last_end = at
    return found


def _closing(name, lines, opening, fence):
    for at in range(opening + 1, len(lines)):
        text = lines[at].strip()
        if text.startswith(fence["fence"]) and not text.strip(fence["fence"][0]):
            return at
    raise PageError(f"{name}:{opening + 1}: the block is never closed")


def _directives(name, lines, opening):
    found = {}
    at = opening - 1
    while at >= 0 and (comment := _DIRECTIVE.match(lines[at])):
        word = comment["word"]
        if word not in DIRECTIVES:
            known = ", ".join(f"`{word}`" for word in DIRECTIVES)
            raise PageError(f"{name}:{at + 1}: a comment right above a block says what it is for, and `{word}` says "
                            f"nothing; the words are {known}")
        found[word] = comment["value"] or ""
        at -= 1
    return found


def commands(block):
    """The commands of a `console` block, each with the output that is shown below it.

    A command begins with `$ `; it goes on behind a `\\` at the end of a line, and in lines that begin with `> `.
    """
    found = []
    at = 0
    while at < len(block.lines):
        line = block.lines[at]
        place = f"{block.page}:{block.first + at + 1}"
        if not line.startswith("$ "):
            raise PageError(f"{place}: a block of a session begins with a command, `$ …`")
        text = [line[2:]]
        at += 1
        while at < len(block.lines):
            line = block.lines[at]
            if line.startswith("> "):
                text.append(line[2:])
            elif text[-1].endswith("\\"):
                text.append(line)
            else:
                break
            at += 1
        begin = at
        while at < len(block.lines) and not block.lines[at].startswith("$ "):
            at += 1
        found.append(Command(place, "\n".join(text), block.lines[begin:at], block.first + begin, block.first + at))
    if not found:
        raise PageError(f"{block.place}: this block has no command; a session begins with `$ …`")
    return found


def pages(root):
    """The README and all pages of the book, by their paths from `root`."""
    book = sorted(path.relative_to(root) for path in (root / "docs").rglob("*.md"))
    return [Path("README.md"), Path("examples/README.md"), *book]
