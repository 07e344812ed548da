//! Documents, made the same each time: enough of them that a run has many tasks and parts.

use std::fmt::Write;

use super::archive::tar;

/// A map over [`searches`] in which types are inferred and one feature has several rows a document.
pub(crate) const MAP: &str = "\
version: 1
id: search
features:
  route: $.route
  traveller:
    columns: {age: $.traveller.age, vip: $.traveller.vip}
  offers:
    for: {offer: '$.offers[*]'}
    columns:
      position: {index: offer}
      price: offer.price
      carrier: offer.carrier
      labels: 'offer.labels[*]'
";

/// A tar of `documents` searches, of about `offers` offers each; every document with a `fault` number is broken.
pub(crate) fn searches(documents: usize, offers: usize, fault: impl Fn(usize) -> Option<Fault>) -> Vec<u8> {
    let files: Vec<(String, String)> = (0..documents)
        .map(|number| (name(number), search_with(number, offers, fault(number))))
        .collect();
    tar(&files)
}

/// The name of the member with this number.
pub(crate) fn name(number: usize) -> String {
    format!("raw/{number:06}.json")
}

/// What can be wrong with a document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It ends in its middle, so it fails.
    Cut,
    /// A price is a string, so a value is rescued.
    Misfit,
}

/// The search with this number, with something wrong with it.
pub(crate) fn search_with(number: usize, offers: usize, fault: Option<Fault>) -> String {
    let text = search(number, offers);
    match fault {
        None => text,
        Some(Fault::Cut) => text[..text.len() / 2].to_owned(),
        Some(Fault::Misfit) => text.replacen("\"price\":", "\"price\":\"free\",\"was\":", 1),
    }
}

/// The search with this number.
pub(crate) fn search(number: usize, offers: usize) -> String {
    let mut random = Random(number as u64);
    let mut text = format!(
        r#"{{"route":"МОВ{number}/ALA","traveller":{{"age":{},"vip":{}}},"offers":["#,
        20 + random.below(60),
        random.below(2) == 0
    );
    let offers = offers / 2 + random.below(offers as u64 + 1) as usize;
    for offer in 0..offers {
        let comma = if offer == 0 { "" } else { "," };
        let (whole, cents) = (random.below(90_000), random.below(100));
        let carrier = ["SU", "S7", "U6", "DP"][random.below(4) as usize];
        write!(
            text,
            r#"{comma}{{"price":{whole}.{cents:02},"carrier":"{carrier}","labels":["BestPrice","n{number}"],"terms":{{"refund":null,"fees":[1,2,{whole}]}}}}"#
        )
        .expect("a string takes any text");
    }
    text + "]}"
}

/// SplitMix64 (Steele, Lea, Flood 2014): a seed is enough to begin with.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from 0, below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}
