"""The tables that an extraction is expected to give, and what a value may be."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class Table:
    """One feature: its columns as (name, type) with the types of a feature map, and its rows in order.

    A timestamp or a datetime is a whole number of microseconds since 1970, a json value a
    `JsonText`; everything else is itself, and a list is a list.
    """

    name: str
    columns: list
    rows: list = field(default_factory=list)

    def add(self, *values):
        """Appends a row; one value for each column."""
        if len(values) != len(self.columns):
            raise ValueError(f"{self.name}: {len(values)} values for {len(self.columns)} columns")
        self.rows.append(values)


@dataclass
class JsonText:
    """A value whose exact text a json column has to keep: equal when parsed, and a piece of the document as it is."""

    value: object
    document: str

    def matches(self, text):
        """Whether `text` is this value as it stands in its document."""
        if not isinstance(text, str) or text != text.strip() or text not in self.document:
            return False
        try:
            # Python's True == 1 == 1.0; the text that json writes tells them apart.
            return json.dumps(json.loads(text)) == json.dumps(self.value)
        except ValueError:
            return False


def json_text(value, document):
    """What a json column holds for `value`: nothing for null."""
    return None if value is None else JsonText(value, document)


def timestamp(text):
    """Microseconds since 1970 of an instant with an offset or Z."""
    return None if text is None else _microseconds(_parse(text) - EPOCH_UTC)


def local_time(text):
    """Microseconds since 1970 of a time without an offset."""
    return None if text is None else _microseconds(_parse(text) - EPOCH)


def _parse(text):
    # Python before 3.11 does not know Z.
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def _microseconds(difference):
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds
