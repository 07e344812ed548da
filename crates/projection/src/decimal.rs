//! Exact arithmetic on the texts of JSON numbers, of whatever size.

use std::cmp::Ordering;
use std::iter::repeat_n;

/// A JSON number, read as `± 0.d₁d₂…dₙ × 10^scale` with `d₁` and `dₙ` not zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// The digits before and after the point, with the zeros that say nothing cut off.
    before: &'a [u8],
    after: &'a [u8],
    /// Saturates far beyond what a document could fill with digits.
    scale: i64,
}

/// The exponent at which texts that differ only in still greater exponents are taken as equal.
const EXPONENT_LIMIT: i64 = 1 << 59;

impl<'a> Decimal<'a> {
    /// Reads `text`, which is a number by RFC 8259.
    pub(crate) fn read(text: &'a [u8]) -> Self {
        let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
        let mantissa_len = text
            .iter()
            .position(|byte| matches!(byte, b'e' | b'E'))
            .unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(mantissa_len);
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (before, after) = point.map_or((mantissa, &[][..]), |at| (&mantissa[..at], &mantissa[at + 1..]));
        let exponent = read_exponent(exponent);
        Self::trimmed(negative, before, after, exponent)
    }

    fn trimmed(negative: bool, before: &'a [u8], after: &'a [u8], exponent: i64) -> Self {
        let before = trim_start(before);
        let after = trim_end(after);
        if before.is_empty() {
            let digits = trim_start(after);
            let scale = exponent - (after.len() - digits.len()) as i64;
            return Self {
                negative,
                before: &[],
                after: digits,
                scale,
            };
        }
        let scale = exponent + before.len() as i64;
        let before = if after.is_empty() { trim_end(before) } else { before };
        Self {
            negative,
            before,
            after,
            scale,
        }
    }

    fn is_zero(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.before.iter().chain(self.after).copied()
    }

    /// The number times 10 to the power of `shift`, if that is whole and fits 64 bits.
    pub(crate) fn whole(&self, shift: i64) -> Option<i64> {
        if self.is_zero() {
            return Some(0);
        }
        let count = (self.before.len() + self.after.len()) as i64;
        let scale = self.scale + shift;
        if scale > 19 || scale < count {
            return None;
        }
        let digits = self.digits().chain(repeat_n(b'0', (scale - count) as usize));
        let magnitude = digits.fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// How the two numbers compare.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (1, 1) => self.compare_magnitude(other),
            (-1, -1) => other.compare_magnitude(self),
            (left, right) => left.cmp(&right),
        }
    }

    fn sign(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        self.scale
            .cmp(&other.scale)
            .then_with(|| self.digits().cmp(other.digits()))
    }
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    &digits[..digits.len() - zeros]
}

/// The value of `e…`, or 0 without one.
fn read_exponent(text: &[u8]) -> i64 {
    let Some((_, text)) = text.split_first() else { return 0 };
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let grow = |value: i64, digit: &u8| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_LIMIT);
    let value = trim_start(digits).iter().fold(0, grow);
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> Option<i64> {
        Decimal::read(text.as_bytes()).whole(0)
    }

    #[test]
    fn whole_numbers_are_told_by_value_and_not_by_spelling() {
        let cases = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("0e99999999999999999999999", Some(0)),
            ("3.0", Some(3)),
            ("3.5", None),
            ("1e2", Some(100)),
            ("1E+2", Some(100)),
            ("12.5e1", Some(125)),
            ("12.55e1", None),
            ("100e-2", Some(1)),
            ("100e-3", None),
            ("0.001e3", Some(1)),
            ("1e30", None),
            ("1e-99999999999999999999", None),
            ("1e99999999999999999999", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("9223372036854775807.0", Some(i64::MAX)),
            ("922337203685477580.7e1", Some(i64::MAX)),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(whole(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_beyond_machine_types_compare_exactly() {
        let ascending = [
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-0.1",
            "-0.010",
            "0",
            "1e-400",
            "0.1",
            "0.1000000000000000055511151231257827",
            "1",
            "9007199254740992",
            "9007199254740992.5",
            "9007199254740993",
            "1e400",
            "1.1e400",
        ];
        for (left, low) in ascending.iter().enumerate() {
            for (right, high) in ascending.iter().enumerate() {
                let found = Decimal::read(low.as_bytes()).compare(&Decimal::read(high.as_bytes()));
                assert_eq!(found, left.cmp(&right), "{low} and {high}");
            }
        }
        assert_eq!(Decimal::read(b"-0").compare(&Decimal::read(b"0.00e5")), Ordering::Equal);
        assert_eq!(Decimal::read(b"120").compare(&Decimal::read(b"1.2e2")), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn agrees_with_128_bits(mantissa in -10_000_000_000i64..10_000_000_000, exponent in -12i64..9, other in any::<i32>()) {
            let text = format!("{mantissa}e{exponent}");
            let decimal = Decimal::read(text.as_bytes());
            // Both in units of 1e-12.
            let value = i128::from(mantissa) * 10i128.pow((exponent + 12) as u32);
            let unit = 1_000_000_000_000;
            prop_assert_eq!(decimal.compare(&Decimal::read(other.to_string().as_bytes())), value.cmp(&(i128::from(other) * unit)));
            let expected = (value % unit == 0).then(|| i64::try_from(value / unit).ok()).flatten();
            prop_assert_eq!(decimal.whole(0), expected);
        }
    }
}
