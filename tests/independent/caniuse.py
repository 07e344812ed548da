"""The same as `config/examples/caniuse.yaml`, written by hand."""

from tables import Table

ID = ("feature_id", "string")
STRINGS = "list<string>"


def extract(documents):
    """Gives the tables of the feature files of npm's caniuse-db."""
    features = Table("features", [ID, ("title", "string"), ("status", "string"), ("spec", "string"),
                                  ("categories", STRINGS), ("links", STRINGS), ("shown", "bool"),
                                  ("used_percent", "float64"), ("partly_used_percent", "float64"),
                                  ("first_safari", "string")])
    support = Table("support", [ID, ("browser", "string"), ("version", "string"), ("support", "string")])
    full_support = Table("full_support", [ID, ("browser", "string"), ("version", "string")])
    notes = Table("notes", [ID, ("number", "string"), ("text", "string")])
    for document in documents:
        feature_id, about = document.base_name, document.value
        features.add(feature_id, about["title"], about["status"], about["spec"], about["categories"],
                     [link["url"] for link in about["links"]], about.get("shown"), float(about["usage_perc_y"]),
                     float(about["usage_perc_a"]), about["stats"]["safari"].get("3.1"))
        for browser, versions in about["stats"].items():
            for version, supported in versions.items():
                support.add(feature_id, browser, version, supported)
                if supported == "y":
                    full_support.add(feature_id, browser, version)
        # Without notes it is an empty array, for this file was written by PHP.
        if isinstance(about["notes_by_num"], dict):
            for number, text in about["notes_by_num"].items():
                notes.add(feature_id, number, text)
    return [features, support, full_support, notes]
