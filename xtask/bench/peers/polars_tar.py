"""The extraction of `flights_typed.yaml` by Polars, which reads no tar: GNU tar unpacks the archive first.

    python polars_tar.py ARCHIVE OUT_DIR

The shape is given, the plan is lazy and both tables come from one streaming pass.
"""

import json
import subprocess
import sys
import tempfile

import polars as pl
from polars import Boolean, Float64, Int64, List, String, Struct

FARE = Struct({"cabinClass": Int64, "seatsAvailable": Int64, "baggageAllowance": Struct({"quantity": Int64})})
PRICING = Struct({
    "id": String,
    "totalPrice": Float64,
    "taxes": Float64,
    "currencyCode": String,
    "corporateTariffCode": Int64,
    "miniRules": List(Struct({"category": Int64, "monetaryAmount": Float64})),
    "pricingInfo": List(Struct({"isAccessTP": Boolean, "faresInfo": List(FARE)})),
})
SHAPE = {
    "routeData": Struct({"searchRoute": String, "requestDate": String}),
    "personalData": Struct({"companyID": Int64, "profileId": Int64, "isVip": Boolean}),
    "data": Struct({"$values": List(Struct({"id": String, "validatingCarrier": String, "pricings": List(PRICING)}))}),
}


def main(archive, out_dir):
    with tempfile.TemporaryDirectory(dir=out_dir) as unpacked:
        subprocess.run(["tar", "-xf", archive, "-C", unpacked], check=True)
        documents = pl.scan_ndjson(f"{unpacked}/raw/*.json", schema=SHAPE, include_file_paths="file").with_columns(
            ranker_id=pl.col("file").str.extract(r"([^/]+)\.json$")
        )
        pl.collect_all([
            searches(documents).sink_parquet(f"{out_dir}/search.parquet", lazy=True),
            pricings(documents).sink_parquet(f"{out_dir}/pricings.parquet", lazy=True),
        ], engine="streaming")
    rows = sum(
        pl.scan_parquet(f"{out_dir}/{name}.parquet").select(pl.len()).collect().item() for name in ("search", "pricings")
    )
    print(json.dumps({"rows": rows}))


def searches(documents):
    route, person = pl.col("routeData").struct, pl.col("personalData").struct
    return documents.select(
        "ranker_id",
        search_route=route.field("searchRoute"),
        request_date=route.field("requestDate").str.to_datetime("%+", time_unit="us", time_zone="UTC"),
        company_id=person.field("companyID"),
        profile_id=person.field("profileId"),
        is_vip=person.field("isVip"),
    )


def pricings(documents):
    option, pricing = pl.col("option").struct, pl.col("pricing").struct
    info = pricing.field("pricingInfo").list.first().struct
    fare = info.field("faresInfo").list.first().struct
    cancellations = pricing.field("miniRules").list.filter(pl.element().struct.field("category") == 31)
    return (
        documents.select("ranker_id", option=pl.col("data").struct.field("$values"))
        .explode("option")
        .with_columns(pricing=option.field("pricings"))
        .explode("pricing")
        .select(
            "ranker_id",
            option_id=option.field("id"),
            pricing_id=pricing.field("id"),
            carrier=option.field("validatingCarrier"),
            total_price=pricing.field("totalPrice"),
            taxes=pricing.field("taxes"),
            currency=pricing.field("currencyCode"),
            tariff_code=pricing.field("corporateTariffCode"),
            in_travel_policy=info.field("isAccessTP"),
            cabin=fare.field("cabinClass"),
            seats=fare.field("seatsAvailable"),
            baggage=fare.field("baggageAllowance").struct.field("quantity"),
            cancel_fee=cancellations.list.first().struct.field("monetaryAmount"),
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
