//! One document: a flight search of the reference data's shape.

use super::Document;
use super::itinerary::{self, Journey};
use super::json::{Escapes, Json};
use super::pricing;
use super::rng::SplitMix64;
use super::time::{DAY, date_time};
use super::vocabulary::{AIRPORTS, CARRIERS, INDUSTRIES, POINTS_OF_SALE, POSITIONS, PROGRAMMES};

/// The spread of the number of offers: the standard deviation of its logarithm.
///
/// With a mean of 110, half of the documents have fewer than 48 offers and one in 110 more than 1,000.
const SIGMA: f64 = 1.3;

/// The day before the first search, in minutes since 1970: 2024-05-17.
const FIRST_REQUEST: i64 = 19_860 * DAY;

/// Makes the document at position `index` of the archive of `seed` whose documents have `mean_offers` on average.
pub(crate) fn document(seed: u64, index: u64, mean_offers: f64) -> Document {
    let mut rng = SplitMix64::for_document(seed, index);
    let ranker_id = format!("{:016x}{:016x}", rng.next(), rng.next());
    let offers = (rng.lognormal(mean_offers, SIGMA) + 0.5) as u64;
    let mut json = Json::new(if rng.percent(10) {
        Escapes::Ascii
    } else {
        Escapes::Needed
    });
    search(&mut json, &mut rng, &ranker_id, offers.max(1));
    Document {
        member: format!("raw/{ranker_id}.json"),
        text: json.into_text(),
    }
}

fn search(json: &mut Json, rng: &mut SplitMix64, ranker_id: &str, offers: u64) {
    let requested = FIRST_REQUEST + rng.between(0, 200 * DAY);
    let journey = Journey::random(rng, requested);
    json.object(|json| {
        json.member("ranker_id").string(ranker_id);
        json.member("request_time").string(&request_time(rng, requested));
        json.member("metadata")
            .object(|json| json.member("searchType").int(rng.between(0, 2)));
        json.member("personalData").object(|json| personal_data(json, rng));
        json.member("routeData")
            .object(|json| route_data(json, &journey, requested));
        json.member("data").object(|json| {
            json.member("$values")
                .array(0..offers, |json, _| offer(json, rng, &journey));
        });
    });
}

/// An instant: mostly in UTC with milliseconds, sometimes with another offset.
fn request_time(rng: &mut SplitMix64, minutes: i64) -> String {
    match rng.below(10) {
        0 => format!("{}+03:00", date_time(minutes + 180)),
        1 => format!("{}Z", date_time(minutes)),
        _ => format!("{}.{:03}Z", date_time(minutes), rng.below(1000)),
    }
}

fn personal_data(json: &mut Json, rng: &mut SplitMix64) {
    json.member("profileId").int(rng.between(1, 3_600_000));
    json.member("sex").bool(rng.percent(60));
    json.member("bySelf").bool(rng.percent(70));
    json.member("yearOfBirth").int(rng.between(1950, 2006));
    json.member("nationality").int(rng.pick(&[83, 83, 83, 83, 56, 95, 107]));
    json.member("companyID").int(rng.between(20_000, 65_000));
    json.member("isVip").bool(rng.percent(4));
    json.member("hasAssistant").bool(rng.percent(8));
    json.member("isGlobal").bool(rng.percent(2));
    json.member("frequentFlyer").optional_string(rng.pick(PROGRAMMES));
    json.member("position").optional_string(rng.pick(POSITIONS));
    json.member("pointOfSale").string(rng.pick(POINTS_OF_SALE));
    // Absent here, null elsewhere: both are how real documents say that there is nothing.
    if let Some(industry) = rng.pick(INDUSTRIES) {
        json.member("industryEN").string(industry);
    }
    let grade = rng.percent(5).then(|| rng.pick(&["A1", "B2", "Топ-менеджмент"]));
    json.member("grade").optional_string(grade);
}

fn route_data(json: &mut Json, journey: &Journey, requested: i64) {
    let (origin, destination) = (AIRPORTS[journey.origin].city, AIRPORTS[journey.destination].city);
    let route = match journey.back {
        Some(_) => format!("{origin}{destination}/{destination}{origin}"),
        None => format!("{origin}{destination}"),
    };
    let day = |minutes: i64| date_time(minutes - minutes % DAY);
    json.member("requestDate").string(&format!("{}Z", date_time(requested)));
    json.member("searchRoute").string(&route);
    json.member("requestDepartureDate").string(&day(journey.out));
    json.member("requestReturnDate")
        .optional_string(journey.back.map(day).as_deref());
}

fn offer(json: &mut Json, rng: &mut SplitMix64, journey: &Journey) {
    let carrier = rng.pick(CARRIERS).0;
    let legs = itinerary::legs(rng, journey, carrier);
    let segments: usize = legs.iter().map(|leg| leg.segments.len()).sum();
    json.object(|json| {
        json.member("id").string(&uuid(rng));
        // Some suppliers do not say who issues the ticket.
        if rng.percent(97) {
            json.member("validatingCarrier").string(carrier);
        }
        json.member("category").int(rng.between(0, 2));
        json.member("legs").array(&legs, |json, leg| leg.write(json, rng));
        let pricings = 1 + rng.weighted(&[45, 33, 22]);
        json.member("pricings").array(0..pricings, |json, ordinal| {
            pricing::write(json, rng, ordinal, segments)
        });
    });
}

/// A random identifier in the form of a UUID.
pub(crate) fn uuid(rng: &mut SplitMix64) -> String {
    let (high, low) = (rng.next(), rng.next());
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}
