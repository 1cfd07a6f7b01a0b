//! `[seal]`: the sealed file and who can open it.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::collector::Collector;
use super::environments::Environments;
use super::field::Named;
use super::place::{At, Place};
use super::raw::RawSeal;
use super::{DEFAULT_SEAL_FILE, suggest};
use crate::model::{Label, Recipient, SealSettings};

const NO_RECIPIENTS: &str =
    "write `[seal.recipients]` and below it `ops = \"age1…\"`, the public half of what `age-keygen` makes";

/// The settings. `first_key` is there when keys, and so secrets, are declared.
pub(super) fn seal(
    raw: Option<At<RawSeal>>,
    environments: &Environments,
    first_key: Option<Place>,
    out: &mut Collector,
) -> SealSettings {
    let table = raw.as_ref().map(|at| at.place);
    let RawSeal { file, recipients, environment, min_proven, present } =
        raw.map(|at| at.value).unwrap_or_default();
    if let Some(at) = file.as_ref().filter(|at| out.has_file(&at.value.0)) {
        out.wrong(at.place, "the sealed file cannot be a file of the configuration")
            .label("is one")
            .help("name a file of its own; keycomb writes it");
    }
    let file = file.map_or_else(|| DEFAULT_SEAL_FILE.to_owned(), |at| at.value.0);
    match (&recipients, first_key) {
        (Some(none), _) if none.value.0.is_empty() => {
            out.wrong(none.place, "there are no recipients; expected at least one")
                .label("empty")
                .help(NO_RECIPIENTS);
        }
        (None, Some(key)) if !present.has("recipients") => nobody(table, key, out),
        _ => {}
    }
    let written = recipients.map(|at| at.value).unwrap_or_default();
    let names: Vec<String> = written.0.iter().map(|(label, _)| label.value.to_string()).collect();
    let recipients = distinct(written, out);
    let environments = chosen(environment.map(|at| at.value).unwrap_or_default(), &names, environments, out);
    let settings = SealSettings {
        file,
        recipients,
        environments,
        min_proven: min_proven.as_ref().map_or(0, |at| at.value.0),
    };
    if let Some(at) = min_proven {
        refuse_out_of_reach(&settings, at.place, out);
    }
    settings
}

/// More proven recipients than there are recipients can never be had.
fn refuse_out_of_reach(settings: &SealSettings, place: Place, out: &mut Collector) {
    let wanted = settings.min_proven;
    let short = |count: usize| u32::try_from(count).is_ok_and(|count| count < wanted);
    let all = (!settings.recipients.is_empty() && short(settings.recipients.len()))
        .then(|| format!("there are only {}", settings.recipients.len()));
    let of_environments =
        settings.environments.iter().filter(|(_, names)| !names.is_empty() && short(names.len()));
    let one = of_environments
        .map(|(label, names)| format!("environment `{label}` has only {}", names.len()))
        .next();
    if let Some(found) = all.or(one) {
        out.wrong(place, format!("{wanted} proven recipients are asked for, and {found}"))
            .label("no key could ever be made")
            .help("name more recipients, or ask for fewer that have proven themselves");
    }
}

/// Says that the keys' secrets would be lost.
fn nobody(table: Option<Place>, first_key: Place, out: &mut Collector) {
    let message = "keys are declared, but nobody could open their secrets: there are no recipients";
    out.missing(table.unwrap_or(first_key), message)
        .label(if table.is_some() { "in this table" } else { "the first key" })
        .help(NO_RECIPIENTS);
}

fn distinct(written: Named<Recipient>, out: &mut Collector) -> IndexMap<String, Recipient> {
    let mut recipients = IndexMap::new();
    let mut seen: HashMap<String, At<Label>> = HashMap::new();
    for (label, recipient) in written.0 {
        let Some(recipient) = recipient else { continue };
        if let Some(first) = seen.get(recipient.as_str()) {
            out.wrong(label.place, format!("`{}` is the same recipient as `{}`", label.value, first.value))
                .label("the second")
                .help("take one of them out; losing the one key loses both")
                .also(first.place, "the first");
        } else {
            seen.insert(recipient.as_str().to_owned(), label.clone());
        }
        recipients.insert(label.value.to_string(), recipient);
    }
    recipients
}

/// The recipients of single environments.
fn chosen(
    written: Named<Vec<At<String>>>,
    names: &[String],
    environments: &Environments,
    out: &mut Collector,
) -> IndexMap<Label, Vec<String>> {
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut chosen = IndexMap::new();
    for (label, listed) in written.0 {
        if !environments.has(&label.value) {
            let message =
                format!("environment `{}` is given recipients, but no file declares it", label.value);
            environments.undeclared(label.place, label.value.as_str(), message, out);
        }
        let Some(listed) = listed else { continue };
        if listed.is_empty() {
            out.wrong(label.place, format!("nobody could open the secrets of environment `{}`", label.value))
                .label("an empty list")
                .help("name at least one recipient, or leave it out: then all recipients can");
        }
        let mut seen: HashSet<String> = HashSet::new();
        for At { place, value } in listed {
            if !known.contains(value.as_str()) {
                let help = suggest::help(&value, "recipients", names.iter().map(String::as_str));
                out.wrong(place, format!("unknown recipient `{value}`"))
                    .label("not in `seal.recipients`")
                    .help(help);
            } else if !seen.insert(value.clone()) {
                out.wrong(place, format!("recipient `{value}` is listed twice"))
                    .label("again")
                    .help("take one of them out");
            }
        }
        // In the order of `seal.recipients`: the same people, the same bytes.
        let in_order = names.iter().filter(|name| seen.contains(*name)).cloned().collect();
        chosen.insert(label.value, in_order);
    }
    chosen
}
