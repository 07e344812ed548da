"""The same as `config/json_feature_map.yaml`, written by hand."""

from tables import Table, local_time, timestamp

ID = ("ranker_id", "string")


def extract(documents):
    """Gives the tables of an archive of flight searches."""
    one_a_search = [route, company, profile, traveller]
    tables = [
        Table("route", [ID, ("search_route", "string"), ("search_type", "int64"), ("request_time", "timestamp"),
                        ("request_date", "timestamp"), ("departure_date", "datetime"), ("return_date", "datetime")]),
        Table("company", [ID, ("company_id", "int64"), ("point_of_sale", "string"), ("industry", "string")]),
        Table("profile", [ID, ("profile_id", "int64"), ("is_vip", "bool"), ("by_self", "bool"),
                          ("has_assistant", "bool"), ("is_global", "bool"), ("frequent_flyer", "string"),
                          ("position", "string"), ("grade", "string")]),
        Table("traveller", [ID, ("sex", "bool"), ("year_of_birth", "int64"), ("nationality", "int64")]),
        Table("pricings", [ID, ("option_index", "int64"), ("pricing_index", "int64"), ("option_id", "string"),
                           ("pricing_id", "string"), ("carrier", "string"), ("total_price", "float64"),
                           ("taxes", "float64"), ("currency", "string"), ("supplier_id", "string"),
                           ("time_limit", "timestamp"), ("tariff_code", "int64"), ("in_travel_policy", "bool"),
                           ("labels", "list<string>"), ("cabins", "list<int64>"), ("seats", "list<int64>"),
                           ("baggage", "list<int64>"), ("baggage_type", "list<int64>"),
                           ("fare_families", "list<string>"), ("least_seats", "int64"), ("fares", "int64"),
                           ("cancel_fee", "float64"), ("exchange_fee", "float64")]),
        Table("segments", [ID, ("option_index", "int64"), ("leg_index", "int64"), ("segment_index", "int64"),
                           ("option_id", "string"), ("segment_id", "string"), ("departure_at", "datetime"),
                           ("arrival_at", "datetime"), ("duration", "string"), ("flight_number", "string"),
                           ("stops", "int64"), ("aircraft", "string"), ("marketing_carrier", "string"),
                           ("alliance", "string"), ("operating_carrier", "string"), ("from_airport", "string"),
                           ("from_city", "string"), ("from_country", "string"), ("from_terminal", "string"),
                           ("to_airport", "string"), ("to_city", "string"), ("to_country", "string"),
                           ("to_terminal", "string"), ("wait", "string")]),
    ]
    for document in documents:
        ranker_id, search = document.base_name, document.value
        for table, row in zip(tables, one_a_search):
            table.add(ranker_id, *row(search))
        for option_index, option in enumerate(search["data"]["$values"]):
            for pricing_index, pricing in enumerate(option["pricings"]):
                tables[4].add(ranker_id, option_index, pricing_index, *pricings(option, pricing))
            for leg_index, leg in enumerate(option["legs"]):
                for segment_index, segment in enumerate(leg["segments"]):
                    indices = option_index, leg_index, segment_index
                    tables[5].add(ranker_id, *indices, option["id"], *segments(segment))
    return tables


def route(search):
    asked = search["routeData"]
    return (asked["searchRoute"], search["metadata"]["searchType"], timestamp(search["request_time"]),
            timestamp(asked["requestDate"]), local_time(asked["requestDepartureDate"]),
            local_time(asked["requestReturnDate"]))


def company(search):
    person = search["personalData"]
    return person["companyID"], person["pointOfSale"], person.get("industryEN")


def profile(search):
    person = search["personalData"]
    return (person["profileId"], person["isVip"], person["bySelf"], person["hasAssistant"], person["isGlobal"],
            person["frequentFlyer"], person["position"], person["grade"])


def traveller(search):
    person = search["personalData"]
    return person["sex"], person["yearOfBirth"], person["nationality"]


def pricings(option, pricing):
    carrier = option.get("validatingCarrier")
    if carrier is None:
        carrier = option["legs"][0]["segments"][0]["marketingCarrier"]["code"]
    first = pricing["pricingInfo"][0]
    fares = first["faresInfo"]
    every_fare = [fare for info in pricing["pricingInfo"] for fare in info["faresInfo"]]
    seats = [fare["seatsAvailable"] for fare in every_fare if fare["seatsAvailable"] is not None]
    return (option["id"], pricing["id"], carrier, float(pricing["totalPrice"]), float(pricing["taxes"]),
            pricing["currencyCode"], pricing["supplierId"], timestamp(pricing["timeLimit"]),
            pricing["corporateTariffCode"], first.get("isAccessTP"), pricing["labels"],
            [fare["cabinClass"] for fare in fares],
            [fare["seatsAvailable"] for fare in fares],
            [fare["baggageAllowance"]["quantity"] for fare in fares],
            [fare["baggageAllowance"]["type"] for fare in fares],
            [fare["fareFamilyKey"] for fare in fares],
            min(seats, default=None), len(every_fare), fee(pricing, 31), fee(pricing, 33))


def fee(pricing, category):
    """The amount of the first mini rule of `category`."""
    for rule in pricing.get("miniRules", []):
        if rule["category"] == category:
            return None if rule["monetaryAmount"] is None else float(rule["monetaryAmount"])
    return None


def segments(segment):
    marketing = segment["marketingCarrier"]
    alliance = marketing.get("alliance")
    return (segment["id"], local_time(segment["departureAt"]), local_time(segment["arrivalAt"]), segment["duration"],
            segment["flightNumber"], segment["stopCount"], segment["aircraft"]["code"], marketing["code"],
            None if alliance is None else alliance["code"], segment["operatingCarrier"]["code"],
            *place(segment["departureFrom"]), *place(segment["arrivalTo"]), segment["transfer"])


def place(stop):
    airport = stop["airport"]
    city = airport["city"]
    return airport["iata"], city["iata"], city["country"]["codeA2"], stop["terminal"]
