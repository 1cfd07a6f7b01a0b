//! `[environment.*]`: declared environments.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::collector::Collector;
use super::moves::Moves;
use super::place::{At, Place};
use super::raw::RawEnvironment;
use super::suggest;
use crate::model::{Address, DesiredEnvironment, EnvironmentAttributes, Label};

/// The declared environments, and the names of those too that could not be read.
pub(super) struct Environments {
    pub(super) desired: IndexMap<Label, DesiredEnvironment>,
    places: HashMap<Label, Place>,
    /// For suggestions, in file order.
    labels: Vec<Label>,
}

impl Environments {
    /// The declared environment of that name, or nothing after having said that there is none.
    pub(super) fn resolve(&self, name: &At<String>, who: &str, out: &mut Collector) -> Option<Label> {
        let label = Label::new(name.value.as_str()).ok().filter(|label| self.places.contains_key(label));
        if label.is_none() {
            let message = format!("{who} is in environment `{}`, which no file declares", name.value);
            self.undeclared(name.place, &name.value, message, out);
        }
        label
    }

    /// Says that an environment is not declared, and which ones are.
    pub(super) fn undeclared(&self, place: Place, name: &str, message: String, out: &mut Collector) {
        let help = suggest::help(name, "declared environments", self.labels.iter().map(Label::as_str));
        out.unresolved(place, message).label("not declared").help(help);
    }

    pub(super) fn has(&self, label: &Label) -> bool {
        self.places.contains_key(label)
    }
}

pub(super) fn environments(
    declared: Vec<(At<Label>, Option<RawEnvironment>)>,
    out: &mut Collector,
) -> Environments {
    let mut environments = Environments {
        desired: IndexMap::new(),
        places: HashMap::new(),
        labels: Vec::with_capacity(declared.len()),
    };
    let mut names: HashMap<String, (Label, Place)> = HashMap::new();
    let mut moves = Moves::default();
    for (label, raw) in declared {
        if let Some(from) = raw.as_ref().and_then(|raw| raw.moved_from.as_ref()) {
            moves.add(At { place: from.place, value: Address::Environment(from.value.clone()) });
        }
        if let Some(first) = environments.places.get(&label.value) {
            out.wrong(label.place, format!("`environment.{}` is declared twice", label.value))
                .label("the second")
                .help("take one of them out")
                .also(*first, "the first");
            continue;
        }
        environments.places.insert(label.value.clone(), label.place);
        environments.labels.push(label.value.clone());
        let Some(raw) = raw else { continue };
        let name_place = raw.name.as_ref().map_or(label.place, |name| name.place);
        let environment = environment(&label, raw, out);
        // The service makes its slugs from names, and slugs know no case.
        let folded = environment.name.to_lowercase();
        match names.get(&folded) {
            Some((first, place)) => {
                let message =
                    format!("`environment.{}` has the same name as `environment.{first}`", label.value);
                out.wrong(name_place, message)
                    .label("the second")
                    .help("an environment's name is its own, in upper and lower case alike")
                    .also(*place, "the first");
            }
            None => {
                names.insert(folded, (label.value.clone(), name_place));
            }
        }
        environments.desired.insert(label.value, environment);
    }
    let is_declared = |address: &Address| environments.places.contains_key(address.environment());
    moves.check(is_declared, out);
    environments
}

fn environment(label: &At<Label>, raw: RawEnvironment, out: &mut Collector) -> DesiredEnvironment {
    let RawEnvironment { name, description, color, delete_protected, reference, moved_from, present } = raw;
    let reference = reference.is_some_and(|at| at.value);
    if reference {
        for key in ["description", "color", "delete_protected"] {
            if let Some(place) = present.place(key) {
                out.wrong(place, format!("`{key}` is given for an environment that is a reference"))
                    .label("not managed here")
                    .help("a reference is only looked up by `name`; take this or `reference = true` out");
            }
        }
    }
    let name = name.map_or_else(|| label.value.to_string(), |at| at.value.0);
    DesiredEnvironment {
        label: label.value.clone(),
        name,
        attributes: EnvironmentAttributes {
            description: description.map(|at| at.value.0),
            color: color.map(|at| at.value),
            delete_protected: delete_protected.map(|at| at.value),
        },
        reference,
        moved_from: moved_from.map(|at| at.value),
        origin: out.origin(label.place),
    }
}
