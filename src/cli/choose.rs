//! `--only`, `--skip` and `--env`: a part of a plan, and no mistyped one.

use std::collections::BTreeSet;

use super::args::Choose;
use super::exit::Exit;
use super::failure::Failure;
use crate::config;
use crate::model::Address;
use crate::plan::{Input, Select, addresses};

/// What was chosen.
///
/// # Errors
/// A glob or a label that nothing declared or recorded matches (64): it was meant otherwise.
pub(super) fn choose(args: &Choose, input: &Input<'_>) -> Result<Select, Failure> {
    let Choose { only, skip, env } = args;
    let select = Select {
        only: only.iter().cloned().collect(),
        skip: skip.iter().cloned().collect(),
        environments: env.iter().cloned().collect(),
    };
    let known = addresses(input.desired, input.sealed);
    let unmatched = select.unmatched(&known);
    let Some(first) = unmatched.first() else { return Ok(select) };
    let all: Vec<String> = unmatched.iter().map(|text| format!("`{text}`")).collect();
    Err(Failure::words(
        Exit::Usage,
        format!("nothing that is declared or recorded is meant by {}", all.join(", ")),
        near(first, &known),
    ))
}

fn near(wanted: &str, known: &BTreeSet<Address>) -> String {
    let texts: BTreeSet<String> =
        known.iter().flat_map(|address| [address.to_string(), address.environment().to_string()]).collect();
    if let Some(close) = config::closest(wanted, texts.iter().map(String::as_str)) {
        return format!("did you mean `{close}`?");
    }
    // What begins the same is near a glob.
    let stem = |text: &str| text.split(['*', '?']).next().unwrap_or_default().to_owned();
    let begins: Vec<String> = known.iter().map(ToString::to_string).collect();
    let mut length = stem(wanted).len();
    while length > 0 {
        let head = wanted.get(..length).unwrap_or_default();
        let same: Vec<&String> = begins.iter().filter(|text| text.starts_with(head)).take(5).collect();
        if !same.is_empty() {
            let same: Vec<String> = same.into_iter().map(|text| format!("`{text}`")).collect();
            return format!("near it: {}; `keycomb status` shows all addresses", same.join(", "));
        }
        length -= 1;
    }
    "`keycomb status` shows all addresses".to_owned()
}
