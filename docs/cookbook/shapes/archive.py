"""Writes what the shapes consist of: tars, gzip files, lines of JSON. Without times, so the bytes are the same each time."""

import gzip
import io
import json
import tarfile


def dumps(value):
    """One document, as most services write it: UTF-8, no blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def ndjson(documents):
    return b"".join(dumps(document) + b"\n" for document in documents)


def gzipped(content):
    return gzip.compress(content, mtime=0)


def write_tar(path, members):
    """A tar of `members`, which are (name, bytes); gzip if the path ends in `gz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    content = buffer.getvalue()
    path.write_bytes(gzipped(content) if path.name.endswith("gz") else content)
