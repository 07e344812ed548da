"""Documents of the npm registry, one a package: versions, times and dependencies are objects whose keys are data."""

import random

from shapes.archive import dumps, write_tar

PACKAGES = ["left-padding", "@acme/ui", "tiny-router", "json-walk", "@acme/core", "columnar"]


def make(out):
    """A tar.gz of one document a package; a scoped name has `%2f` in its file's name, as in the registry's addresses."""
    rng = random.Random(6)
    write_tar(out, [(f"registry/{name.replace('/', '%2f')}.json", dumps(_package(rng, name))) for name in PACKAGES])


def _package(rng, name):
    numbers = [f"{major}.{minor}.0" for major in range(1, rng.randrange(3, 5)) for minor in range(rng.randrange(1, 4))]
    versions = {number: _version(rng, name, number) for number in numbers}
    times = {number: f"20{18 + place}-0{rng.randrange(1, 10)}-11T12:00:00.{rng.randrange(1000):03}Z"
             for place, number in enumerate(numbers)}
    return {"_id": name, "name": name, "dist-tags": {"latest": numbers[-1]}, "versions": versions,
            "time": {"created": times[numbers[0]], "modified": times[numbers[-1]], **times},
            "maintainers": [{"name": "mona", "email": "mona@example.org"}], "readme": "# " + name}


def _version(rng, name, number):
    version = {
        "name": name,
        "version": number,
        "dependencies": {other: f"^{rng.randrange(1, 3)}.0.0" for other in rng.sample(PACKAGES, rng.randrange(3))
                         if other != name},
        "dist": {"tarball": f"https://registry.npmjs.org/{name}/-/{number}.tgz", "fileCount": rng.randrange(4, 40),
                 "unpackedSize": rng.randrange(2_000, 90_000)},
    }
    # Old packages write an object, or a list of them, where new ones write an SPDX expression.
    version.update(rng.choice([{"license": "MIT"}, {"license": "Apache-2.0"},
                               {"license": {"type": "BSD", "url": "https://example.org"}},
                               {"licenses": [{"type": "MIT"}]}]))
    if number.startswith("1.") and rng.random() < .6:
        version["deprecated"] = "use 2.x"
        # Some clients wrote a boolean.
        if rng.random() < .3:
            version["deprecated"] = False
    return version
