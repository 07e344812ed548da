//! Journeys, legs and segments.

use super::json::Json;
use super::rng::SplitMix64;
use super::time::{DAY, date_time, span};
use super::vocabulary::{AIRCRAFT, AIRPORTS, CARRIERS, TERMINALS};

/// What a search asks for. Airports are positions in [`AIRPORTS`].
#[derive(Debug)]
pub(crate) struct Journey {
    /// Where it begins.
    pub(crate) origin: usize,
    /// Where it goes.
    pub(crate) destination: usize,
    /// When it begins, in minutes since 1970.
    pub(crate) out: i64,
    /// When the way back begins, in minutes since 1970; `None` for a journey one way.
    pub(crate) back: Option<i64>,
}

impl Journey {
    /// A journey that is asked for at `requested`, in minutes since 1970.
    pub(crate) fn random(rng: &mut SplitMix64, requested: i64) -> Self {
        let origin = rng.below(AIRPORTS.len() as u64) as usize;
        let destination = other_airport(rng, origin);
        let out = requested + rng.between(DAY, 60 * DAY);
        let back = rng.percent(45).then(|| out + rng.between(DAY, 20 * DAY));
        Self {
            origin,
            destination,
            out,
            back,
        }
    }
}

/// One direction of a journey, as an offer flies it.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Its flights, one after another. Never empty.
    pub(crate) segments: Vec<Segment>,
}

/// One flight. Times are minutes since 1970.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Its position among the offer's flights, from 1; fares name it.
    number: usize,
    from: usize,
    to: usize,
    departure: i64,
    arrival: i64,
    carrier: &'static str,
}

/// The legs of an offer for `journey`: one, or two with the way back.
pub(crate) fn legs(rng: &mut SplitMix64, journey: &Journey, carrier: &'static str) -> Vec<Leg> {
    let (origin, destination) = (journey.origin, journey.destination);
    let out = leg(rng, (origin, destination), journey.out, carrier);
    let back = journey
        .back
        .map(|begin| leg(rng, (destination, origin), begin, carrier));
    let mut legs: Vec<Leg> = [Some(out), back].into_iter().flatten().collect();
    for (position, segment) in legs.iter_mut().flat_map(|leg| &mut leg.segments).enumerate() {
        segment.number = position + 1;
    }
    legs
}

fn leg(rng: &mut SplitMix64, (origin, destination): (usize, usize), begin: i64, carrier: &'static str) -> Leg {
    let count = 1 + rng.weighted(&[71, 24, 4, 1]);
    let mut departure = begin + 5 * rng.between(0, 200);
    let mut from = origin;
    let mut segments = Vec::with_capacity(count);
    for position in 0..count {
        let last = position + 1 == count;
        let to = if last {
            destination
        } else {
            change(rng, from, destination)
        };
        let arrival = departure + 5 * rng.between(11, 110);
        segments.push(Segment {
            number: 0,
            from,
            to,
            departure,
            arrival,
            carrier,
        });
        departure = arrival + 5 * rng.between(10, 200);
        from = to;
    }
    Leg { segments }
}

/// An airport to change planes at, which is neither end.
fn change(rng: &mut SplitMix64, from: usize, destination: usize) -> usize {
    loop {
        let airport = other_airport(rng, from);
        if airport != destination {
            return airport;
        }
    }
}

fn other_airport(rng: &mut SplitMix64, not: usize) -> usize {
    let step = 1 + rng.below(AIRPORTS.len() as u64 - 1) as usize;
    (not + step) % AIRPORTS.len()
}

impl Leg {
    /// Writes the leg as an object.
    pub(crate) fn write(&self, json: &mut Json, rng: &mut SplitMix64) {
        let (first, last) = (&self.segments[0], &self.segments[self.segments.len() - 1]);
        json.object(|json| {
            json.member("duration").string(&span(last.arrival - first.departure));
            json.member("departureAt").string(&date_time(first.departure));
            json.member("arrivalAt").string(&date_time(last.arrival));
            json.member("departureFrom").object(|json| stop(json, rng, first.from));
            json.member("arrivalTo").object(|json| stop(json, rng, last.to));
            json.member("segments")
                .array(self.segments.iter().enumerate(), |json, (position, segment)| {
                    let next = self.segments.get(position + 1);
                    segment.write(json, rng, next);
                });
        });
    }
}

impl Segment {
    fn write(&self, json: &mut Json, rng: &mut SplitMix64, next: Option<&Self>) {
        let wait = next.map(|next| span(next.departure - self.arrival));
        json.object(|json| {
            json.member("id").string(&self.number.to_string());
            json.member("departureAt").string(&date_time(self.departure));
            json.member("arrivalAt").string(&date_time(self.arrival));
            json.member("duration").string(&span(self.arrival - self.departure));
            json.member("flightNumber").string(&rng.between(1, 9_999).to_string());
            json.member("stopCount").int(i64::from(rng.percent(3)));
            json.member("aircraft")
                .object(|json| json.member("code").string(rng.pick(AIRCRAFT)));
            json.member("marketingCarrier")
                .object(|json| carrier(json, self.carrier));
            json.member("operatingCarrier").object(|json| {
                let operating = if rng.percent(15) {
                    rng.pick(CARRIERS).0
                } else {
                    self.carrier
                };
                json.member("code").string(operating);
            });
            json.member("departureFrom").object(|json| stop(json, rng, self.from));
            json.member("arrivalTo").object(|json| stop(json, rng, self.to));
            json.member("transfer").optional_string(wait.as_deref());
        });
    }
}

/// Writes the members of a carrier; the alliance of one that is in none is null or absent.
fn carrier(json: &mut Json, code: &str) {
    json.member("code").string(code);
    match CARRIERS.iter().find(|carrier| carrier.0 == code) {
        Some((_, Some(alliance))) => {
            json.member("alliance")
                .object(|json| json.member("code").string(alliance));
        }
        _ if code < "K" => json.member("alliance").null(),
        _ => {}
    }
}

/// Writes the members of a place where a leg or a segment begins or ends.
fn stop(json: &mut Json, rng: &mut SplitMix64, position: usize) {
    let airport = &AIRPORTS[position];
    // Identifiers have to be the same wherever the same place is meant.
    let id = 700 + position as i64;
    json.member("airport").object(|json| {
        json.member("id").int(id);
        json.member("code").string(airport.iata);
        json.member("iata").string(airport.iata);
        json.member("icao").string(airport.icao);
        json.member("city").object(|json| {
            json.member("id").int(id * 11);
            json.member("code").string(airport.city);
            json.member("iata").string(airport.city);
            json.member("country").object(|json| {
                json.member("id").int(code_number(airport.country.0));
                json.member("codeA2").string(airport.country.0);
                json.member("codeA3").string(airport.country.1);
            });
        });
    });
    json.member("terminal").optional_string(rng.pick(TERMINALS));
}

/// A number for a code: the same for the same code.
fn code_number(code: &str) -> i64 {
    code.bytes()
        .fold(0, |number, byte| number * 26 + i64::from(byte - b'A'))
}
