"""Writes random archives with Python's tarfile, in all its formats: DIRECTORY SEED COUNT. Says their paths."""

import io
import os
import random
import sys
import tarfile

directory, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
choose = random.Random(seed)

PARTS = ["a", "raw", "..", ".", "x" * 99, "y" * 130, "é", "日本", "two words", "new\nline", "tab\t", "caf\udce9", "100%", "-", "*"]
KINDS = [
    tarfile.REGTYPE,
    tarfile.REGTYPE,
    tarfile.REGTYPE,
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.CONTTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
]
SIZES = [0, 1, 511, 512, 513, 1024, 5000]
RECORDS = {
    "comment": ["nothing", "two\nlines", "12 path=wrong\n", "x" * 1000],
    "mtime": ["1.5", "-1"],
    "SCHILY.xattr.user.x": ["a=b\n"],
    "LIBARCHIVE.creationtime": ["1"],
    "uname": ["Gödel"],
}


def name():
    return "/".join(choose.choice(PARTS) for _ in range(choose.choice([1, 1, 2, 4]))) + ".json"


def records():
    keywords = choose.sample(sorted(RECORDS), choose.choice([0, 0, 1, 3]))
    return {keyword: choose.choice(RECORDS[keyword]) for keyword in keywords}


def add(archive):
    member = tarfile.TarInfo(name())
    member.type = choose.choice(KINDS)
    if member.type == tarfile.AREGTYPE:
        # Of a long name tarfile looks at the header's part alone, and takes a slash at its end for a directory's.
        member.name = member.name[-40:].lstrip("/")
    member.mtime = choose.choice([0, 1.5, 1 << 34])
    member.uid = choose.choice([0, 1000, 1 << 22])
    body = b""
    if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE):
        body = bytes(choose.choice(b"{}[]1 ,") for _ in range(choose.choice(SIZES)))
    if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        member.linkname = name()
    if archive.format == tarfile.PAX_FORMAT:
        member.pax_headers = records()
    member.size = len(body)
    try:
        archive.addfile(member, io.BytesIO(body))
    except ValueError:
        pass  # What this format cannot hold.


def write(path):
    settings = {"format": choose.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])}
    if settings["format"] == tarfile.PAX_FORMAT and choose.random() < 0.3:
        settings["pax_headers"] = records()
    with tarfile.open(path, choose.choice(["w", "w", "w:gz"]), **settings) as archive:
        for _ in range(choose.choice([0, 1, 3, 8])):
            add(archive)


for number in range(count):
    path = os.path.join(directory, f"tarfile-{number}.tar")
    write(path)
    print(path)
