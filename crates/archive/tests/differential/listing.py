"""Lists tar archives as Python's tarfile reads them: one JSON object a line for each path on standard input."""

import json
import os
import sys
import tarfile
import zlib

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.GNUTYPE_SPARSE: "sparse",
    b"V": "volume label",
    b"D": "directory",
}

# Larger members are compared by place alone.
MOST_BYTES = 1 << 20


def checksum(archive, member):
    if member.size > MOST_BYTES:
        return None
    return zlib.crc32(archive.extractfile(member).read())


def members(path):
    with tarfile.open(path) as archive:
        for member in archive:
            kind = KINDS.get(member.type, "other")
            if kind == "file" and member.sparse is not None:
                kind = "sparse"
            entry = {
                "name": os.fsencode(member.name).hex(),
                "kind": kind,
                "header": member.offset,
                "data": member.offset_data,
                "size": member.size,
            }
            try:
                entry["crc"] = checksum(archive, member) if kind == "file" else None
            except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error):
                # Its bytes are not all there.
                entry["kind"] = "cut"
            yield entry


def listing(path):
    found = []
    try:
        for member in members(path):
            found.append(member)
    except Exception:  # Broken archives raise all kinds of them, and whatever was found before stands.
        pass
    return found


for line in sys.stdin:
    print(json.dumps(listing(line.rstrip("\n"))))
