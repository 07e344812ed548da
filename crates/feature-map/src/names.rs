//! Member names, each stored once.

use std::collections::HashMap;

use crate::plan::NameId;

/// Gives each member name its [`NameId`], in the order in which they are first met.
#[derive(Debug, Default)]
pub(crate) struct Names {
    ids: HashMap<String, NameId>,
    list: Vec<String>,
}

impl Names {
    /// The id of `name`, which is unescaped.
    pub(crate) fn intern(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = NameId(u32::try_from(self.list.len()).expect("a map of less than 4 GiB has fewer names"));
        self.ids.insert(name.to_owned(), id);
        self.list.push(name.to_owned());
        id
    }

    /// The names, by their ids.
    pub(crate) fn into_list(self) -> Vec<String> {
        self.list
    }
}
