//! Prices of an offer and the rules of their fares.

use super::flight::uuid;
use super::json::Json;
use super::rng::SplitMix64;
use super::vocabulary::{FARE_FAMILIES, LABELS, REMARKS};

/// Category of a mini rule on cancelling.
const CANCELLATION: i64 = 31;
/// Category of a mini rule on exchanging.
const EXCHANGE: i64 = 33;

/// Writes a pricing that stands at position `ordinal` among its offer's and is for `segments` flights.
pub(crate) fn write(json: &mut Json, rng: &mut SplitMix64, ordinal: usize, segments: usize) {
    let taxes = amount(rng, 50_000, 1_500_000);
    let price = amount(rng, 300_000, 12_000_000);
    let currency = if rng.percent(3) {
        rng.pick(&["USD", "EUR"])
    } else {
        "RUB"
    };
    json.object(|json| {
        json.member("id").string(&uuid(rng));
        json.member("totalPrice").amount(price + taxes);
        json.member("taxes").amount(taxes);
        json.member("timeLimit")
            .optional_string(rng.percent(80).then(|| time_limit(rng)).as_deref());
        json.member("supplierId").string(&format!("{}", rng.between(1, 40)));
        json.member("ordinal").int(ordinal as i64);
        json.member("category").int(rng.between(0, 2));
        json.member("currencyCode").string(currency);
        json.member("corporateTariffCode")
            .optional_int(rng.percent(30).then(|| rng.between(1, 400)));
        json.member("isSegDiscountVariant").bool(rng.percent(10));
        json.member("isSegDiscountAsExactValue").bool(rng.percent(5));
        let labels = rng.weighted(&[70, 20, 10]);
        json.member("labels")
            .array(0..labels, |json, _| json.string(rng.pick(LABELS)));
        json.member("additionalData").object(|json| additional_data(json, rng));
        mini_rules(json, rng, currency);
        json.member("pricingInfo")
            .array(0..1 + u8::from(rng.percent(3)), |json, _| {
                json.object(|json| pricing_info(json, rng, price, taxes, segments));
            });
    });
}

/// A sum of money in hundredths: whole hundreds in a fifth of all cases, tenths in another.
fn amount(rng: &mut SplitMix64, low: i64, high: i64) -> i64 {
    let exact = rng.between(low, high);
    match rng.below(5) {
        0 => exact - exact % 100,
        1 => exact - exact % 10,
        _ => exact,
    }
}

fn time_limit(rng: &mut SplitMix64) -> String {
    format!(
        "2024-12-{:02}T{:02}:{:02}:00+03:00",
        rng.between(1, 31),
        rng.between(0, 23),
        rng.between(0, 59)
    )
}

fn additional_data(json: &mut Json, rng: &mut SplitMix64) {
    if rng.percent(20) {
        json.member("remark").string(rng.pick(REMARKS));
    }
    if rng.percent(10) {
        // Beyond what a double holds exactly, as identifiers of other systems are.
        json.member("externalId").int(rng.between(1 << 53, i64::MAX));
    }
}

fn mini_rules(json: &mut Json, rng: &mut SplitMix64, currency: &str) {
    // Sometimes a rule comes twice, and sometimes the whole list is missing.
    let categories: &[i64] = match rng.below(20) {
        0 => return,
        1 => &[],
        2 => &[CANCELLATION],
        3 => &[EXCHANGE, CANCELLATION, CANCELLATION],
        _ => &[CANCELLATION, EXCHANGE],
    };
    json.member("miniRules").array(categories, |json, &category| {
        json.object(|json| {
            json.member("category").int(category);
            let fee = rng.percent(85).then(|| 50 * rng.between(0, 300));
            json.member("monetaryAmount").optional_int(fee);
            json.member("statusInfos").bool(rng.percent(75));
            json.member("currencyCode").string(currency);
        });
    });
}

fn pricing_info(json: &mut Json, rng: &mut SplitMix64, price: i64, taxes: i64, segments: usize) {
    json.member("passengerType").int(0);
    json.member("price").amount(price);
    json.member("taxes").amount(taxes);
    json.member("passengerCount").int(1);
    json.member("selfPaid").bool(rng.percent(5));
    if rng.percent(95) {
        json.member("isAccessTP").bool(rng.percent(60));
    }
    let cabin = rng.pick(&[1, 1, 1, 1, 1, 1, 2, 4]);
    json.member("faresInfo").array(1..=segments, |json, segment| {
        json.object(|json| fare(json, rng, cabin, segment));
    });
}

fn fare(json: &mut Json, rng: &mut SplitMix64, cabin: i64, segment: usize) {
    let designator = rng.percent(10).then(|| format!("CORP{}", rng.between(1, 99)));
    json.member("ticketDesignator").optional_string(designator.as_deref());
    json.member("class")
        .string(rng.pick(&["Y", "B", "M", "K", "T", "N", "C", "J"]));
    json.member("cabinClass").int(cabin);
    json.member("seatsAvailable")
        .optional_int(rng.percent(96).then(|| rng.between(1, 9)));
    json.member("fareFamilyKey").string(rng.pick(FARE_FAMILIES));
    json.member("baggageAllowance").object(|json| {
        let pieces = rng.percent(80);
        json.member("quantity").int(if pieces {
            rng.between(0, 2)
        } else {
            10 * rng.between(1, 3)
        });
        json.member("type").int(i64::from(!pieces));
        json.member("weightMeasurementType").int(i64::from(!pieces));
    });
    json.member("applyToSegmentIds")
        .array([segment], |json, segment| json.string(&segment.to_string()));
}
