"""The same as `config/examples/cldr_dates.yaml`, written by hand."""

import re

from tables import Table, json_text

ID = ("file", "string")


def extract(documents):
    """Gives the tables of the JSON files of npm's cldr-dates-full."""
    tables = {name: Table(name, [ID, *columns]) for name, columns in COLUMNS.items()}
    for document in documents:
        file = re.search(r"^package/(.*)\.json$", document.name).group(1)
        # In `package.json`, main is a path of the package, if anything.
        mains = document.value.get("main", {})
        for locale, main in (mains.items() if isinstance(mains, dict) else ()):
            for name, rows in ROWS.items():
                for row in rows(main, document.text):
                    tables[name].add(file, locale, *row)
    return list(tables.values())


def strings(*names):
    return [(name, "string") for name in names]


COLUMNS = {
    "locales": [*strings("locale", "language", "script", "territory", "variant"), ("calendars", "int64")],
    "months": strings("locale", "calendar", "context", "width", "month", "name"),
    "eras": strings("locale", "calendar", "before", "before_variant", "since", "all"),
    "date_formats": [*strings("locale", "calendar", "full", "long", "medium"), ("short", "json"),
                     ("at_time", "string"), ("skeletons", "int64")],
    "fields": strings("locale", "field", "name", "last", "this", "next", "ahead_one", "ahead_other"),
    "metazones": [*strings("locale", "metazone", "generic", "standard", "daylight"), ("short", "json")],
    "cities": strings("locale", "region", "city", "name"),
}


def locales(main, text):
    about = main["identity"]
    yield (about.get("language"), about.get("script"), about.get("territory"), about.get("variant"),
           len(main["dates"].get("calendars", {})))


def months(main, text):
    for calendar, names in main["dates"].get("calendars", {}).items():
        for context, widths in names["months"].items():
            for width, by_month in widths.items():
                for month, name in by_month.items():
                    yield calendar, context, width, month, name


def eras(main, text):
    for calendar, names in main["dates"].get("calendars", {}).items():
        by_era = names["eras"]["eraNames"]
        yield (calendar, by_era.get("0"), by_era.get("0-alt-variant"), by_era.get("1"),
               " / ".join(by_era.values()) if by_era else None)


def date_formats(main, text):
    for calendar, names in main["dates"].get("calendars", {}).items():
        formats = names["dateFormats"]
        yield (calendar, formats["full"], formats["long"], formats["medium"], json_text(formats["short"], text),
               names["dateTimeFormats-atTime"]["standard"]["full"],
               len(names["dateTimeFormats"].get("availableFormats", {})))


def fields(main, text):
    for field, names in main["dates"].get("fields", {}).items():
        ahead = names.get("relativeTime-type-future", {})
        yield (field, names.get("displayName"), names.get("relative-type--1"), names.get("relative-type-0"),
               names.get("relative-type-1"), ahead.get("relativeTimePattern-count-one"),
               ahead.get("relativeTimePattern-count-other"))


def metazones(main, text):
    for metazone, names in main["dates"].get("timeZoneNames", {}).get("metazone", {}).items():
        long = names.get("long", {})
        yield (metazone, long.get("generic"), long.get("standard"), long.get("daylight"),
               json_text(names.get("short"), text))


def cities(main, text):
    for region, cities_of_region in main["dates"].get("timeZoneNames", {}).get("zone", {}).items():
        for city, names in cities_of_region.items():
            if isinstance(names, dict) and "exemplarCity" in names:
                yield region, city, names["exemplarCity"]


ROWS = {
    "locales": locales,
    "months": months,
    "eras": eras,
    "date_formats": date_formats,
    "fields": fields,
    "metazones": metazones,
    "cities": cities,
}
