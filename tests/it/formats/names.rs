//! What members are called.

use super::{Case, case};
use crate::support::blocks::{Blocks, X, around};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a name with `..` in it", || named(b"../../etc/x.json")),
        case("a name from the root on", || named(b"/etc/x.json")),
        case("a name with a newline in it", || named(b"a\nb.json")),
        case("a name that is not UTF-8", || named(b"caf\xe9.json")),
        case("a name of 64 KiB", || {
            let name = [vec![b'n'; (64 << 10) - 5], b".json".to_vec()].concat();
            around(&Blocks::default().meta(b'L', &name).x())
        }),
        case("a name that another member has", || named(b"first.json")),
        case("a GNU long name and another one in a PAX record", || {
            around(
                &Blocks::default()
                    .meta(b'L', b"gnu.json\0")
                    .pax(b'x', &[("path", b"pax.json")])
                    .x(),
            )
        }),
        case("two PAX headers with two names", || {
            let one = Blocks::default().pax(b'x', &[("path", b"one.json")]);
            around(&one.pax(b'x', &[("path", b"two.json")]).x())
        }),
        case("a name with a NUL in it, in a header", || named(b"x\0y.json")),
        case("a name with a NUL in it, in a PAX record", || {
            around(&Blocks::default().pax(b'x', &[("path", b"x\0y.json")]).x())
        }),
        case("an empty name", || {
            around(&Blocks::default().pax(b'x', &[("path", b"")]).x())
        }),
        case("a name that no `--include` matches", || named(b"README.txt")),
    ]
}

/// A document of this name.
fn named(name: &[u8]) -> Vec<u8> {
    around(&Blocks::default().file(name, X))
}
