//! Numbers as the engine reads them, against those of the reference.

use proptest::prelude::*;

use super::{cases, documents};
use crate::reference::{number_text, read_number};
use crate::selection::Number;
use crate::structural::number::number;

/// What the reference makes of a whole number, to the bit.
fn check(text: &str) {
    let token = number_text(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a number"));
    let expected = read_number(text.as_bytes(), token.integer);
    for behind in ["]", " ", ",", "}"] {
        let found = number(format!("{text}{behind}").as_bytes());
        assert_eq!(found, expected, "{text}");
        if let (Number::Fraction(found), Number::Fraction(expected)) = (found, expected) {
            assert_eq!(found.to_bits(), expected.to_bits(), "{text}");
        }
    }
}

/// Around the ends of what is read quickly: 18 digits, 2^53, 22 decimals, and 64 bits.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn numbers_around_every_limit() {
    let wholes = [
        0,
        1,
        9,
        (1u64 << 53) - 1,
        1 << 53,
        (1 << 53) + 1,
        99_999_999_999_999_999,
        999_999_999_999_999_999,
        1_000_000_000_000_000_000,
        i64::MAX as u64,
        i64::MAX as u64 + 1,
        u64::MAX,
    ];
    for whole in wholes {
        for sign in ["", "-"] {
            check(&format!("{sign}{whole}"));
            check(&format!("{sign}1{whole}"));
            check(&format!("{sign}{whole}.0"));
            check(&format!("{sign}{whole}e0"));
            let digits = whole.to_string();
            for decimals in 1..30 {
                let zeros = "0".repeat(decimals);
                check(&format!("{sign}0.{zeros}{digits}"));
                check(&format!("{sign}{whole}.{zeros}"));
                let padded = format!("{zeros}{digits}");
                let point = padded.len() - decimals;
                let whole = padded[..point].trim_start_matches('0');
                let whole = if whole.is_empty() { "0" } else { whole };
                check(&format!("{sign}{whole}.{}", &padded[point..]));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(4000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_number(text in documents::number()) {
        check(&text);
    }

    #[test]
    fn any_decimal_of_about_the_digits_that_are_exact(whole in 0u64..1 << 55, decimals in 0usize..24, negative in any::<bool>()) {
        let digits = format!("{whole:0>width$}", width = decimals + 1);
        let (before, after) = digits.split_at(digits.len() - decimals);
        let sign = if negative { "-" } else { "" };
        let point = if after.is_empty() { "" } else { "." };
        check(&format!("{sign}{before}{point}{after}"));
    }
}
