"""OpenAPI files of many services in one tar: paths and methods are the keys of objects."""

import random

from shapes.archive import dumps, write_tar

SERVICES = ["billing", "catalog", "identity", "search", "shipping"]
NOUNS = ["items", "orders", "users", "invoices"]


def make(out):
    """A tar of a file a service; one of them is YAML, which is no JSON, and is left out by its name."""
    rng = random.Random(4)
    members = [(f"apis/{service}/openapi.json", dumps(_api(rng, service))) for service in SERVICES]
    members.append(("apis/legacy/openapi.yaml", b"openapi: 3.0.3\n"))
    write_tar(out, members)


def _api(rng, service):
    paths = {}
    for noun in rng.sample(NOUNS, 2):
        paths[f"/v1/{noun}"] = {
            # What all methods of a path share stands beside them, as if it were a method.
            "parameters": [{"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}}],
            "get": _operation(rng, f"list{noun.title()}", noun, [("limit", "query", False)]),
            "post": _operation(rng, f"create{noun.title()}", noun, [], body=True),
        }
        paths[f"/v1/{noun}/{{id}}"] = {
            "get": _operation(rng, f"get{noun.title()}", noun, [("id", "path", True)]),
            "delete": {**_operation(rng, f"delete{noun.title()}", noun, [("id", "path", True)]), "deprecated": True},
        }
    return {"openapi": "3.1.0", "info": {"title": f"{service} API", "version": f"1.{rng.randrange(9)}.0"},
            "servers": [{"url": f"https://{service}.example.org"}], "paths": paths,
            "components": {"schemas": {noun.title(): {"type": "object"} for noun in NOUNS}}}


def _operation(rng, name, tag, parameters, body=False):
    operation = {
        "operationId": name,
        "tags": [tag],
        "parameters": [{"name": name, "in": place, "required": required, "schema": {"type": "string"}}
                       for name, place, required in parameters],
        "responses": {"200": {"description": "OK"}, "404": {"description": "not there"}},
    }
    if rng.random() < .4:
        operation["responses"]["429"] = {"description": "too many"}
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    if rng.random() < .6:
        operation["security"] = [{"oauth2": [f"{tag}:read"]}]
    return operation
