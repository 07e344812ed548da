"""The extraction of `flights_typed.yaml` by DuckDB, which reads no tar: GNU tar unpacks the archive first.

    python duckdb_tar.py ARCHIVE OUT_DIR

The shape is given, so nothing is inferred and members that are not wanted are skipped while parsing.
"""

import json
import subprocess
import sys
import tempfile

import duckdb

COLUMNS = """{
    routeData: 'STRUCT(searchRoute VARCHAR, requestDate TIMESTAMPTZ)',
    personalData: 'STRUCT(companyID BIGINT, profileId BIGINT, isVip BOOLEAN)',
    data: 'STRUCT("$values" STRUCT(
        id VARCHAR, validatingCarrier VARCHAR,
        pricings STRUCT(
            id VARCHAR, totalPrice DOUBLE, taxes DOUBLE, currencyCode VARCHAR, corporateTariffCode BIGINT,
            miniRules STRUCT(category BIGINT, monetaryAmount DOUBLE)[],
            pricingInfo STRUCT(isAccessTP BOOLEAN, faresInfo STRUCT(
                cabinClass BIGINT, seatsAvailable BIGINT, baggageAllowance STRUCT(quantity BIGINT))[])[]
        )[])[])'
}"""

SEARCH = """
    SELECT parse_filename(filename, true) AS ranker_id, routeData.searchRoute AS search_route,
        routeData.requestDate AS request_date, personalData.companyID AS company_id,
        personalData.profileId AS profile_id, personalData.isVip AS is_vip
    FROM searches
"""

PRICINGS = """
    SELECT ranker_id, option.id AS option_id, pricing.id AS pricing_id, option.validatingCarrier AS carrier,
        pricing.totalPrice AS total_price, pricing.taxes, pricing.currencyCode AS currency,
        pricing.corporateTariffCode AS tariff_code, pricing.pricingInfo[1].isAccessTP AS in_travel_policy,
        pricing.pricingInfo[1].faresInfo[1].cabinClass AS cabin,
        pricing.pricingInfo[1].faresInfo[1].seatsAvailable AS seats,
        pricing.pricingInfo[1].faresInfo[1].baggageAllowance.quantity AS baggage,
        list_filter(pricing.miniRules, lambda rule: rule.category = 31)[1].monetaryAmount AS cancel_fee
    FROM (
        SELECT ranker_id, option, unnest(option.pricings) AS pricing
        FROM (SELECT parse_filename(filename, true) AS ranker_id, unnest(data."$values") AS option FROM searches)
    )
"""


def main(archive, out_dir):
    with tempfile.TemporaryDirectory(dir=out_dir) as unpacked:
        subprocess.run(["tar", "-xf", archive, "-C", unpacked], check=True)
        connection = duckdb.connect()
        connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        # Parsed once for both tables; the largest documents are larger than the 16 MB that DuckDB takes by default.
        connection.execute(f"""
            CREATE TEMP TABLE searches AS FROM read_json('{unpacked}/raw/*.json', columns = {COLUMNS},
                format = 'newline_delimited', filename = true, maximum_object_size = 268435456)
        """)
        connection.execute(f"COPY ({SEARCH}) TO '{out_dir}/search.parquet'")
        connection.execute(f"COPY ({PRICINGS}) TO '{out_dir}/pricings.parquet'")
    rows = connection.execute(f"""
        SELECT (SELECT count(*) FROM '{out_dir}/search.parquet') + (SELECT count(*) FROM '{out_dir}/pricings.parquet')
    """).fetchone()[0]
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
