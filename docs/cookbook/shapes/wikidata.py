"""Wikidata's dump of entities: one JSON array, an entity a line, in gzip."""

import random

from shapes.archive import dumps, gzipped

WORDS = ["lake", "bridge", "river", "castle"]


def make(out):
    """The file `latest-all.json.gz` in the directory `out`, with 120 entities."""
    rng = random.Random(8)
    out.mkdir(parents=True, exist_ok=True)
    entities = [dumps(_entity(rng, number)) for number in range(1, 121)]
    (out / "latest-all.json.gz").write_bytes(gzipped(b"[\n" + b",\n".join(entities) + b"\n]\n"))


def _entity(rng, number):
    word = rng.choice(WORDS)
    languages = rng.sample(["en", "de", "uk", "ja"], rng.randrange(1, 5))
    claims = {"P31": [_claim("P31", "wikibase-entityid", _item(100 + WORDS.index(word)))]}
    if rng.random() < .7:
        claims["P625"] = [_claim("P625", "globecoordinate", {
            "latitude": round(rng.uniform(-60, 60), 5), "longitude": round(rng.uniform(-180, 180), 5), "precision": .0001,
            "globe": "http://www.wikidata.org/entity/Q2"})]
    if rng.random() < .4:
        # Wikidata's times are no ISO 8601: a sign in front, and zeros where the precision ends.
        year = rng.randrange(1200, 1990)
        claims["P571"] = [_claim("P571", "time", {
            "time": f"+{year}-00-00T00:00:00Z", "precision": 9,
            "calendarmodel": "http://www.wikidata.org/entity/Q1985727"})]
    if rng.random() < .2:
        # Known to have none: a claim without a value.
        claims["P571"] = [{"mainsnak": {"snaktype": "novalue", "property": "P571"}, "type": "statement", "rank": "normal"}]
    if number % 24 == 0:
        # An empty object of claims is written as an empty array.
        claims = []
    return {
        "type": "item",
        "id": f"Q{number}",
        "labels": {language: {"language": language, "value": f"{word} {number} ({language})"} for language in languages},
        "descriptions": {},
        "claims": claims,
        "sitelinks": {f"{language}wiki": {"site": f"{language}wiki", "title": f"{word.title()} {number}", "badges": []}
                      for language in languages},
    }


def _item(number):
    return {"entity-type": "item", "numeric-id": number, "id": f"Q{number}"}


def _claim(name, kind, value):
    return {"mainsnak": {"snaktype": "value", "property": name, "datavalue": {"value": value, "type": kind}},
            "type": "statement", "rank": "normal"}
