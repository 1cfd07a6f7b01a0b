//! `[key.*]`: declared keys, one for each environment they are in.

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;

use super::collector::Collector;
use super::defaults::{KeyDefaults, rotation};
use super::environments::Environments;
use super::moves::Moves;
use super::place::{At, Place};
use super::raw::RawKey;
use super::template::Template;
use super::text::check_line;
use crate::model::{Address, DesiredKey, KeyType, Label, Origin, Permission};

/// The longest name of a key at the service (OpenAPI: `ApiKeyCreateRequest`).
const LONGEST_NAME: usize = 100;

/// What the names of keys that are still being made begin with.
const PROVISIONAL_PREFIX: &str = "keycomb-pending.";

pub(super) fn keys(
    declared: Vec<(At<Label>, Option<RawKey>)>,
    environments: &Environments,
    defaults: &KeyDefaults,
    out: &mut Collector,
) -> IndexMap<Address, DesiredKey> {
    let mut keys = Keys { desired: IndexMap::with_capacity(declared.len()), ..Keys::default() };
    let mut moves = Moves::default();
    for (label, raw) in declared {
        if let Some(raw) = raw {
            keys.add(&label, raw, environments, defaults, &mut moves, out);
        }
    }
    moves.check(|address| keys.addresses.contains_key(address), out);
    keys.desired
}

/// The keys so far, and what no second one may have.
#[derive(Default)]
struct Keys {
    desired: IndexMap<Address, DesiredKey>,
    addresses: HashMap<Address, Place>,
    names: HashMap<(Label, KeyType, String), (Address, Place)>,
}

impl Keys {
    fn add(
        &mut self,
        label: &At<Label>,
        mut raw: RawKey,
        environments: &Environments,
        defaults: &KeyDefaults,
        moves: &mut Moves,
        out: &mut Collector,
    ) {
        let moved_from = raw.moved_from.take();
        let homes = homes(label, &mut raw, environments, out);
        let name_place = raw.name.as_ref().map_or(label.place, |name| name.place);
        let Some((template, key)) = key(label, raw, defaults, out) else {
            for home in homes {
                self.claim_address(
                    Address::Key { environment: home.value, key: label.value.clone() },
                    label.place,
                    out,
                );
            }
            return;
        };
        let mut is_name_fine = true;
        for home in homes {
            let address = Address::Key { environment: home.value.clone(), key: label.value.clone() };
            if !self.claim_address(address.clone(), label.place, out) {
                continue;
            }
            let name = template.fill(&label.value, &home.value);
            // A name too long in one environment is most likely so in all: said once.
            is_name_fine = is_name_fine && check_key_name(&name, name_place, out);
            self.claim_name(&address, home.value, key.key_type, &name, name_place, out);
            let moved_from = moved_from.as_ref().map(|from| At {
                place: from.place,
                value: Address::Key { environment: address.environment().clone(), key: from.value.clone() },
            });
            if let Some(from) = &moved_from {
                moves.add(from.clone());
            }
            let moved_from = moved_from.map(|from| from.value);
            self.desired.insert(address.clone(), DesiredKey { address, moved_from, name, ..key.clone() });
        }
    }

    fn claim_address(&mut self, address: Address, place: Place, out: &mut Collector) -> bool {
        if let Some(first) = self.addresses.get(&address) {
            out.wrong(place, format!("`{address}` is declared twice"))
                .label("the second")
                .help("take one of them out, or give one another name or other environments")
                .also(*first, "the first");
            return false;
        }
        self.addresses.insert(address, place);
        true
    }

    /// Keys of one name and type in one environment could not be told apart at the service.
    fn claim_name(
        &mut self,
        address: &Address,
        environment: Label,
        key_type: KeyType,
        name: &str,
        place: Place,
        out: &mut Collector,
    ) {
        let claim = (environment, key_type, name.to_owned());
        if let Some((first, first_place)) = self.names.get(&claim) {
            let message =
                format!("`{address}` and `{first}` are both {key_type} keys with the name `{name}`");
            out.wrong(place, message)
                .label("the second")
                .help("within an environment and type a name is one key's; change one of them")
                .also(*first_place, "the first");
            return;
        }
        self.names.insert(claim, (address.clone(), place));
    }
}

/// The environments that a key is in, each once.
fn homes(
    label: &At<Label>,
    raw: &mut RawKey,
    environments: &Environments,
    out: &mut Collector,
) -> Vec<At<Label>> {
    let who = format!("key `{}`", label.value);
    if let (Some(one), Some(many)) = (raw.present.place("environment"), raw.present.place("environments")) {
        out.wrong(many, format!("{who} has both `environment` and `environments`; expected one of them"))
            .label("the second")
            .help("write them all into `environments`")
            .also(one, "the first");
    } else if !raw.present.has("environment") && !raw.present.has("environments") {
        out.missing(label.place, format!("{who} has no `environment`"))
            .label("in this table")
            .help("write `environment = \"…\"`, or `environments = [\"…\", \"…\"]` for one key in each");
    }
    if let Some(many) = raw.environments.as_ref().filter(|many| many.value.is_empty()) {
        out.wrong(many.place, format!("{who} is in no environment")).label("empty").help("name at least one");
    }
    let one = raw.environment.take().into_iter();
    let mut seen = HashSet::new();
    let mut homes = vec![];
    for name in one.chain(raw.environments.take().map(|at| at.value).unwrap_or_default()) {
        let Some(value) = environments.resolve(&name, &who, out) else { continue };
        if seen.insert(value.clone()) {
            homes.push(At { place: name.place, value });
        } else {
            out.wrong(name.place, format!("environment `{value}` is listed twice"))
                .label("again")
                .help("take one of them out");
        }
    }
    homes
}

/// A key without its place in an environment, and how it is named there.
fn key(
    label: &At<Label>,
    raw: RawKey,
    defaults: &KeyDefaults,
    out: &mut Collector,
) -> Option<(Template, DesiredKey)> {
    let RawKey {
        environment: _,
        environments: _,
        r#type,
        name,
        permissions,
        enabled,
        owner,
        purpose,
        consumers,
        protected,
        rotate,
        quarantine,
        moved_from: _,
        present,
    } = raw;
    if !present.has("type") {
        out.missing(label.place, format!("key `{}` has no `type`", label.value))
            .label("in this table")
            .help("write `type = \"ingest\"` to send events, or `type = \"configuration\"` to use the API");
    }
    let key_type = r#type.map(|at| at.value);
    let permissions = granted(permissions.map(|at| at.value).unwrap_or_default(), key_type, out);
    let is_default = !present.has("rotate");
    let rotate = rotate.and_then(|at| rotation(at, out));
    let attribute_origins: IndexMap<String, Origin> =
        present.iter().map(|(key, place)| (key.to_owned(), out.origin(place))).collect();
    let key = DesiredKey {
        address: Address::Environment(label.value.clone()),
        moved_from: None,
        key_type: key_type?,
        name: String::new(),
        permissions,
        enabled: enabled.is_none_or(|at| at.value),
        owner: owner.map(|at| at.value.0).or_else(|| defaults.owner.clone()),
        purpose: purpose.map(|at| at.value.0),
        consumers: consumers
            .map(|at| at.value)
            .unwrap_or_default()
            .into_iter()
            .map(|at| at.value.0)
            .collect(),
        protected: protected.is_some_and(|at| at.value),
        rotate: if is_default { defaults.rotate.clone() } else { rotate },
        quarantine: quarantine.map_or(defaults.quarantine, |at| at.value),
        origin: out.origin(label.place),
        attribute_origins,
    };
    Some((name.map_or_else(Template::key, |at| at.value), key))
}

fn granted(
    listed: Vec<At<Permission>>,
    key_type: Option<KeyType>,
    out: &mut Collector,
) -> BTreeSet<Permission> {
    let mut granted: BTreeSet<Permission> = BTreeSet::new();
    let mut conflict: Option<At<Permission>> = None;
    for At { place, value } in listed {
        if key_type.is_some_and(|key_type| !value.fits(key_type)) {
            out.wrong(place, format!("an ingest key cannot have the permission `{value}`"))
                .label("not for ingest keys")
                .help("its only permission is `create_datasets`; `type = \"configuration\"` has the others");
        }
        if !granted.insert(value) {
            out.wrong(place, format!("permission `{value}` is listed twice"))
                .label("again")
                .help("take one of them out");
        }
        if !matches!(value, Permission::ManagePrivateBoards | Permission::VisibleTeamMembers) {
            continue;
        }
        match &conflict {
            Some(other) if other.value != value => {
                out.wrong(place, format!("a key cannot have both `{}` and `{value}`", other.value))
                    .label("the second")
                    .help("a key that members can see must not reach private boards; take one of them out")
                    .also(other.place, "the first");
            }
            _ => conflict = Some(At { place, value }),
        }
    }
    granted
}

fn check_key_name(name: &str, place: Place, out: &mut Collector) -> bool {
    if name.starts_with(PROVISIONAL_PREFIX) {
        out.wrong(place, format!("a name cannot begin with `{PROVISIONAL_PREFIX}`"))
            .label("reserved")
            .help("keycomb gives such names to keys that it is still making; choose another");
        return false;
    }
    check_line(name, LONGEST_NAME, place, out)
}
