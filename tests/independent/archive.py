"""The documents of an archive, in the order in which they stand, read by Python's own tar and JSON modules."""

import fnmatch
import json
import tarfile
from dataclasses import dataclass


@dataclass
class Document:
    """One member of an archive."""

    name: str
    text: str
    value: object

    @property
    def base_name(self):
        """The member's base name without `.json`."""
        return self.name.rsplit("/", 1)[-1].removesuffix(".json")


def documents(archive, pattern="*.json"):
    """Gives every regular file of `archive` whose name matches `pattern` (where `*` matches slashes too)."""
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            if member.isfile() and fnmatch.fnmatchcase(member.name, pattern):
                text = tar.extractfile(member).read().decode("utf-8")
                yield Document(member.name, text, json.loads(text))
