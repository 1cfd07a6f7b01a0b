//! The words that stand in a plan for machines: a closed list, so that a plan reads back as it was.

use serde::{Deserialize, Deserializer, de};

/// One of keycomb's own words.
pub type Word = &'static str;

/// Every attribute that a [`super::Change`] can be of.
const FIELDS: &[Word] = &[
    "color",
    "delete_protected",
    "description",
    "enabled",
    "environment",
    "name",
    "owner",
    "permissions",
    "protected",
    "quarantine",
    "secret",
    "type",
];

/// Every code that a [`super::Blocked`] can have.
const CODES: &[Word] = &[
    "all_missing",
    "altered",
    "ambiguous",
    "busy",
    "cannot_move",
    "changed_since",
    "classic",
    "declared",
    "disabled",
    "environment_differs",
    "environment_not_empty",
    "environment_protected",
    "environment_unavailable",
    "exists",
    "forgotten",
    "gone",
    "guard_delete",
    "guard_disable",
    "guard_replace",
    "immutable_name",
    "inhabited",
    "last_ingest",
    "late",
    "managed",
    "missing",
    "moved",
    "name_differs",
    "not_declared",
    "not_live",
    "not_managed",
    "not_renamed",
    "not_there",
    "not_undoable",
    "occupied",
    "own_key",
    "protected",
    "provisional",
    "quarantine",
    "reference",
    "reference_missing",
    "retiring",
    "revoked",
    "rotating",
    "sealed",
    "too_young",
    "type_differs",
    "unfinished",
    "unmanaged",
    "unproven",
    "unsealed",
    "unselected",
    "unwritable",
];

pub(super) fn field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    one_of(FIELDS, deserializer)
}

pub(super) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    one_of(CODES, deserializer)
}

fn one_of<'de, D: Deserializer<'de>>(words: &[Word], deserializer: D) -> Result<Word, D::Error> {
    let text = String::deserialize(deserializer)?;
    words
        .iter()
        .copied()
        .find(|word| *word == text)
        .ok_or_else(|| de::Error::custom("a word that this keycomb does not know"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The first text after each call of a function in the planner's files.
    fn used(calls: &[&str]) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan");
        let mut found = vec![];
        for entry in fs::read_dir(folder).unwrap() {
            let code = fs::read_to_string(entry.unwrap().path()).unwrap();
            let code = code.split("\n#[cfg(test)]\nmod ").next().unwrap();
            for call in calls {
                for (at, _) in code.match_indices(call) {
                    let rest = code.split_at(at + call.len()).1.trim_start();
                    found.extend(
                        rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).map(str::to_owned),
                    );
                }
            }
        }
        found
    }

    #[test]
    fn every_word_that_the_planner_uses_reads_back() {
        let codes = used(&["Refusal::new(", "Refusal::guard("]);
        let fields = used(&["Change::set(", "Change::from_to("]);
        assert!(codes.len() > 40 && fields.len() > 10, "the sources are not where this test looks");
        for (words, used) in [(CODES, codes), (FIELDS, fields)] {
            let missing: Vec<_> = used.iter().filter(|word| !words.contains(&word.as_str())).collect();
            assert!(missing.is_empty(), "add them to src/plan/words.rs: {missing:?}");
        }
    }
}
