//! Any small world: what is decided can be shown, is counted right, and touches nothing that is not keycomb's.

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use keycomb::model::{KeyState, Lineage, LiveKey, Provisional};
use keycomb::plan::{Action, FindingKind, Plan, SecretEffect, Step, Undo, Verb};
use keycomb::render::{Style, json, text};
use serde_json::Value;

use super::builders::{LINEAGE, World};
use super::oracle::assert_lines;
use super::world::world;

/// The input is a world, packed by `arbitrary`.
pub fn run(data: &[u8]) {
    let Ok(world) = world(&mut Unstructured::new(data)) else { return };
    let plan = world.plan();
    let drift = world.drift();
    assert_eq!(plan, world.plan());
    assert_eq!(plan, shuffled(&world).plan(), "the order of the lists decides");
    assert_blocked(&plan);
    assert_counted(&plan);
    assert_ours(&world, &plan);
    let style = style(data);
    assert_shown(&plan, &style);
    assert_fits(&text::drift(&drift, &style), &style);
    assert_lines(&json::drift(&drift));
}

fn shuffled(world: &World) -> World {
    let mut world = world.clone();
    world.live.keys.reverse();
    world.live.environments.reverse();
    if let Some(sealed) = &mut world.sealed {
        sealed.keys.reverse();
        sealed.environments.reverse();
        sealed.intents.reverse();
    }
    world
}

/// Blocked is not done, and only that.
fn assert_blocked(plan: &Plan) {
    for action in &plan.actions {
        let is_blocked = action.blocked.is_some();
        assert_eq!(is_blocked, action.verb == Verb::Blocked, "{action:?}");
        assert_eq!(is_blocked, action.step == Step::Nothing, "{action:?}");
    }
}

fn assert_counted(plan: &Plan) {
    let count = |is: &dyn Fn(&Action) -> bool| plan.actions.iter().filter(|action| is(action)).count();
    let taken = |is: &dyn Fn(&Action) -> bool| count(&|action| action.blocked.is_none() && is(action));
    let summary = &plan.summary;
    assert_eq!(summary.changes, taken(&|_| true));
    assert_eq!(summary.blocked, count(&|action| action.blocked.is_some()));
    assert_eq!(summary.guarded, count(&|action| action.blocked.as_ref().is_some_and(|b| b.guard)));
    assert_eq!(summary.issued, taken(&|action| matches!(action.secret, SecretEffect::Issued { .. })));
    assert_eq!(summary.stopping, taken(&|action| action.secret == SecretEffect::StopsWorking));
    assert_eq!(summary.irreversible, taken(&|action| action.undo == Undo::Irreversible));
    assert_eq!(summary.findings, plan.findings.len());
    assert_eq!(summary.drifted, plan.findings.iter().filter(|f| f.kind == FindingKind::Drift).count());
    assert_eq!(summary.verbs.iter().map(|(_, count)| count).sum::<usize>(), plan.actions.len());
}

/// What is acted on is in the record, or is a key that was minted with it and never enabled; what is deleted is disabled.
fn assert_ours(world: &World, plan: &Plan) {
    let records = world.sealed.iter().flat_map(|sealed| &sealed.keys);
    let environments = world.sealed.iter().flat_map(|sealed| &sealed.environments);
    let managed: BTreeSet<String> =
        records.map(|key| key.id.to_string()).chain(environments.map(|e| e.id.to_string())).collect();
    for action in plan.actions.iter().filter(|action| action.blocked.is_none()) {
        let Some(id) = &action.id else { continue };
        let live = world.live.keys.iter().find(|key| key.id.as_str() == id);
        let is_orphan = action.verb == Verb::Discard && live.is_some_and(is_unfinished);
        assert!(managed.contains(id) || is_orphan || action.verb == Verb::Create, "{action:?}");
        if matches!(action.verb, Verb::Delete | Verb::Discard) && action.address.is_key() {
            assert!(live.is_none_or(|key| key.disabled), "{action:?}");
        }
        if action.verb == Verb::Delete && action.address.is_key() {
            assert_past_quarantine(world, id);
        }
    }
}

fn is_unfinished(key: &LiveKey) -> bool {
    let lineage = Lineage::new(LINEAGE).unwrap();
    key.disabled && Provisional::parse(&key.name).is_some_and(|name| name.is_of(&lineage))
}

fn assert_past_quarantine(world: &World, id: &str) {
    let records = world.sealed.iter().flat_map(|sealed| &sealed.keys);
    for record in records.filter(|key| key.id.as_str() == id && key.state == KeyState::Disabled) {
        assert!(record.quarantine.after(record.since) <= world.live.now, "{record:?}");
    }
}

/// One for each input: showing takes longer than deciding.
fn style(data: &[u8]) -> Style {
    let (color, unicode, width) = match data.last().map_or(0, |byte| byte % 4) {
        0 => (true, true, 100),
        1 => (false, false, 100),
        2 => (false, true, 40),
        _ => (true, false, 7),
    };
    Style { color, unicode, width }
}

fn assert_shown(plan: &Plan, style: &Style) {
    assert_fits(&text::plan(plan, style), style);
    let document = json::plan(plan);
    assert_lines(&document);
    let read: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(read["actions"].as_array().map(Vec::len), Some(plan.actions.len()));
    assert_eq!(read["summary"]["changes"], plan.summary.changes);
    for (action, shown) in plan.actions.iter().zip(read["actions"].as_array().unwrap()) {
        assert_eq!(shown["name"], *action.name, "a machine reads the name as it is");
    }
}

/// Lines of plain characters but for our colours, none wider than it may be.
fn assert_fits(shown: &str, style: &Style) {
    let bare = if style.color { without_colours(shown) } else { shown.to_owned() };
    assert_lines(&bare);
    assert!(bare.ends_with('\n') && (style.unicode || bare.is_ascii()), "{bare}");
    if !style.unicode {
        // Every character has one column.
        assert!(bare.lines().all(|line| line.len() <= style.width.max(40)), "{bare}");
    }
}

/// Takes `ESC [` digits and semicolons `m` out.
fn without_colours(shown: &str) -> String {
    let mut parts = shown.split("\u{1b}[");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("an escape sequence that is no colour");
        assert!(code.chars().all(|c| c.is_ascii_digit() || c == ';'), "no colour: {code:?}");
        bare.push_str(rest);
    }
    bare
}
