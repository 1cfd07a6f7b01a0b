//! Keys of ours that the sealed file has no entry of: it was rolled back, or a merge dropped them.
//!
//! Each works, or may be made to, with a secret that this file does not hold. Nothing is minted in its place.

use super::draft::Refusal;
use super::index::Index;
use super::value::{Finding, FindingKind, Severity};
use crate::model::{LiveKey, brief};

/// All of them: what an older version of the file knew, and what bears our mark and was enabled.
pub(super) fn unsealed(index: &Index<'_>) -> Vec<Finding> {
    let keys = index.input.live.keys.iter();
    keys.filter(|key| index.is_unsealed(key)).map(|key| finding(index, key)).collect()
}

fn finding(index: &Index<'_>, key: &LiveKey) -> Finding {
    let environment =
        index.environment(&key.environment).map_or(key.environment.as_str(), |e| e.name.as_str());
    let text = format!(
        "the {} {} key `{}` in `{}` is keycomb's own, and the sealed file has no entry of it{}",
        if key.disabled { "disabled" } else { "enabled" },
        key.key_type,
        brief(&key.name),
        brief(environment),
        match index.commit_of(key) {
            Some(commit) =>
                format!(": the file was rolled back, or a merge dropped it; commit {commit} has it"),
            None => "; somebody has enabled it under its provisional name".to_owned(),
        }
    );
    let finding = Finding::new(FindingKind::Unsealed, Severity::High, text).about(&key.id).by(key);
    finding.help(match index.commit_of(key) {
        Some(commit) => take_back(index, commit),
        None => "If another copy of the sealed file has its entry, bring that here with `keycomb secrets merge`. If \
                 not, nobody holds its secret: find out who enabled it, and delete it in Honeycomb."
            .to_owned(),
    })
}

/// Why a declared key is not made: one that looks like it lost its entry.
pub(super) fn refusal(index: &Index<'_>, key: &LiveKey, commit: &str) -> Refusal {
    let text = format!(
        "the key `{}` of this environment, type and name is keycomb's own and lost its entry in the sealed file; \
         commit {commit} has it",
        key.id
    );
    Refusal::new("unsealed", text, take_back(index, commit))
}

pub(super) fn take_back(index: &Index<'_>, commit: &str) -> String {
    let file = &index.input.desired.seal.file;
    format!(
        "If it is on a branch that is not merged here, merge that, with its declaration. If not, take it back, in the \
         folder of the configuration: `git show {commit}:./{file} > old.toml`, then `keycomb secrets merge old.toml \
         {file} old.toml`; what has no declaration is disabled by the next apply."
    )
}
