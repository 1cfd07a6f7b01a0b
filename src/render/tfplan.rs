//! The plan as `terraform show -json` has it, for policies (OPA, conftest) and plan viewers.
//!
//! The form: format version 1.2 (developer.hashicorp.com, "JSON Output Format"). What a policy must know:
//! - A key is `honeycombio_api_key.NAME["ENVIRONMENT"]`, an environment `honeycombio_environment.NAME`.
//! - `replace` and `rotate` are `["create"]`: the successor is made, and nothing is deleted by that. The key before it goes later,
//!   in plans of their own: first `["update"]` (disabled), then `["delete"]`; it is `deposed` there, by its id.
//! - What is blocked is `["no-op"]`, and so is what only the record learns; `importing`, `previous_address` and `["forget"]` say
//!   what adoptions, moves and farewells are.
//! - A secret is never here: it is unknown and sensitive. `keycomb` beside each change says what Terraform has no words for.

mod attributes;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::emit::Subject;
use super::json;
use crate::model::{Address, Record};
use crate::plan::{Action, Drift, Finding, FindingKind, Plan, ReasonCode, SecretEffect, Step, Undo, Verb};
use attributes::Sides;

/// The provider's resources have these names, and its attributes the names used here.
const PROVIDER: &str = "registry.terraform.io/honeycombio/honeycombio";
const KEY: &str = "honeycombio_api_key";
const ENVIRONMENT: &str = "honeycombio_environment";
/// The Terraform whose form this is: some readers look for it.
const TERRAFORM: &str = "1.9.0";

/// The document; of a drift it has only `resource_drift`. `None` of an apply.
pub(super) fn document(subject: &Subject<'_>, drift: Option<&Drift>) -> Option<String> {
    let plan = match subject {
        Subject::Plan(plan) => Some(*plan),
        Subject::Drift(_) => None,
        Subject::Apply(..) => return None,
    };
    let found = drift.map_or_else(|| subject.findings(), |drift| drift.findings.as_slice());
    let blocked = plan.map_or(0, |plan| plan.summary.blocked);
    let view = PlanView {
        format_version: "1.2",
        terraform_version: TERRAFORM,
        variables: Map::new(),
        planned_values: RootView::default(),
        resource_drift: found.iter().filter_map(ChangeView::of_finding).collect(),
        resource_changes: plan.map(changes).unwrap_or_default(),
        output_changes: Map::new(),
        configuration: RootView::default(),
        timestamp: format!("{:.0}", subject.header().read),
        applyable: plan.is_some_and(|plan| plan.summary.changes > 0 && plan.header.may_be_applied()),
        complete: blocked == 0 && subject.header().terms.select.is_all(),
        errored: false,
    };
    Some(json::document(&view))
}

fn changes(plan: &Plan) -> Vec<ChangeView<'_>> {
    let mut latest: BTreeMap<&Address, u32> = BTreeMap::new();
    for action in &plan.actions {
        let generation = latest.entry(&action.address).or_default();
        *generation = (*generation).max(action.generation.unwrap_or_default());
    }
    let is_current = |action: &Action| {
        let passed = matches!(action.reason.code, ReasonCode::Superseded | ReasonCode::Unfinished);
        let is_latest = latest.get(&action.address) == Some(&action.generation.unwrap_or_default());
        let is_replaced = action.reason.code == ReasonCode::Revoked
            && !matches!(action.step, Step::MintKey(_))
            && plan
                .actions
                .iter()
                .any(|other| other.address == action.address && matches!(other.step, Step::MintKey(_)));
        is_latest && !passed && !is_replaced
    };
    let mut changes: Vec<ChangeView<'_>> = Vec::new();
    let mut places: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
    for action in &plan.actions {
        let change = ChangeView::of_action(action, is_current(action));
        let object = (change.address.clone(), change.deposed.clone());
        let place = *places.entry(object).or_insert(changes.len());
        match changes.get_mut(place) {
            // What was moved or adopted first, and is changed then, is one change to Terraform.
            Some(known) => known.then(change),
            None => changes.push(change),
        }
    }
    changes
}

#[derive(Serialize)]
struct PlanView<'a> {
    format_version: &'static str,
    terraform_version: &'static str,
    variables: Map<String, Value>,
    planned_values: RootView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_drift: Vec<ChangeView<'a>>,
    resource_changes: Vec<ChangeView<'a>>,
    output_changes: Map<String, Value>,
    configuration: RootView,
    timestamp: String,
    applyable: bool,
    complete: bool,
    errored: bool,
}

/// No more than the documented parts: what keycomb plans is all in the changes.
#[derive(Default, Serialize)]
struct RootView {
    root_module: Map<String, Value>,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_address: Option<String>,
    mode: &'static str,
    #[serde(rename = "type")]
    resource_type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'a str>,
    provider_name: &'static str,
    /// An earlier generation, by its id: the address is that of the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    change: SidesView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_reason: Option<&'static str>,
    /// What Terraform has no words for.
    #[serde(skip_serializing_if = "Option::is_none")]
    keycomb: Option<ExtraView<'a>>,
}

#[derive(Serialize)]
struct SidesView<'a> {
    actions: [&'static str; 1],
    before: Value,
    after: Value,
    after_unknown: Value,
    before_sensitive: Value,
    after_sensitive: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    importing: Option<ImportingView<'a>>,
}

#[derive(Serialize)]
struct ImportingView<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct ExtraView<'a> {
    address: String,
    verb: &'static str,
    reason: &'static str,
    generation: Option<u32>,
    secret: &'static str,
    /// Who can open the secret that is issued, by name.
    recipients: Vec<&'a str>,
    reversible: bool,
    blocked: Option<BlockedView<'a>>,
}

#[derive(Serialize)]
struct BlockedView<'a> {
    verb: &'static str,
    code: &'static str,
    guard: bool,
    text: &'a str,
}

impl<'a> ChangeView<'a> {
    fn of_action(action: &'a Action, is_current: bool) -> Self {
        let sides = Sides::of_action(action);
        let is_gone = action.reason.code == ReasonCode::Undeclared && action.verb == Verb::Delete;
        let importing = action.id.as_deref().filter(|_| action.verb == Verb::Adopt);
        let deposed = (!is_current).then(|| {
            action.id.clone().unwrap_or_else(|| format!("{:08x}", action.generation.unwrap_or_default()))
        });
        Self {
            previous_address: previous(action).map(resource_address),
            deposed,
            change: SidesView {
                importing: importing.map(|id| ImportingView { id }),
                ..SidesView::of(sides, action.address.is_key())
            },
            action_reason: is_gone.then_some("delete_because_no_resource_config"),
            keycomb: Some(ExtraView::of(action)),
            ..Self::at(&action.address)
        }
    }

    /// What is done to the same object after this.
    fn then(&mut self, next: Self) {
        let previous = self.previous_address.take();
        let importing = self.change.importing.take();
        *self = next;
        self.previous_address = self.previous_address.take().or(previous);
        self.change.importing = self.change.importing.take().or(importing);
    }

    /// What changed behind keycomb's back, at an address.
    fn of_finding(finding: &'a Finding) -> Option<Self> {
        let address = finding.address.as_ref()?;
        let is_drift = matches!(finding.kind, FindingKind::Drift | FindingKind::Missing);
        let sides = Sides::of_finding(finding);
        is_drift.then(|| Self { change: SidesView::of(sides, address.is_key()), ..Self::at(address) })
    }

    fn at(address: &'a Address) -> Self {
        let (resource_type, name, index) = match address {
            Address::Environment(label) => (ENVIRONMENT, label.as_str(), None),
            Address::Key { environment, key } => (KEY, key.as_str(), Some(environment.as_str())),
        };
        Self {
            address: resource_address(address),
            previous_address: None,
            mode: "managed",
            resource_type,
            name,
            index,
            provider_name: PROVIDER,
            deposed: None,
            change: SidesView::of(Sides::default(), address.is_key()),
            action_reason: None,
            keycomb: None,
        }
    }
}

impl SidesView<'_> {
    fn of(sides: Sides, is_key: bool) -> Self {
        let Sides { action, before, after, unknown } = sides;
        let sensitive = |side: &Option<Map<String, Value>>| match side {
            None => Value::Bool(false),
            Some(_) if is_key => serde_json::json!({ "key": true, "secret": true }),
            Some(_) => Value::Object(Map::new()),
        };
        let value = |side: Option<Map<String, Value>>| side.map_or(Value::Null, Value::Object);
        Self {
            actions: [action],
            before_sensitive: sensitive(&before),
            after_sensitive: sensitive(&after),
            before: value(before),
            after: value(after),
            after_unknown: Value::Object(unknown),
            importing: None,
        }
    }
}

impl<'a> ExtraView<'a> {
    fn of(action: &'a Action) -> Self {
        let (secret, recipients) = match &action.secret {
            SecretEffect::None => ("none", [].as_slice()),
            SecretEffect::Issued { recipients } => ("issued", recipients.as_slice()),
            SecretEffect::StartsWorking => ("starts_working", [].as_slice()),
            SecretEffect::StopsWorking => ("stops_working", [].as_slice()),
            SecretEffect::Destroyed => ("destroyed", [].as_slice()),
        };
        let recipients = recipients.iter().map(|recipient| recipient.name.as_str()).collect();
        Self {
            address: action.address.to_string(),
            verb: action.verb.as_str(),
            reason: action.reason.code.as_str(),
            generation: action.generation,
            secret,
            recipients,
            reversible: action.undo == Undo::Reversible,
            blocked: action.blocked.as_ref().map(|blocked| BlockedView {
                verb: blocked.verb.as_str(),
                code: blocked.code,
                guard: blocked.guard,
                text: &blocked.text,
            }),
        }
    }
}

/// Where what is moved was recorded before.
fn previous(action: &Action) -> Option<&Address> {
    let Step::Record(records) = &action.step else { return None };
    records.iter().find_map(|record| match record {
        Record::Moved { from, .. } => Some(from),
        _ => None,
    })
}

fn resource_address(address: &Address) -> String {
    match address {
        Address::Environment(label) => format!("{ENVIRONMENT}.{label}"),
        Address::Key { environment, key } => format!("{KEY}.{key}[\"{environment}\"]"),
    }
}
