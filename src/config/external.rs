//! `[external_key.*]`: keys that are only watched.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::collector::Collector;
use super::place::{At, Place};
use super::raw::{RawExternalKey, RawKeySource};
use crate::model::{ExternalKey, KeySource, Label};

pub(super) fn external_keys(
    declared: Vec<(At<Label>, Option<RawExternalKey>)>,
    out: &mut Collector,
) -> IndexMap<Label, ExternalKey> {
    let mut keys = IndexMap::with_capacity(declared.len());
    let mut places: HashMap<Label, Place> = HashMap::new();
    for (label, raw) in declared {
        if let Some(first) = places.get(&label.value) {
            out.wrong(label.place, format!("`external_key.{}` is declared twice", label.value))
                .label("the second")
                .help("take one of them out")
                .also(*first, "the first");
            continue;
        }
        places.insert(label.value.clone(), label.place);
        if let Some(key) = raw.and_then(|raw| external_key(&label, raw, out)) {
            keys.insert(label.value, key);
        }
    }
    keys
}

fn external_key(label: &At<Label>, raw: RawExternalKey, out: &mut Collector) -> Option<ExternalKey> {
    let RawExternalKey { kind, owner, created, expires, max_age, source, present } = raw;
    if !present.has("kind") {
        out.missing(label.place, format!("external key `{}` has no `kind`", label.value))
            .label("in this table")
            .help("write `kind = \"management\"`, `\"ingest\"`, `\"configuration\"` or `\"other\"`");
    }
    if let Some(place) = present.place("max_age").filter(|_| !present.has("created")) {
        out.missing(place, "`max_age` counts from `created`, which is missing")
            .label("from when?")
            .help("write the day it was made, such as `created = \"2026-01-31\"`");
    }
    let (created, expires) = (created.map(|at| at.value.0), expires.map(|at| (at.place, at.value.0)));
    if let (Some(created), Some((place, end))) = (created, expires)
        && end <= created
    {
        out.wrong(place, "it would stop working before it was made")
            .label("not after `created`")
            .help("look whether the two dates are in each other's place");
    }
    Some(ExternalKey {
        label: label.value.clone(),
        kind: kind?.value,
        owner: owner.map(|at| at.value.0),
        created,
        expires: expires.map(|(_, end)| end),
        max_age: max_age.map(|at| at.value),
        source: source.and_then(|at| key_source(at, out)),
        origin: out.origin(label.place),
    })
}

fn key_source(at: At<RawKeySource>, out: &mut Collector) -> Option<KeySource> {
    let RawKeySource { env, file, present } = at.value;
    let help = "write `source = { env = \"NAME\" }` or `source = { file = \"PATH\" }`";
    if let (Some(env), Some(file)) = (present.place("env"), present.place("file")) {
        out.wrong(file, "both `env` and `file` are given; expected one of them")
            .label("the second")
            .help(help)
            .also(env, "the first");
        return None;
    }
    if !present.has("env") && !present.has("file") {
        out.missing(at.place, "neither `env` nor `file` is given").label("from where?").help(help);
    }
    env.map(|at| KeySource::Env(at.value.0)).or_else(|| file.map(|at| KeySource::File(at.value.0)))
}
