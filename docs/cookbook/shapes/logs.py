"""Application logs, one JSON object a line, rotated by day and put into one tar.gz; some lines are no JSON."""

import random

from shapes.archive import dumps, write_tar

LEVELS = ["debug", "info", "warn", "error"]


def make(out):
    """A tar.gz of two services and two days."""
    rng = random.Random(5)
    members = [(f"logs/{service}/2026-02-0{day}.ndjson", _lines(rng, service, day))
               for service in ("api", "worker") for day in (1, 2)]
    write_tar(out, members)


def _lines(rng, service, day):
    lines = [dumps(_entry(rng, service, day, number)) for number in range(120)]
    if (service, day) == ("api", 2):
        # What a library prints past the logger, and a line that was cut when the process was killed.
        lines.insert(40, b"panic: runtime error: index out of range [3] with length 3")
        lines[90] = lines[90][:57]
    return b"\n".join(lines) + b"\n"


def _entry(rng, service, day, number):
    level = rng.choices(LEVELS, [2, 10, 2, 1])[0]
    entry = {
        "ts": f"2026-02-0{day}T{number // 5:02}:{number % 5 * 12:02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z",
        "level": level,
        "service": service,
        "msg": {"debug": "cache miss", "info": "request done", "warn": "slow query", "error": "upstream failed"}[level],
        "trace_id": f"{rng.getrandbits(64):016x}",
    }
    if level == "info":
        entry["http"] = {"method": rng.choice(["GET", "POST"]), "path": f"/v1/items/{rng.randrange(50)}",
                         "status": rng.choice([200, 200, 200, 201, 404]), "duration_ms": round(rng.expovariate(.05), 2)}
        if number % 40 == 7:
            # Somebody once logged a duration as a text.
            entry["http"]["duration_ms"] = "n/a"
    if level == "error":
        entry["error"] = {"kind": rng.choice(["Timeout", "ConnectionReset"]), "stack": ["main.go:41", "client.go:7"]}
    return entry
