"""Hours of GitHub events as GH Archive publishes them: `YYYY-MM-DD-H.json.gz`, one event a line, loose files."""

import random

from shapes.archive import gzipped, ndjson

REPOS = [("octo-org", "parquet-tools"), ("octo-org", "site"), ("mona", "dotfiles"), ("acme", "billing-api")]
ACTORS = ["mona", "hubot", "dependabot[bot]", "ada", "grace"]


def make(out):
    """Three hours in the directory `out`."""
    rng = random.Random(1)
    out.mkdir(parents=True, exist_ok=True)
    for hour in range(3):
        events = [_event(rng, hour, number) for number in range(60)]
        (out / f"2026-01-01-{hour}.json.gz").write_bytes(gzipped(ndjson(events)))


def _event(rng, hour, number):
    owner, repo = rng.choice(REPOS)
    actor = rng.choice(ACTORS)
    kind = rng.choices(["PushEvent", "WatchEvent", "PullRequestEvent", "IssueCommentEvent"], [6, 3, 2, 2])[0]
    event = {
        "id": str(46_000_000_000 + hour * 1_000_000 + number),
        "type": kind,
        "actor": {"id": 1000 + ACTORS.index(actor), "login": actor, "display_login": actor.removesuffix("[bot]"),
                  "gravatar_id": "", "url": f"https://api.github.com/users/{actor}"},
        "repo": {"id": 5000 + len(repo), "name": f"{owner}/{repo}",
                 "url": f"https://api.github.com/repos/{owner}/{repo}"},
        "payload": _payload(rng, kind, number),
        "public": True,
        "created_at": f"2026-01-01T{hour:02}:{number:02}:{rng.randrange(60):02}Z",
    }
    if owner in ("octo-org", "acme"):
        event["org"] = {"id": 9000 + len(owner), "login": owner}
    return event


def _payload(rng, kind, number):
    if kind == "PushEvent":
        commits = [_commit(rng) for _ in range(rng.randrange(1, 4))]
        return {"repository_id": 5000, "push_id": 21_000_000_000 + number, "size": len(commits),
                "distinct_size": len(commits), "ref": "refs/heads/main", "head": commits[-1]["sha"],
                "before": _sha(rng), "commits": commits}
    if kind == "PullRequestEvent":
        action = rng.choice(["opened", "closed"])
        return {"action": action, "number": number,
                "pull_request": {"id": 700 + number, "number": number, "state": "open" if action == "opened" else "closed",
                                 "title": rng.choice(["Bump deps", "Fix race in “resume”", "docs: typo"]),
                                 "user": {"login": rng.choice(ACTORS)}, "merged": action == "closed" and rng.random() < .7,
                                 "additions": rng.randrange(400), "deletions": rng.randrange(200)}}
    if kind == "IssueCommentEvent":
        return {"action": "created", "issue": {"number": number}, "comment": {"id": number, "body": "LGTM 👍"}}
    return {"action": "started"}


def _commit(rng):
    name = rng.choice(["Ada", "Grace", "Mona"])
    return {"sha": _sha(rng), "author": {"email": f"{name.lower()}@example.org", "name": name},
            "message": rng.choice(["Fix typo", "Add tests\n\nCo-authored-by: Hubot", "Release 1.2.0"]), "distinct": True}


def _sha(rng):
    return f"{rng.getrandbits(160):040x}"
