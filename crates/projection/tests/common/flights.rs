//! A document like those of the reference data: one flight search with nested offers, compact, on one line.

use std::fmt::Write as _;

/// The feature map of such documents' users.
pub(crate) const MAP: &str = r#"
version: 1
id: ranker_id
features:
  search_route: $.routeData.searchRoute
  company_id: {path: $.personalData.companyID, type: int64}
  traveller:
    columns: {sex: $.personalData.sex, birth: $.personalData.yearOfBirth, program: $.personalData.frequentFlyer}
  pricings:
    for:
      option: "$.data['$values'][*]"
      pricing: option.pricings[*]
    where: '@.currencyCode == "RUB"'
    columns:
      option_index: {index: option}
      option_id: option.id
      pricing_index: {index: pricing}
      pricing_id: pricing.id
      total_price: {path: pricing.totalPrice, type: float64}
      taxes: {path: pricing.taxes, type: float64}
      tariff: pricing.corporateTariffCode
      is_access: 'pricing.pricingInfo[0].isAccessTP'
      cabin: 'pricing.pricingInfo[0].faresInfo[0].cabinClass'
      seats: 'pricing.pricingInfo[0].faresInfo[0].seatsAvailable'
      baggage: 'pricing.pricingInfo[0].faresInfo[0].baggageAllowance.quantity'
      labels: 'pricing.labels[*]'
      cancel_fee: {path: 'pricing.miniRules[?@.category == 31].monetaryAmount', take: first}
      exchange_fee: {path: 'pricing.miniRules[?@.category == 33].monetaryAmount', take: first}
      carrier: {path: [option.validatingCarrier, option.carrier]}
  segments:
    for:
      option: "$.data['$values'][*]"
      leg: option.legs[*]
      segment: leg.segments[*]
    columns:
      option_index: {index: option}
      leg_index: {index: leg}
      segment_index: {index: segment}
      leg_duration: leg.duration
      departure: {path: segment.departureAt, type: datetime}
      arrival: {path: segment.arrivalAt, type: datetime}
      from: segment.departureFrom.airport.iata
      from_city: segment.departureFrom.airport.city.iata
      to: segment.arrivalTo.airport.iata
      flight: segment.flightNumber
      aircraft: segment.aircraft.code
      marketing: segment.marketingCarrier.code
      operating: segment.operatingCarrier.code
"#;

/// A search with so many offers; about 4 kB each.
pub(crate) fn document(seed: u64, offers: usize) -> String {
    let mut search = Search {
        text: String::new(),
        ids: 0,
        state: seed.wrapping_add(0x9e37_79b9_7f4a_7c15),
    };
    search.write(offers);
    search.text
}

struct Search {
    text: String,
    ids: u32,
    state: u64,
}

const CITIES: [(&str, &str, &str); 5] = [
    ("MOW", "SVO", "Москва"),
    ("ALA", "ALA", "Алматы"),
    ("LED", "LED", "Санкт-Петербург"),
    ("CEK", "CEK", "Chelyabinsk \\\"Balandino\\\""),
    ("IST", "SAW", "\\u0130stanbul"),
];
const CARRIERS: [&str; 5] = ["SU", "S7", "TK", "KC", "U6"];

impl Search {
    /// The next number of the generator (xorshift), below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins an object with its `$id`.
    fn open(&mut self) {
        self.ids += 1;
        let id = self.ids;
        self.add(format_args!("{{\"$id\":\"{id}\""));
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes any text");
    }

    fn many(&mut self, count: u64, mut item: impl FnMut(&mut Self)) {
        for at in 0..count {
            if at > 0 {
                self.push(",");
            }
            item(self);
        }
    }

    fn write(&mut self, offers: usize) {
        self.open();
        self.push(
            r#","ranker_id":"98ce0dabf6964640b63079fbafd42cbe","request_time":"2024-05-17T10:03:08Z","metadata":"#,
        );
        self.open();
        self.push(r#","searchType":1},"personalData":"#);
        self.open();
        self.push(r#","profileId":2087645,"sex":true,"bySelf":true,"yearOfBirth":1983,"nationality":643,"companyID":57323,"isVip":false,"hasAssistant":false,"isGlobal":false,"frequentFlyer":"SU/S7","position":null,"pointOfSale":null,"industryEN":null,"grade":null},"routeData":"#);
        self.open();
        self.push(r#","requestDate":"2024-05-17T10:03:08Z","searchRoute":"MOWALA/ALAMOW","requestDepartureDate":"2024-06-15T00:00:00","requestReturnDate":null},"data":"#);
        self.open();
        self.push(r#","$values":["#);
        self.many(offers as u64, Self::offer);
        self.push("]}}");
    }

    fn offer(&mut self) {
        self.open();
        let carrier = CARRIERS[self.below(5) as usize];
        let id = self.below(1 << 48);
        self.add(format_args!(
            r#","id":"{id:032x}","validatingCarrier":"{carrier}","category":{},"legs":["#,
            id % 4
        ));
        let legs = 1 + self.below(2);
        self.many(legs, Self::leg);
        self.push("],\"pricings\":[");
        let pricings = 1 + self.below(3);
        self.many(pricings, Self::pricing);
        self.push("]}");
    }

    fn leg(&mut self) {
        self.open();
        self.push(r#","duration":"04:45:00","departureAt":"2024-06-15T15:40:00","arrivalAt":"2024-06-15T20:25:00","segments":["#);
        let segments = 1 + self.below(2);
        self.many(segments, Self::segment);
        self.push("]}");
    }

    fn segment(&mut self) {
        self.open();
        let id = self.below(1 << 40);
        let number = self.below(2000);
        let carrier = CARRIERS[self.below(5) as usize];
        self.add(format_args!(
            r#","id":"{id:x}","departureAt":"2024-06-15T15:40:00","arrivalAt":"2024-06-15T20:25:00","duration":"04:45:00","flightNumber":"{number}","stopCount":0,"aircraft":"#
        ));
        self.open();
        self.push(r#","code":"32N"},"marketingCarrier":"#);
        self.open();
        self.add(format_args!(r#","code":"{carrier}"}},"operatingCarrier":"#));
        self.open();
        self.add(format_args!(r#","code":"{carrier}"}},"departureFrom":"#));
        self.airport();
        self.push(",\"arrivalTo\":");
        self.airport();
        self.push(r#","transfer":null}"#);
    }

    fn airport(&mut self) {
        let (code, iata, name) = CITIES[self.below(5) as usize];
        let id = self.below(10_000);
        self.open();
        self.push(",\"airport\":");
        self.open();
        self.add(format_args!(
            r#","id":{id},"code":"{iata}","iata":"{iata}","icao":"UU{iata}","city":"#
        ));
        self.open();
        self.add(format_args!(
            r#","id":7159,"code":"{code}","iata":"{code}","name":"{name}","country":"#
        ));
        self.open();
        self.push(r#","id":643,"codeA2":"RU","codeA3":"RUS"}}},"terminal":"C"}"#);
    }

    fn pricing(&mut self) {
        self.open();
        let price = 5_000 + self.below(90_000);
        let cents = self.below(4) * 25;
        let id = self.below(1 << 48);
        self.add(format_args!(
            r#","id":"{id:032x}","totalPrice":{price}.{cents:02},"taxes":{},"#,
            price / 10
        ));
        self.push(r#""timeLimit":"2024-05-18T10:03:00","supplierId":"4d1a","ordinal":0,"category":1,"currencyCode":"RUB","corporateTariffCode":null,"isSegDiscountVariant":false,"isSegDiscountAsExactValue":false,"labels":["#);
        let labels = self.below(3);
        self.many(labels, |search| search.push("\"BestPrice\""));
        self.push("],\"additionalData\":");
        self.open();
        self.push("},\"miniRules\":[");
        for (at, category) in [31, 33].into_iter().enumerate() {
            self.push(if at > 0 { "," } else { "" });
            self.open();
            let amount = self.below(8000);
            self.add(format_args!(
                r#","category":{category},"monetaryAmount":{amount},"statusInfos":true,"currencyCode":"RUB"}}"#
            ));
        }
        self.push("],\"pricingInfo\":[");
        self.open();
        self.add(format_args!(r#","passengerType":1,"price":{price},"taxes":{},"passengerCount":1,"selfPaid":false,"isAccessTP":true,"faresInfo":["#, price / 10));
        let fares = 1 + self.below(2);
        self.many(fares, Self::fare);
        self.push("]}]}");
    }

    fn fare(&mut self) {
        self.open();
        let seats = self.below(10);
        self.add(format_args!(r#","ticketDesignator":null,"class":"Y","cabinClass":1,"seatsAvailable":{seats},"fareFamilyKey":"ECONOMY_FLEX","baggageAllowance":"#));
        self.open();
        self.push(r#","quantity":1,"type":1,"weightMeasurementType":0},"applyToSegmentIds":["1","2"]}"#);
    }
}
