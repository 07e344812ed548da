"""CloudTrail logs of an organisation: a tar a day, in it `….json.gz` of some minutes of an account and region."""

import random

from shapes.archive import dumps, gzipped, write_tar

ACCOUNTS = ["111122223333", "444455556666"]
REGIONS = ["eu-central-1", "us-east-1"]


def make(out):
    """Three tars in the directory `out`; the last one is cut short, as by an upload that broke off."""
    rng = random.Random(9)
    for day in (1, 2, 3):
        members = []
        for account in ACCOUNTS:
            for region in REGIONS:
                name = (f"AWSLogs/{account}/CloudTrail/{region}/2026/03/0{day}/"
                        f"{account}_CloudTrail_{region}_2026030{day}T0000Z_{rng.getrandbits(48):012X}.json.gz")
                records = [_record(rng, account, region, day, number) for number in range(15)]
                members.append((name, gzipped(dumps({"Records": records}))))
        members.append((f"AWSLogs/{ACCOUNTS[0]}/CloudTrail-Digest/2026/03/0{day}/digest.json.gz", gzipped(dumps({}))))
        write_tar(out / f"2026-03-0{day}.tar", members)
    last = out / "2026-03-03.tar"
    last.write_bytes(last.read_bytes()[:4000])


def _record(rng, account, region, day, number):
    source, name, request = rng.choice([
        ("s3.amazonaws.com", "GetObject", {"bucketName": "reports", "key": f"2026/{number}.csv"}),
        ("sts.amazonaws.com", "AssumeRole", {"roleArn": f"arn:aws:iam::{account}:role/ci", "durationSeconds": 3600}),
        ("iam.amazonaws.com", "ListUsers", None),
        ("ec2.amazonaws.com", "RunInstances", {"instanceType": "m7i.large", "minCount": 1, "maxCount": 1}),
    ])
    record = {
        "eventVersion": "1.11",
        "userIdentity": _identity(rng, account),
        "eventTime": f"2026-03-0{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": rng.choice(["198.51.100.7", "203.0.113.9", "cloudformation.amazonaws.com"]),
        "requestParameters": request,
        "responseElements": None,
        "eventID": f"{rng.getrandbits(128):032x}",
        "readOnly": name in ("GetObject", "ListUsers"),
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::reports/2026/{number}.csv"}] if request and
        "bucketName" in request else [],
        "recipientAccountId": account,
    }
    if rng.random() < .15:
        record["errorCode"] = "AccessDenied"
        record["errorMessage"] = "User is not authorized to perform this"
    return record


def _identity(rng, account):
    return rng.choice([
        {"type": "IAMUser", "principalId": "AIDA", "arn": f"arn:aws:iam::{account}:user/ada", "userName": "ada"},
        {"type": "AssumedRole", "principalId": "AROA:ci", "arn": f"arn:aws:sts::{account}:assumed-role/ci/ci",
         "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "ci"}}},
        {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"},
    ])
