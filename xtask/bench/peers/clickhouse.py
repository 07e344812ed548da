"""The extraction of `flights_typed.yaml` by ClickHouse (chdb), which reads the members of a tar where they stand.

    python clickhouse.py ARCHIVE OUT_DIR

The shape is given, and both tables are filled from a table in memory, so that every document is parsed once.
"""

import json
import sys

from chdb import session

SHAPE = """
    routeData Tuple(searchRoute String, requestDate DateTime64(6, 'UTC')),
    personalData Tuple(companyID Int64, profileId Int64, isVip Bool),
    data Tuple(`$values` Array(Tuple(
        id String, validatingCarrier Nullable(String),
        pricings Array(Tuple(
            id String, totalPrice Float64, taxes Float64, currencyCode String, corporateTariffCode Nullable(Int64),
            miniRules Array(Tuple(category Int64, monetaryAmount Nullable(Float64))),
            pricingInfo Array(Tuple(isAccessTP Nullable(Bool), faresInfo Array(Tuple(
                cabinClass Int64, seatsAvailable Nullable(Int64), baggageAllowance Tuple(quantity Int64)))))
        ))
    )))
"""

SETTINGS = """
    SETTINGS input_format_parallel_parsing = 0, input_format_skip_unknown_fields = 1,
        input_format_json_ignore_unknown_keys_in_named_tuple = 1, date_time_input_format = 'best_effort'
"""

SEARCH = """
    SELECT ranker_id, routeData.searchRoute AS search_route, routeData.requestDate AS request_date,
        personalData.companyID AS company_id, personalData.profileId AS profile_id, personalData.isVip AS is_vip
    FROM searches
"""

PRICINGS = """
    SELECT ranker_id, option.id AS option_id, pricing.id AS pricing_id, option.validatingCarrier AS carrier,
        pricing.totalPrice AS total_price, pricing.taxes AS taxes, pricing.currencyCode AS currency,
        pricing.corporateTariffCode AS tariff_code, info.isAccessTP AS in_travel_policy, fare.cabinClass AS cabin,
        fare.seatsAvailable AS seats, fare.baggageAllowance.quantity AS baggage,
        arrayFirst(rule -> rule.category = 31, pricing.miniRules).monetaryAmount AS cancel_fee
    FROM (
        SELECT ranker_id, option, arrayJoin(option.pricings) AS pricing, pricing.pricingInfo[1] AS info,
            info.faresInfo[1] AS fare
        FROM (SELECT ranker_id, arrayJoin(data.`$values`) AS option FROM searches)
    )
"""


def main(archive, out_dir):
    connection = session.Session()
    connection.query(f"""
        CREATE TABLE searches ENGINE = Memory AS
        SELECT extract(_file, '([^/]+)\\.json$') AS ranker_id, *
        FROM file('{archive} :: raw/*.json', 'JSONEachRow', $${SHAPE}$$) {SETTINGS}
    """)
    for name, query in (("search", SEARCH), ("pricings", PRICINGS)):
        connection.query(f"""
            {query} INTO OUTFILE '{out_dir}/{name}.parquet' TRUNCATE FORMAT Parquet
            SETTINGS output_format_parquet_compression_method = 'snappy'
        """)
    rows = sum(
        int(str(connection.query(f"SELECT count() FROM file('{out_dir}/{name}.parquet')")))
        for name in ("search", "pricings")
    )
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
