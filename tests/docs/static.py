"""What is checked of a block that nothing runs, and of the book as a whole."""

import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import yaml


def _shell(block, _tarquet):
    result = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    return result.stderr.strip() if result.returncode else None


def _yaml(block, tarquet):
    try:
        documents = list(yaml.safe_load_all(block.text))
    except yaml.YAMLError as error:
        return f"this is not valid YAML: {error}"
    if any(isinstance(document, dict) and "features" in document for document in documents):
        return _feature_map(block.text, tarquet)
    return None


def _feature_map(text, tarquet):
    """What the binary says of a map. It looks at the map first, so no archive is needed."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "map.yaml"
        file.write_text(text, encoding="utf-8")
        command = [tarquet, "extract", "--feature-map", file, "--tar-path", "no-archive", "--out-dir", f"{directory}/out"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr if "in the feature map" in result.stderr else None


def _python(block, _tarquet):
    try:
        compile(block.text, block.place, "exec")
    except SyntaxError as error:
        return f"this is not valid Python: {error}"
    return None


def _json(block, _tarquet):
    try:
        json.loads(block.text)
    except ValueError as error:
        return f"this is not valid JSON: {error}"
    return None


def _ndjson(block, _tarquet):
    try:
        for line in block.lines:
            json.loads(line)
    except ValueError as error:
        return f"a line here is not valid JSON: {error}"
    return None


def _toml(block, _tarquet):
    try:
        tomllib.loads(block.text)
    except tomllib.TOMLDecodeError as error:
        return f"this is not valid TOML: {error}"
    return None


def _unit(block, tarquet):
    """A systemd unit, where systemd is there to say what it thinks of it."""
    name = block.directives.get("unit")
    if not name:
        return "say with `<!-- unit: NAME.service -->` what this is"
    if not shutil.which("systemd-analyze"):
        return None
    with tempfile.TemporaryDirectory() as directory:
        unit = Path(directory) / name
        # What the unit starts has to be there.
        unit.write_text(block.text.replace("/usr/local/bin/tarquet", str(tarquet)), encoding="utf-8")
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                                check=False)
    about_it = [line for line in result.stderr.splitlines() if name in line or directory in line]
    return "\n".join(about_it) or None


# Each language that a page may use, with what checks it. `console` is run, and `text` is for people only.
LANGUAGES = {
    "console": None,
    "text": None,
    "sh": _shell,
    "yaml": _yaml,
    "python": _python,
    "json": _json,
    "ndjson": _ndjson,
    "toml": _toml,
    "ini": _unit,
}


def check_block(block, tarquet):
    """What is wrong with a block as it stands, or nothing."""
    if block.language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        return f"`{block.language}` is no language that a page may use, for nothing checks it; there are {known}"
    check = LANGUAGES[block.language]
    if check is None or "refused" in block.directives:
        return None
    return check(block, tarquet)


_LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
_INCLUDE = re.compile(r"\{\{#include (?P<target>\S+)\}\}")


def check_links(name, text, root):
    """What is wrong with the links and inclusions of the page at `name`, a path from `root`."""
    problems = []
    prose = _without_code(text)
    for match in _INCLUDE.finditer(text):
        if not (root / name.parent / match["target"]).is_file():
            problems.append(f"{name}: there is no file {match['target']} to include")
    for match in _LINK.finditer(prose):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = root / name.parent / target if target else root / name
        if not file.exists():
            problems.append(f"{name}: the link {match['target']} leads nowhere")
        elif name.parts[0] == "docs" and not file.resolve().is_relative_to((root / "docs").resolve()):
            problems.append(f"{name}: the link {match['target']} leads out of the book; write the address of the file "
                            "in the repository")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            problems.append(f"{name}: {target or name} has no heading #{anchor}")
    return problems


def _without_code(text):
    text = re.sub(r"^ *(`{3,}|~{3,}).*?^ *\1`* *$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """The anchors of a page's headings, as mdBook and GitHub make them."""
    titles = re.findall(r"^#+ +(.*?) *$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL),
                        flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def check_book(root):
    """What is wrong with the book: pages that no chapter leads to, chapters without a page, links of what is included."""
    problems = []
    docs = root / "docs"
    summary = (docs / "SUMMARY.md").read_text(encoding="utf-8")
    chapters = re.findall(r"\]\(([^)]+)\)", summary)
    for chapter in chapters:
        if not (docs / chapter).is_file():
            problems.append(f"docs/SUMMARY.md: there is no page {chapter}")
    for page in sorted(docs.rglob("*.md")):
        name = str(page.relative_to(docs))
        if name != "SUMMARY.md" and name not in chapters:
            problems.append(f"docs/{name}: no chapter of docs/SUMMARY.md leads to this page")
    settings = tomllib.loads((root / "book.toml").read_text(encoding="utf-8"))
    redirects = settings.get("output", {}).get("html", {}).get("redirect", {})
    for page in sorted(docs.rglob("*.md")):
        for match in _INCLUDE.finditer(page.read_text(encoding="utf-8")):
            problems += _links_of_included((page.parent / match["target"]).resolve(), root, redirects)
    for old, new in redirects.items():
        if not (docs / new.removeprefix("../")).with_suffix(".md").is_file():
            problems.append(f"book.toml: the redirection of {old} leads nowhere")
    return problems


def _links_of_included(file, root, redirects):
    """Links of a file outside of the book are relative to where it lies: for the book, each has a redirection."""
    problems = []
    for match in _LINK.finditer(_without_code(file.read_text(encoding="utf-8"))):
        target = match["target"].partition("#")[0]
        if not target or re.match(r"[a-z]+:", target):
            continue
        html = "/" + str(Path(target).with_suffix(".html"))
        if html not in redirects:
            problems.append(f"{file.relative_to(root)}: it is included in the book, where {target} leads nowhere; add a "
                            f"redirection of {html} to book.toml")
    return problems
