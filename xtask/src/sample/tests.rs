use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::*;

fn documents(recipe: &Recipe) -> Vec<Document> {
    (0..recipe.documents).map(|index| recipe.document(index)).collect()
}

#[test]
fn the_example_archive_is_what_its_recipe_gives() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/flights.tar.kaggle");
    check_file(&EXAMPLE, &example).unwrap();
}

#[test]
fn another_seed_is_refused_as_a_difference() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/flights.tar.kaggle");
    let error = check_file(
        &Recipe {
            seed: EXAMPLE.seed + 1,
            ..EXAMPLE
        },
        &example,
    )
    .unwrap_err();
    assert!(error.to_string().contains("is not what its recipe gives"), "{error}");
}

#[test]
fn documents_do_not_depend_on_how_many_there_are() {
    let few = documents(&Recipe {
        documents: 3,
        ..EXAMPLE
    });
    let more = documents(&Recipe {
        documents: 5,
        ..EXAMPLE
    });
    assert!(
        few.iter()
            .zip(&more)
            .all(|(a, b)| a.member == b.member && a.text == b.text)
    );
}

#[test]
fn every_document_is_one_line_of_json_named_after_its_id() {
    let mut members = HashSet::new();
    for Document { member, text } in documents(&Recipe {
        documents: 50,
        shape: Shape::Flights { mean_offers: 5.0 },
        seed: 3,
    }) {
        assert!(!text.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(member, format!("raw/{}.json", value["ranker_id"].as_str().unwrap()));
        assert!(members.insert(member));
    }
}

#[test]
fn the_text_has_what_makes_real_text_hard() {
    let text: String = documents(&EXAMPLE).into_iter().map(|document| document.text).collect();
    let hard = [
        "Москва",
        "\\u041c",
        "\\ud83d\\udeeb",
        "🛫",
        "\\\"",
        "\\\\",
        "\\t",
        "\\n",
        "\\/",
        "null",
        "[]",
    ];
    for needed in hard
        .into_iter()
        .chain([r#""currencyCode":"USD""#, r#""$id":"100""#, r#""alliance":null"#])
    {
        assert!(text.contains(needed), "no {needed} in the example");
    }
}

#[test]
fn the_number_of_offers_is_skewed_as_in_real_data() {
    let mut offers: Vec<usize> = documents(&Recipe {
        documents: 1_000,
        shape: Shape::Flights { mean_offers: 11.0 },
        seed: 1,
    })
    .iter()
    .map(|document| document.text.matches("\"pricings\":").count())
    .collect();
    offers.sort_unstable();
    let mean = offers.iter().sum::<usize>() as f64 / offers.len() as f64;
    assert!((9.5..12.5).contains(&mean), "mean {mean}");
    assert_eq!(offers[0], 1);
    assert!(offers[offers.len() - 1] > 100, "at most {}", offers[offers.len() - 1]);
}

#[test]
fn tiny_documents_are_a_few_hundred_bytes_of_json_named_after_their_ids() {
    let recipe = Recipe {
        documents: 200,
        shape: Shape::Tiny,
        seed: 7,
    };
    let mut members = HashSet::new();
    for Document { member, text } in documents(&recipe) {
        assert!((200..400).contains(&text.len()), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(member, format!("raw/{}.json", value["price_id"].as_str().unwrap()));
        assert!(members.insert(member));
    }
}

/// The fields of the reference data and the kinds of value that each one has; `[]` is any element of an array.
const FIELDS: &str = "
    ranker_id string
    request_time string
    metadata.searchType int
    personalData.profileId int
    personalData.sex bool
    personalData.bySelf bool
    personalData.yearOfBirth int
    personalData.nationality int
    personalData.companyID int
    personalData.isVip bool
    personalData.hasAssistant bool
    personalData.isGlobal bool
    personalData.frequentFlyer null string
    personalData.position null string
    personalData.pointOfSale string
    personalData.industryEN string
    personalData.grade null string
    routeData.requestDate string
    routeData.searchRoute string
    routeData.requestDepartureDate string
    routeData.requestReturnDate null string
    data.$values[].id string
    data.$values[].validatingCarrier string
    data.$values[].category int
    data.$values[].legs[].duration string
    data.$values[].legs[].departureAt string
    data.$values[].legs[].arrivalAt string
    data.$values[].legs[].departureFrom.airport.iata string
    data.$values[].legs[].arrivalTo.terminal null string
    data.$values[].legs[].segments[].id string
    data.$values[].legs[].segments[].departureAt string
    data.$values[].legs[].segments[].arrivalAt string
    data.$values[].legs[].segments[].duration string
    data.$values[].legs[].segments[].flightNumber string
    data.$values[].legs[].segments[].stopCount int
    data.$values[].legs[].segments[].aircraft.code string
    data.$values[].legs[].segments[].marketingCarrier.code string
    data.$values[].legs[].segments[].marketingCarrier.alliance null object
    data.$values[].legs[].segments[].marketingCarrier.alliance.code string
    data.$values[].legs[].segments[].operatingCarrier.code string
    data.$values[].legs[].segments[].departureFrom.airport.id int
    data.$values[].legs[].segments[].departureFrom.airport.code string
    data.$values[].legs[].segments[].departureFrom.airport.iata string
    data.$values[].legs[].segments[].departureFrom.airport.icao string
    data.$values[].legs[].segments[].departureFrom.airport.city.id int
    data.$values[].legs[].segments[].departureFrom.airport.city.code string
    data.$values[].legs[].segments[].departureFrom.airport.city.iata string
    data.$values[].legs[].segments[].departureFrom.airport.city.country.id int
    data.$values[].legs[].segments[].departureFrom.airport.city.country.codeA2 string
    data.$values[].legs[].segments[].departureFrom.airport.city.country.codeA3 string
    data.$values[].legs[].segments[].departureFrom.terminal null string
    data.$values[].legs[].segments[].arrivalTo.airport.iata string
    data.$values[].legs[].segments[].transfer null string
    data.$values[].pricings[].id string
    data.$values[].pricings[].totalPrice int real
    data.$values[].pricings[].taxes int real
    data.$values[].pricings[].timeLimit null string
    data.$values[].pricings[].supplierId string
    data.$values[].pricings[].ordinal int
    data.$values[].pricings[].category int
    data.$values[].pricings[].currencyCode string
    data.$values[].pricings[].corporateTariffCode int null
    data.$values[].pricings[].isSegDiscountVariant bool
    data.$values[].pricings[].isSegDiscountAsExactValue bool
    data.$values[].pricings[].labels[] string
    data.$values[].pricings[].additionalData object
    data.$values[].pricings[].miniRules[].category int
    data.$values[].pricings[].miniRules[].monetaryAmount int null
    data.$values[].pricings[].miniRules[].statusInfos bool
    data.$values[].pricings[].miniRules[].currencyCode string
    data.$values[].pricings[].pricingInfo[].passengerType int
    data.$values[].pricings[].pricingInfo[].price int real
    data.$values[].pricings[].pricingInfo[].taxes int real
    data.$values[].pricings[].pricingInfo[].passengerCount int
    data.$values[].pricings[].pricingInfo[].selfPaid bool
    data.$values[].pricings[].pricingInfo[].isAccessTP bool
    data.$values[].pricings[].pricingInfo[].faresInfo[].ticketDesignator null string
    data.$values[].pricings[].pricingInfo[].faresInfo[].class string
    data.$values[].pricings[].pricingInfo[].faresInfo[].cabinClass int
    data.$values[].pricings[].pricingInfo[].faresInfo[].seatsAvailable int null
    data.$values[].pricings[].pricingInfo[].faresInfo[].fareFamilyKey string
    data.$values[].pricings[].pricingInfo[].faresInfo[].baggageAllowance.quantity int
    data.$values[].pricings[].pricingInfo[].faresInfo[].baggageAllowance.type int
    data.$values[].pricings[].pricingInfo[].faresInfo[].baggageAllowance.weightMeasurementType int
    data.$values[].pricings[].pricingInfo[].faresInfo[].applyToSegmentIds[] string
";

#[test]
fn every_field_of_the_reference_data_is_there_with_its_kinds_of_value() {
    let mut found = BTreeMap::new();
    for document in documents(&EXAMPLE) {
        collect("", &serde_json::from_str(&document.text).unwrap(), &mut found);
    }
    for line in FIELDS.trim().lines() {
        let (field, kinds) = line.trim().split_once(' ').unwrap();
        let kinds: BTreeSet<&str> = kinds.split(' ').collect();
        assert_eq!(found.get(field), Some(&kinds), "{field}");
    }
    let without_id = found.iter().filter(|(path, kinds)| {
        kinds.contains("object") && found.get(&member(path, "$id")) != Some(&BTreeSet::from(["string"]))
    });
    assert_eq!(without_id.count(), 0, "every object has a $id");
}

/// Adds the kinds of all values in `value`, which stands at `path`.
fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "real",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(elements) => {
            elements
                .iter()
                .for_each(|element| collect(&format!("{path}[]"), element, found));
            "array"
        }
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| collect(&member(path, name), value, found));
            "object"
        }
    };
    found.entry(path.to_owned()).or_default().insert(kind);
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
