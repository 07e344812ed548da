#![expect(missing_docs, clippy::print_stdout, reason = "scratch")]
fn main() {
    let f = std::env::args().nth(1).unwrap();
    let t = std::fs::read_to_string(&f).unwrap();
    match tarquet_feature_map::parse(&f, &t) {
        Ok(p) => println!("{}\n{} trie nodes", p.to_yaml(), p.trie.nodes.len()),
        Err(e) => println!("{e}"),
    }
}
