"""The extraction of `flights_typed.yaml` by Python: orjson in 8 processes, pyarrow for the Parquet files.

    python python_orjson.py ARCHIVE OUT_DIR

The parent reads only tar headers; the workers read their members' bytes from the archive themselves and give back
Arrow batches, which is the fastest division of the work that was found. An archive that is compressed can be read only from
its start: the parent then inflates it and sends the bytes along.
"""

import json
import multiprocessing
import os
import sys
import tarfile
from datetime import datetime

import orjson
import pyarrow
import pyarrow.parquet

PROCESSES = 8
MEMBERS_A_TASK = 16

SEARCH = pyarrow.schema({
    "ranker_id": pyarrow.string(),
    "search_route": pyarrow.string(),
    "request_date": pyarrow.timestamp("us", tz="UTC"),
    "company_id": pyarrow.int64(),
    "profile_id": pyarrow.int64(),
    "is_vip": pyarrow.bool_(),
})
PRICINGS = pyarrow.schema({
    "ranker_id": pyarrow.string(),
    "option_id": pyarrow.string(),
    "pricing_id": pyarrow.string(),
    "carrier": pyarrow.string(),
    "total_price": pyarrow.float64(),
    "taxes": pyarrow.float64(),
    "currency": pyarrow.string(),
    "tariff_code": pyarrow.int64(),
    "in_travel_policy": pyarrow.bool_(),
    "cabin": pyarrow.int64(),
    "seats": pyarrow.int64(),
    "baggage": pyarrow.int64(),
    "cancel_fee": pyarrow.float64(),
})


def main(archive, out_dir):
    rows = 0
    with multiprocessing.Pool(PROCESSES, open_archive, (archive,)) as pool, \
            pyarrow.parquet.ParquetWriter(f"{out_dir}/search.parquet", SEARCH) as search_file, \
            pyarrow.parquet.ParquetWriter(f"{out_dir}/pricings.parquet", PRICINGS) as pricings_file:
        searches, pricings = [], []
        for search, pricing in pool.imap(extract, tasks(archive)):
            searches.append(search)
            pricings.append(pricing)
            if sum(batch.num_rows for batch in pricings) >= 65_536:
                pricings_file.write_table(pyarrow.Table.from_batches(pricings))
                pricings = []
            rows += search.num_rows + pricing.num_rows
        search_file.write_table(pyarrow.Table.from_batches(searches, SEARCH))
        pricings_file.write_table(pyarrow.Table.from_batches(pricings, PRICINGS))
        # Joined, not torn down: what the workers used is counted only then.
        pool.close()
        pool.join()
    print(json.dumps({"rows": rows}))


def tasks(archive):
    compressed = archive.endswith(".gz")
    with tarfile.open(archive, "r|gz" if compressed else "r:") as tar:
        task = []
        for member in tar:
            where = tar.extractfile(member).read() if compressed else (member.offset_data, member.size)
            task.append((os.path.basename(member.name).removesuffix(".json"), where))
            tar.members = []  # tarfile keeps every header otherwise
            if len(task) == MEMBERS_A_TASK:
                yield task
                task = []
        if task:
            yield task


def open_archive(archive):
    global descriptor
    descriptor = os.open(archive, os.O_RDONLY)


def extract(members):
    searches, pricings = [], []
    for ranker_id, where in members:
        search = orjson.loads(where if isinstance(where, bytes) else os.pread(descriptor, where[1], where[0]))
        route, person = search["routeData"], search["personalData"]
        searches.append((ranker_id, route["searchRoute"], datetime.fromisoformat(route["requestDate"]),
                         person["companyID"], person["profileId"], person["isVip"]))
        for option in search["data"]["$values"]:
            option_id, carrier = option["id"], option.get("validatingCarrier")
            for pricing in option["pricings"]:
                info = pricing["pricingInfo"][0]
                fare = info["faresInfo"][0]
                cancel_fee = None
                for rule in pricing.get("miniRules", ()):
                    if rule["category"] == 31:
                        cancel_fee = rule["monetaryAmount"]
                        break
                pricings.append((ranker_id, option_id, pricing["id"], carrier, pricing["totalPrice"], pricing["taxes"],
                                 pricing["currencyCode"], pricing["corporateTariffCode"], info.get("isAccessTP"),
                                 fare["cabinClass"], fare["seatsAvailable"], fare["baggageAllowance"]["quantity"],
                                 cancel_fee))
    return batch(searches, SEARCH), batch(pricings, PRICINGS)


def batch(rows, schema):
    columns = zip(*rows) if rows else ([] for _ in schema)
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema)]
    return pyarrow.record_batch(arrays, schema=schema)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
