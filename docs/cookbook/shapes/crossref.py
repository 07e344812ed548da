"""Crossref's public data file: members `N.json.gz`, each an object with a list `items` of works."""

import random

from shapes.archive import dumps, gzipped, write_tar

JOURNALS = ["Journal of Applied Tarballs", "Annals of Columnar Storage", "Letters on Parsing"]
PEOPLE = [("Ada", "Lovelace"), ("Grace", "Hopper"), ("Дмитрий", "Менделеев"), ("Mary", "Somerville")]


def make(out):
    """A tar of 4 members with 25 works each."""
    rng = random.Random(2)
    dois = [f"10.5555/tar.{number:04}" for number in range(100)]
    members = []
    for member in range(4):
        works = [_work(rng, doi, dois) for doi in dois[member * 25 : member * 25 + 25]]
        members.append((f"crossref/{member}.json.gz", gzipped(dumps({"items": works}))))
    write_tar(out, members)


def _work(rng, doi, dois):
    authors = [_author(rng, place) for place in range(rng.randrange(1, 4))]
    # Crossref writes what it has: a year, a year and a month, a day, or nothing at all.
    issued = rng.choice([[2019], [2020, 5], [2021, 11, 3], [2022, 1, 31], [None]])
    work = {
        "DOI": doi,
        "type": rng.choices(["journal-article", "posted-content", "book-chapter"], [8, 2, 1])[0],
        "publisher": "Example Press",
        "issued": {"date-parts": [issued]},
        "is-referenced-by-count": rng.randrange(60),
        "author": authors,
        "title": [f"On the {rng.choice(['layout', 'order', 'cost'])} of {rng.choice(['members', 'row groups', 'pages'])}"],
        "container-title": [rng.choice(JOURNALS)],
        "reference": [_reference(rng, number, dois) for number in range(rng.randrange(6))],
    }
    if work["type"] == "posted-content":
        # A preprint is in no journal.
        work["container-title"] = []
    return work


def _author(rng, place):
    sequence = "first" if place == 0 else "additional"
    if rng.random() < .1:
        return {"name": "The Parquet Consortium", "sequence": sequence, "affiliation": []}
    given, family = rng.choice(PEOPLE)
    author = {"given": given, "family": family, "sequence": sequence, "affiliation": []}
    if rng.random() < .5:
        author["affiliation"] = [{"name": "University of Examples"}]
    if rng.random() < .3:
        author["ORCID"] = "http://orcid.org/0000-0002-1825-0097"
    return author


def _reference(rng, number, dois):
    if rng.random() < .3:
        return {"key": f"ref{number}", "unstructured": "A. Nonymous, private communication, 1999."}
    return {"key": f"ref{number}", "doi-asserted-by": "crossref", "DOI": rng.choice(dois)}
