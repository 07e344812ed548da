//! Reads the numbers of a valid document.

use crate::reference::read_number;
use crate::selection::Number;

/// From which on not every integer is an `f64`: 2^53.
const EXACT: u64 = 1 << 53;

/// The powers of ten that are exactly an `f64`.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// How many digits always fit 64 bits.
const SAFE_DIGITS: usize = 18;

/// The number at the start of `text`, which has something else behind it.
///
/// Short ones are read here: an integer of up to 18 digits; a decimal whose digits make an integer below 2^53, which one
/// division by an exact power of ten then rounds correctly (Clinger, "How to Read Floating Point Numbers Accurately",
/// 1990). All others are the reference's.
pub(super) fn number(text: &[u8]) -> Number {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (whole, value) = digits(text, start, 0);
    let (end, value) = match text.get(whole) {
        Some(b'.') => digits(text, whole + 1, value),
        _ => (whole, value),
    };
    let exponent = matches!(text.get(end), Some(b'e' | b'E'));
    if exponent || end - start > SAFE_DIGITS + usize::from(end != whole) {
        return long(text, end);
    }
    if end == whole {
        let value = value as i64;
        return Number::Int(if negative { -value } else { value });
    }
    match TENS.get(end - whole - 1) {
        Some(ten) if value < EXACT => {
            let value = value as f64 / ten;
            Number::Fraction(if negative { -value } else { value })
        }
        _ => long(text, end),
    }
}

/// Reads digits from `at` on behind those that make `value`. Gives the position after them.
#[inline(always)]
fn digits(text: &[u8], mut at: usize, mut value: u64) -> (usize, u64) {
    while let Some(digit) = text
        .get(at)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (at, value)
}

#[cold]
fn long(text: &[u8], at: usize) -> Number {
    let rest = text[at..]
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'e' | b'E' | b'+' | b'-'))
        .count();
    let text = &text[..at + rest];
    read_number(text, !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')))
}
