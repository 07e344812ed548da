//! Feature maps of every form, and broken ones.

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    MAPS.iter().map(|map| map.as_bytes().to_vec()).collect()
}

const MAPS: [&str; 14] = [
    "version: 1\nid: ranker_id\nfeatures:\n  search_route: $.routeData.searchRoute\n  company: {path: $.personalData.companyID, type: int64}\n",
    "version: 1\nid: doc\nfeatures:\n  t:\n    for:\n      option: $.data['$values'][*]\n      pricing: option.pricings[*]\n    where: '@.code == \"RUB\"'\n    keep_empty: true\n    columns:\n      at: {index: option}\n      id: option.id\n      price: {path: pricing.total, type: float64}\n      labels: 'pricing.labels[*]'\n      fee: {path: 'pricing.rules[?@.category == 31].amount', take: first}\n      carrier: {path: [option.a, option.b]}\n",
    "version: 1\nid: doc\nfeatures:\n  operations:\n    for: {operation: $.operations.*}\n    columns: {name: {key: operation}, method: operation.http.method}\n",
    "version: 1\nid: [{column: file, pattern: '([^/]+)\\.json$'}, {column: event, path: item.id, type: int64}]\nprovenance: true\nfor: {item: \"$.items['a b'][*]\"}\nfeatures:\n  plain: $.a.b\n  typed: {path: $.t, type: timestamp, unit: ms, cast: true, mismatch: ignore}\n",
    "{id: doc, features: {a: {columns: {j: {path: '$.x[*]', take: join, sep: ', '}, s: {path: '$.x[*]', take: sum}, l: {path: '$.x[1:-1:2]', type: 'list<date>'}}}}}\n",
    "id: doc\nfeatures:\n  a:\n    for: {inner: ['$.x[:]', \"$['it\\\\'s']\"]}\n    where: '@.n == \"é\" && !(@.k > 1.5) || $.z'\n    columns:\n      folded: >-\n        inner.a\n        .b\n      \"quoted\": \"inner[\\\"q\\\"]\"\n",
    "id: doc\nfeatures:\n  a: {columns: &all {x: $.x, y: $.y}}\n  b: {columns: *all}\n",
    "features:\n  - name: search_route\n    path: routeData/searchRoute\n    dtype: str\n  - {name: all, path: data/*/price, dtype: float}\n",
    "features: [{name: a, path: a/0/b, dtype: int}, {name: a, path: b, dtype: bool}]\n",
    "version: 2\nid: doc\nfeatures: {}\n",
    "version: 1\nid: doc\nfeatures:\n  a: $..b\n  a: [$.a\n",
    "version: 1\nid: doc\nfeatures:\n  a: {path: $.a, typ: int64, type: int32}\n  feature: $.x[?length(@) > 1]\n",
    "id: doc\nfeatures:\n  a: {for: {o: $.o, p: $.p}, columns: {x: q.a, y: {index: o, key: p}}}\n",
    "- [a: b, {c}]\n\t: *d\n",
];
