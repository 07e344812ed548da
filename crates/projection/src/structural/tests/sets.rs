//! What every lens makes of bytes and sets, held to what the words mean, position by position.

use proptest::prelude::*;

use super::cases;
use crate::structural::lens::{Bits, Bytes, LIST, Lens, ROW, Set, WORDS};
use crate::structural::width::Width;

/// What a lens makes of a row and of some sets.
#[derive(Debug, PartialEq)]
struct Seen {
    classes: Bytes<Bits>,
    next: [Bits; 2],
    sum: [Bits; 2],
    carry: u64,
    parity: [Bits; 2],
    odd: u64,
    any: [bool; 2],
    combined: Bits,
    listed: Vec<(u32, u8)>,
}

/// What a lens is given.
#[derive(Debug, Clone)]
struct Given {
    row: Vec<u8>,
    sets: [Bits; 4],
    /// Whether there was something at the end of the row before.
    before: bool,
}

/// Where the row is said to start.
const AT: u32 = 4096;

fn seen(width: Width, given: &Given) -> Seen {
    match width {
        #[cfg(target_arch = "x86_64")]
        Width::Avx512(lens) => seen_by(lens, given),
        #[cfg(target_arch = "x86_64")]
        Width::Avx2(lens) => seen_by(lens, given),
        #[cfg(target_arch = "aarch64")]
        Width::Neon(lens) => seen_by(lens, given),
        Width::Portable(lens) => seen_by(lens, given),
    }
}

fn seen_by<L: Lens>(lens: L, given: &Given) -> Seen {
    let [a, b, c, d] = given.sets.map(|bits| lens.set(bits));
    let (mut carry, mut odd) = (u64::from(given.before), u64::from(given.before));
    let mut last = <L::Set as Set>::carry(given.before);
    let (mut positions, mut flags) = ([0; LIST], [0; LIST]);
    let of = [a, a & b, (a | b) & c, (a | b) & d];
    let count = lens.list(a | b, of, AT, &mut positions, &mut flags);
    let row = given.row.first_chunk().expect("a row");
    Seen {
        classes: words(lens.classify(row).bytes),
        next: [a.next(&mut last).bits(), b.next(&mut last).bits()],
        sum: [a.add(b, &mut carry).bits(), c.add(d, &mut carry).bits()],
        carry,
        parity: [a.parity(&mut odd).bits(), b.parity(&mut odd).bits()],
        odd,
        any: [a.any(), (a & !a).any()],
        combined: ((a & b) ^ !(c | d)).bits(),
        listed: positions.into_iter().zip(flags).take(count).collect(),
    }
}

fn words<S: Set>(bytes: Bytes<S>) -> Bytes<Bits> {
    Bytes {
        quote: bytes.quote.bits(),
        backslash: bytes.backslash.bits(),
        control: bytes.control.bits(),
        space: bytes.space.bits(),
        open: bytes.open.bits(),
        close: bytes.close.bits(),
        brace: bytes.brace.bits(),
        comma: bytes.comma.bits(),
        colon: bytes.colon.bits(),
        digit: bytes.digit.bits(),
        zero: bytes.zero.bits(),
        minus: bytes.minus.bits(),
        dot: bytes.dot.bits(),
        non_ascii: bytes.non_ascii,
    }
}

/// A set, position by position.
type Slow = Vec<bool>;

fn slow(bits: Bits) -> Slow {
    (0..ROW).map(|at| bits[at / 64] >> (at % 64) & 1 == 1).collect()
}

fn fast(slow: &[bool]) -> Bits {
    let mut bits = [0; WORDS];
    for at in (0..ROW).filter(|at| slow[*at]) {
        bits[at / 64] |= 1 << (at % 64);
    }
    bits
}

/// What the lenses are to say.
fn meant(given: &Given) -> Seen {
    let [a, b, c, d] = given.sets.map(slow);
    let of = |is: &dyn Fn(u8) -> bool| fast(&given.row.iter().map(|byte| is(*byte)).collect::<Slow>());
    let (mut before, mut carry, mut odd) = (given.before, given.before, given.before);
    let mut next = |set: &Slow| {
        fast(
            &set.iter()
                .map(|bit| std::mem::replace(&mut before, *bit))
                .collect::<Slow>(),
        )
    };
    let mut sum = |left: &Slow, right: &Slow| {
        let add = |(left, right): (&bool, &bool)| {
            let sum = u8::from(*left) + u8::from(*right) + u8::from(carry);
            carry = sum > 1;
            sum % 2 == 1
        };
        fast(&left.iter().zip(right).map(add).collect::<Slow>())
    };
    let mut parity = |set: &Slow| {
        let flip = |bit: &bool| {
            odd ^= bit;
            odd
        };
        fast(&set.iter().map(flip).collect::<Slow>())
    };
    let listed = |at: &usize| a[*at] || b[*at];
    let flags = |at: usize| {
        let flags = [a[at], a[at] && b[at], c[at], d[at]];
        (0..4).fold(0, |all, bit| all | u8::from(flags[bit]) << bit)
    };
    Seen {
        classes: Bytes {
            quote: of(&|byte| byte == b'"'),
            backslash: of(&|byte| byte == b'\\'),
            control: of(&|byte| byte < 0x20),
            space: of(&|byte| b" \t\n\r".contains(&byte)),
            open: of(&|byte| b"{[".contains(&byte)),
            close: of(&|byte| b"}]".contains(&byte)),
            brace: of(&|byte| b"{}".contains(&byte)),
            comma: of(&|byte| byte == b','),
            colon: of(&|byte| byte == b':'),
            digit: of(&|byte| byte.is_ascii_digit()),
            zero: of(&|byte| byte == b'0'),
            minus: of(&|byte| byte == b'-'),
            dot: of(&|byte| byte == b'.'),
            non_ascii: !given.row.is_ascii(),
        },
        next: [next(&a), next(&b)],
        sum: [sum(&a, &b), sum(&c, &d)],
        carry: u64::from(carry),
        parity: [parity(&a), parity(&b)],
        odd: u64::from(odd),
        any: [a.contains(&true), false],
        combined: std::array::from_fn(|at| {
            let [a, b, c, d] = given.sets.map(|bits| bits[at]);
            (a & b) ^ !(c | d)
        }),
        listed: (0..ROW).filter(listed).map(|at| (AT + at as u32, flags(at))).collect(),
    }
}

/// Words of few bits, of many, and of runs that carry from one into the next.
fn bits() -> impl Strategy<Value = Bits> {
    let word = prop_oneof![
        3 => any::<u64>(),
        2 => Just(u64::MAX),
        2 => Just(0),
        1 => (0u32..64).prop_map(|at| 1 << at),
        1 => (0u32..64).prop_map(|at| u64::MAX << at),
        1 => (0u32..64).prop_map(|at| u64::MAX >> at),
    ];
    prop::array::uniform(word)
}

fn given() -> impl Strategy<Value = Given> {
    let row = prop_oneof![
        prop::collection::vec(any::<u8>(), ROW),
        prop::collection::vec(0u8..0x80, ROW),
        prop::collection::vec(prop::sample::select(b"{}[],:\"\\ \t\n\r0123456789-./;".to_vec()), ROW),
    ];
    (row, prop::array::uniform(bits()), any::<bool>()).prop_map(|(row, sets, before)| Given { row, sets, before })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_lens_does_what_its_words_mean(given in given()) {
        let meant = meant(&given);
        for width in Width::all() {
            prop_assert_eq!(&seen(width, &given), &meant, "{:?}", width);
        }
    }
}

/// Each byte at each position of a word, alone among spaces.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn every_byte_is_sorted_wherever_it_stands() {
    for byte in 0..=u8::MAX {
        for at in (0..ROW).step_by(61) {
            let mut row = vec![b' '; ROW];
            row[at] = byte;
            let given = Given {
                row,
                sets: [[0; WORDS]; 4],
                before: false,
            };
            let meant = meant(&given);
            for width in Width::all() {
                assert_eq!(seen(width, &given), meant, "{width:?}: {byte:#04x} at {at}");
            }
        }
    }
}
