//! The older form of a map: a list of features, each with a name, a slash path and a dtype.

use std::ops::Range;

use crate::id::PlacedId;
use crate::map::Head;
use crate::plan::{
    ColumnType, Feature, IdColumn, IdSource, Mismatch, Origin, Path, Plan, Scalar, Segment, Selector, Take, Value,
    ValuePath,
};
use crate::reader::{Entry, Fields, Reader};
use crate::table::one_column;
use crate::value::DEFAULT_SEPARATOR;
use crate::yaml::Node;

/// The id column of a map in the older form that does not name one.
const DEFAULT_ID: &str = "ranker_id";

const DTYPES: [(&str, Scalar); 4] = [
    ("str", Scalar::String),
    ("int", Scalar::Int64),
    ("float", Scalar::Float64),
    ("bool", Scalar::Bool),
];

impl Reader<'_> {
    /// The ids of a map in the older form. It has no loops, so `for` is refused.
    pub(crate) fn older_ids(&mut self, fields: &Fields<'_>) -> Option<Vec<PlacedId>> {
        if let Some(entry) = fields.get("for") {
            self.error::<()>(
                entry.key_node.span.clone(),
                "`for` has no meaning where `features` is a list",
                "write `features` as a mapping: `NAME: PATH`",
            );
        }
        match fields.get("id") {
            Some(entry) => self.ids(entry, &[]),
            None => {
                let id = IdColumn {
                    name: DEFAULT_ID.to_owned(),
                    source: IdSource::BaseName,
                };
                Some(vec![PlacedId { id, place: 0..0 }])
            }
        }
    }

    /// The features of a map in the older form.
    pub(crate) fn older_features(&mut self, features: Entry<'_>, items: &[Node], head: Head) -> Option<Plan> {
        let mut read = Vec::with_capacity(items.len());
        let mut whole = true;
        for item in items {
            match self.older_feature(item) {
                Some((entry, feature)) => {
                    whole &= feature.is_some();
                    read.push((entry, feature));
                }
                None => whole = false,
            }
        }
        if read.is_empty() && !whole {
            return None;
        }
        self.plan(features, head, read).filter(|_| whole)
    }

    /// One feature, as an entry under its name. `None` if not even the name can be read.
    fn older_feature<'n>(&mut self, item: &'n Node) -> Option<(Entry<'n>, Option<Feature>)> {
        let fields = self.fields(
            item,
            item.span.clone(),
            "a feature in the list form",
            &["name", "path", "dtype"],
        )?;
        let place = fields
            .first_of(&["name", "path", "dtype"])
            .map_or(item.span.clone(), |entry| entry.key_node.span.clone());
        let name = self.older_field(&fields, "name", "write the table's name", &place);
        let value = self.older_value(&fields, &place);
        let (entry, name) = name?;
        let entry = Entry {
            key: name,
            key_node: entry.value,
            value: item,
        };
        Some((entry, value.map(|value| one_column(name, &[], value))))
    }

    fn older_value(&mut self, fields: &Fields<'_>, place: &Range<usize>) -> Option<Value> {
        let path = self.older_field(fields, "path", "write a path like `routeData/searchRoute`", place);
        let path = path.and_then(|(entry, text)| self.slash_path(entry, text));
        let dtype = self.older_field(fields, "dtype", "the dtypes are `str`, `int`, `float`, `bool`", place);
        let scalar = dtype.and_then(|(entry, _)| self.word(entry, "the dtypes", &DTYPES));
        let (path, scalar) = (path?, scalar?);
        let take = (!path.is_singular()).then(|| Take::Join {
            separator: DEFAULT_SEPARATOR.to_owned(),
        });
        Some(Value {
            paths: vec![ValuePath {
                from: Origin::Document,
                path,
            }],
            take,
            ty: Some(ColumnType::Scalar(scalar)),
            cast: true,
            mismatch: Mismatch::Rescue,
        })
    }

    fn older_field<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        help: &str,
        place: &Range<usize>,
    ) -> Option<(Entry<'n>, &'n str)> {
        match fields.get(key) {
            Some(entry) => self.string(entry, help).map(|text| (entry, text)),
            None => self.missing(fields, place.clone(), &format!("this feature has no `{key}`"), help),
        }
    }

    /// A path of names between slashes. `*` is any element or member; digits are a name or a position.
    fn slash_path(&mut self, entry: Entry<'_>, text: &str) -> Option<Path> {
        let mut segments = Vec::new();
        let mut at = 0;
        for word in text.split('/') {
            if word.is_empty() {
                let place = self.inside(entry.value, text, at..(at + 1).min(text.len()));
                return self.error(
                    place,
                    "a name is missing in this slash path",
                    "write names with one `/` between two, as in `routeData/searchRoute`",
                );
            }
            segments.push(self.slash_segment(word));
            at += word.len() + 1;
        }
        Some(Path {
            segments,
            text: text.to_owned(),
        })
    }

    fn slash_segment(&mut self, word: &str) -> Segment {
        if word == "*" {
            return Segment {
                selectors: vec![Selector::Wildcard],
            };
        }
        let mut selectors = vec![Selector::Name(self.names.intern(word))];
        selectors.extend(position(word).map(Selector::Index));
        Segment { selectors }
    }
}

/// The position in an array that a word is, in its one usual spelling.
fn position(word: &str) -> Option<i64> {
    let usual = word.bytes().all(|b| b.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|position| usual && *position < 1 << 53)
}
