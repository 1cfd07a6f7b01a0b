//! `moved_from`: what was declared under another name.

use std::collections::HashMap;

use super::collector::Collector;
use super::place::{At, Place};
use crate::model::Address;

/// The former addresses of what is declared, in file order.
#[derive(Default)]
pub(super) struct Moves(Vec<At<Address>>);

impl Moves {
    pub(super) fn add(&mut self, from: At<Address>) {
        self.0.push(from);
    }

    /// Says which of them cannot be: nothing moves away from where something still is, nor to two places.
    pub(super) fn check(self, is_declared: impl Fn(&Address) -> bool, out: &mut Collector) {
        let mut seen: HashMap<Address, Place> = HashMap::new();
        for At { place, value } in self.0 {
            if is_declared(&value) {
                out.wrong(place, format!("`{value}` is still declared"))
                    .label("not moved")
                    .help("take that declaration out, or this line: one thing cannot be at two addresses");
            } else if let Some(first) = seen.get(&value) {
                out.wrong(place, format!("two declarations say that they were `{value}`"))
                    .label("the second")
                    .help("only one of them can be it; take one of these lines out")
                    .also(*first, "the first");
            } else {
                seen.insert(value, place);
            }
        }
    }
}
