//! JSON of every kind, under every map.

/// How many maps there are; the number after these takes one out of the seed.
const MAPS: u8 = 6;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, document) in DOCUMENTS.iter().enumerate() {
        let (map, spaces) = (number as u8 % MAPS, (number * 11) as u8);
        seeds.push([&[map, spaces], document.as_bytes()].concat());
    }
    let own = "{id: file, features: {f: {for: {r: '$[*]'}, columns: {a: r.a, b: {path: 'r.b[*]', take: max}}}}}\0";
    for document in &DOCUMENTS[..4] {
        seeds.push([&[MAPS, 0], own.as_bytes(), document.as_bytes()].concat());
    }
    seeds
}

const DOCUMENTS: [&str; 26] = [
    r#"{"a":{"option_id":12,"b":[1,2,{"c":3}]},"bc":[true,false,null],"":"x"}"#,
    r#"{"a":"2024-02-29T12:30:00.123456Z","b":["1","-2.5e3",true,null,[]]}"#,
    r#"[{"a":1.5,"b":[{"c":1},{"c":2},{"c":"1"}]},{"a":null,"b":{"x":{"c":3}}},[]]"#,
    r#"{"a":[3,1,2,null,{"b":1.0}],"b":[0.1,0.2,1e400],"c":["x","é",""]}"#,
    r#"{"a":7,"c":[{"b":"k","x":[1]},{"b":"l","x":{"y":2}}]}"#,
    r#"{"a":{"b":true},"b":9223372036854775808,"c":[1,2.0,"3"]}"#,
    r#"{"a":1,"a":2,"\u0061":3,"b\\":"\ud83d\ude00\u0000\"\/\b\f\n\r\t"}"#,
    r#"{"a":1719830096,"b":"12"}"#,
    r#"{"a":-0.0,"b":-0,"c":[1E+2,0.000001,123456789012345678901234567890]}"#,
    r#""only a string""#,
    "-12.5e-3",
    "null",
    "[]",
    "{}",
    "\u{feff}{\"a\":[[[[[[[[[[1]]]]]]]]]]}",
    r#"{"a":"\ud800"}"#,
    r#"{"a":01}"#,
    r#"{"a":1,}"#,
    r#"{"a" 1}"#,
    r#"{"a":"tab	"}"#,
    r#"{"a":tru}"#,
    r#"{"a":[1,2}"#,
    r#"{"a":1}{"b":2}"#,
    r#"{"a":"unfinished"#,
    "",
    " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } }\n",
];
