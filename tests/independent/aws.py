"""The same as `config/examples/aws_sdk.yaml`, written by hand."""

import re

from tables import Table, json_text

ID = ("file", "string")
STRINGS = "list<string>"


def extract(documents):
    """Gives the tables of the JSON files of npm's aws-sdk."""
    tables = {name: Table(name, [ID, *columns]) for name, columns in COLUMNS.items()}
    for document in documents:
        file = re.search(r"^package/(?:apis/)?(.*)\.json$", document.name).group(1)
        for name, rows in ROWS.items():
            for row in rows(document.value, document.text):
                tables[name].add(file, *row)
    return list(tables.values())


COLUMNS = {
    "apis": [("service", "string"), ("uid", "string"), ("api_version", "string"), ("endpoint_prefix", "string"),
             ("protocol", "string"), ("protocols", STRINGS), ("json_version", "string"), ("full_name", "string"),
             ("signing_name", "string"), ("global_endpoint", "string"), ("protocol_settings", "json"),
             ("operations", "int64"), ("shapes", "int64")],
    "operations": [("operation", "string"), ("service", "string"), ("method", "string"), ("uri", "string"),
                   ("response_code", "int64"), ("idempotent", "bool"), ("deprecated", "bool"),
                   ("deprecated_message", "string"), ("auth", STRINGS), ("required", STRINGS), ("inputs", "int64"),
                   ("endpoint", "json"), ("checksum", "json")],
    "inputs": [("operation", "string"), ("input", "string"), ("type", "string"), ("shape", "string"),
               ("location", "string"), ("location_name", "string"), ("sensitive", "bool")],
    "paginators": [("operation", "string"), ("input_token", STRINGS), ("output_token", STRINGS),
                   ("result_key", STRINGS), ("limit_key", "string"), ("more_results", "string")],
    "waiters": [("waiter", "string"), ("operation", "string"), ("delay_seconds", "int64"), ("attempts", "int64"),
                ("acceptor", "int64"), ("state", "string"), ("matcher", "string"), ("argument", "string"),
                ("expected", "json")],
    "examples": [("operation", "string"), ("position", "int64"), ("id", "string"), ("title", "string"),
                 ("description", "string"), ("input", "json"), ("output", "json")],
    "region_rules": [("regions", "string"), ("rule", "json"), ("endpoint", "string"), ("default_endpoint", "string")],
}


def apis(document, text):
    about = document.get("metadata", {})
    if "serviceId" in about:
        signing_name = about.get("signingName")
        yield (about["serviceId"], about.get("uid"), about.get("apiVersion"), about.get("endpointPrefix"),
               about.get("protocol"), about.get("protocols"), about.get("jsonVersion"), about.get("serviceFullName"),
               about.get("endpointPrefix") if signing_name is None else signing_name, about.get("globalEndpoint"),
               json_text(about.get("protocolSettings"), text), len(document.get("operations", {})),
               len(document.get("shapes", {})))


def operations(document, text):
    for name, operation in document.get("operations", {}).items():
        http = operation.get("http", {})
        given = operation.get("input", {})
        yield (name, document.get("metadata", {}).get("serviceId"), http.get("method"), http.get("requestUri"),
               http.get("responseCode"), operation.get("idempotent"), operation.get("deprecated"),
               operation.get("deprecatedMessage"), operation.get("auth"), given.get("required", []),
               len(given.get("members", {})), json_text(operation.get("endpoint"), text),
               json_text(operation.get("httpChecksum"), text))


def inputs(document, text):
    for name, operation in document.get("operations", {}).items():
        for member, shape in operation.get("input", {}).get("members", {}).items():
            yield (name, member, shape.get("type"), shape.get("shape"), shape.get("location"),
                   shape.get("locationName"), shape.get("sensitive"))


def paginators(document, text):
    for name, paginator in document.get("pagination", {}).items():
        yield (name, as_list(paginator.get("input_token")), as_list(paginator.get("output_token")),
               as_list(paginator.get("result_key")), paginator.get("limit_key"), paginator.get("more_results"))


def as_list(value):
    return [value] if isinstance(value, str) else value


def waiters(document, text):
    if document.get("waiters") == {}:
        yield (None,) * 9
    for name, waiter in document.get("waiters", {}).items():
        about = name, waiter.get("operation"), waiter.get("delay"), waiter.get("maxAttempts")
        for position, acceptor in enumerate(waiter["acceptors"]):
            yield (*about, position, acceptor.get("state"), acceptor.get("matcher"), acceptor.get("argument"),
                   json_text(acceptor.get("expected"), text))
        if not waiter["acceptors"]:
            yield (*about, None, None, None, None, None)


def examples(document, text):
    for name, operation in document.get("examples", {}).items():
        for position, example in enumerate(operation):
            yield (name, position, example.get("id"), example.get("title"), example.get("description"),
                   json_text(example.get("input"), text), json_text(example.get("output"), text))


def region_rules(document, text):
    rules = document.get("rules", {})
    for regions, rule in rules.items():
        endpoint = rule.get("endpoint") if isinstance(rule, dict) else None
        yield regions, json_text(rule, text), endpoint, rules["*/*"]["endpoint"]


ROWS = {
    "apis": apis,
    "operations": operations,
    "inputs": inputs,
    "paginators": paginators,
    "waiters": waiters,
    "examples": examples,
    "region_rules": region_rules,
}
