//! One tiny document: what one price of one flight was at one moment, a few hundred bytes.

use super::Document;
use super::json::{Escapes, Json};
use super::rng::SplitMix64;
use super::time::{DAY, date_time};
use super::vocabulary::{AIRPORTS, CARRIERS};

/// The day before the first price, in minutes since 1970: 2024-05-17.
const FIRST_DAY: i64 = 19_860 * DAY;

/// Makes the document at position `index` of the archive of `seed`.
pub(crate) fn document(seed: u64, index: u64) -> Document {
    let mut rng = SplitMix64::for_document(seed, index);
    let id = format!("{:016x}{:016x}", rng.next(), rng.next());
    let mut json = Json::new(Escapes::Needed);
    price(&mut json, &mut rng, &id);
    Document {
        member: format!("raw/{id}.json"),
        text: json.into_text(),
    }
}

fn price(json: &mut Json, rng: &mut SplitMix64, id: &str) {
    let (from, to) = (rng.pick(&PLACES), rng.pick(&PLACES));
    let seen = FIRST_DAY + rng.between(0, 200 * DAY);
    let taxes = rng.between(50_000, 400_000);
    json.object(|json| {
        json.member("price_id").string(id);
        json.member("seenAt").string(&format!("{}Z", date_time(seen)));
        json.member("route").object(|json| {
            json.member("from").string(AIRPORTS[from].iata);
            json.member("to").string(AIRPORTS[to].iata);
        });
        json.member("carrier").string(rng.pick(CARRIERS).0);
        json.member("flightNumber").string(&rng.between(1, 9_999).to_string());
        json.member("totalPrice")
            .amount(taxes + rng.between(200_000, 9_000_000));
        json.member("taxes").amount(taxes);
        json.member("currencyCode").string("RUB");
        let seats = rng.percent(90).then(|| rng.between(1, 9));
        json.member("seatsAvailable").optional_int(seats);
        json.member("isRefundable").bool(rng.percent(40));
        let labels: &[&str] = if rng.percent(20) { &["BestPrice"] } else { &[] };
        json.member("labels").array(labels, |json, label| json.string(label));
    });
}

/// The positions of the airports between which the flights go.
const PLACES: [usize; 8] = [0, 1, 2, 3, 9, 14, 16, 20];
