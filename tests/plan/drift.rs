//! Drift: its classes, what is lived with, and what is accepted.

use keycomb::model::*;
use keycomb::plan::{DECLARED_OTHERWISE, Drift, FailOn, Finding, Severity, Step, Verb};
use proptest::prelude::*;

use super::builders::*;

fn world() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world.sync(configuration("key.production.b"), "b");
    world
}

/// (class, severity, address or id) of each finding.
fn told(findings: &[Finding]) -> Vec<(Option<DriftClass>, Severity, String)> {
    let whom = |f: &Finding| match (&f.address, &f.id) {
        (Some(address), _) => address.to_string(),
        (None, Some(id)) => id.clone(),
        (None, None) => String::new(),
    };
    findings.iter().map(|f| (f.class(), f.severity, whom(f))).collect()
}

fn stray(address: &str, age: i64) -> LiveKey {
    let mark = Provisional::new(&Lineage::new(LINEAGE).unwrap(), &self::address(address), nonce('9'));
    let key = DesiredKey { name: mark.name(), ..configuration(address) };
    LiveKey {
        disabled: true,
        created: Some(ago(age)),
        updated: Some(ago(age)),
        editor: Some("hcxus_2".into()),
        ..live_of(&key, "stray")
    }
}

#[test]
fn each_finding_has_its_class() {
    use DriftClass::{Changed, Missing, Orphan, Overdue, Unmanaged};
    type Edit = fn(&mut World);
    let cases: [(Option<DriftClass>, Severity, &str, Edit); 12] = [
        (Some(Changed), Severity::Warning, "key.production.a", |w| w.live("a").name = "x".into()),
        (Some(Changed), Severity::High, "key.production.a", |w| {
            w.live("a").permissions.insert(Permission::ManageSlos);
        }),
        (Some(Changed), Severity::High, "key.production.a", |w| w.live("a").disabled = true),
        (Some(Changed), Severity::High, "environment.production", |w| {
            w.sealed().environments[0].applied.delete_protected = Some(true);
            w.live.environments[0].delete_protected = false;
        }),
        (Some(Changed), Severity::High, "key.production.a", |w| {
            w.undeclare("key.production.a");
            (w.record("a").state, w.record("a").since) = (KeyState::Disabled, ago(DAY));
        }),
        (Some(Missing), Severity::High, "key.production.a", |w| w.delete_live("a")),
        (Some(Missing), Severity::High, "environment.production", |w| {
            w.live.environments.clear();
        }),
        (Some(Unmanaged), Severity::Note, "hcxik_other", |w| {
            let mut key = live_of(&configuration("key.production.other"), "other");
            key.name = "other".into();
            w.live.keys.push(key);
        }),
        (Some(Orphan), Severity::Note, "key.production.a", |w| {
            let stray = stray("key.production.a", 2 * HOUR);
            w.live.keys.push(stray);
        }),
        (Some(Orphan), Severity::High, "hcxik_stray", |w| {
            let mut stray = stray("key.production.a", 2 * HOUR);
            stray.disabled = false;
            w.live.keys.push(stray);
        }),
        (Some(Overdue), Severity::Warning, "key.production.a", |w| {
            w.desired("key.production.a").rotate =
                Some(Rotation { every: Period::days(10), overlap: Period::days(1), window: None });
            w.live("a").created = Some(ago(18 * DAY));
            w.record("a").created = ago(18 * DAY);
        }),
        (None, Severity::Note, "", |w| w.desired.ignore = vec![rule("key.none.*", |_| {})]),
    ];
    for (number, (class, severity, whom, edit)) in cases.into_iter().enumerate() {
        let mut world = world();
        edit(&mut world);
        let found = world.drift().findings;
        let is_it = |(c, s, w): &(Option<DriftClass>, Severity, String)| {
            (*c, *s, w.as_str()) == (class, severity, whom)
        };
        assert_eq!(told(&found).iter().filter(|one| is_it(one)).count(), 1, "{number}: {:?}", told(&found));
        // A team without its environment has lost all that is in it too.
        assert!(found.len() == 1 || class == Some(Missing), "{number}: {:?}", told(&found));
    }
}

#[test]
fn a_finding_says_who_and_when() {
    let mut world = world();
    let live = world.live("a");
    (live.name, live.editor, live.updated) = ("x".into(), Some("hcxus_1".into()), Some(ago(HOUR)));
    let found = &world.drift().findings[0];
    assert_eq!((found.editor.as_deref(), found.updated), (Some("hcxus_1"), Some(ago(HOUR))));
    let mut stray = stray("key.production.a", HOUR * 2);
    stray.disabled = false;
    world.live.keys.push(stray);
    assert_eq!(world.drift().findings[0].editor.as_deref(), Some("hcxus_2"));
}

fn rule(glob: &str, edit: fn(&mut IgnoreRule)) -> IgnoreRule {
    let mut rule = IgnoreRule {
        matches: IgnoreMatch::Address(glob.parse().unwrap()),
        class: None,
        field: None,
        reason: "known".into(),
        until: None,
        origin: origin(7),
    };
    edit(&mut rule);
    rule
}

fn named(environment: Option<&str>, name: Option<&str>) -> IgnoreMatch {
    let glob = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    IgnoreMatch::Named { environment: glob(environment), name: glob(name) }
}

/// Two changes of `a`, one of `b`, and two keys and an environment that nobody manages.
fn drifted() -> World {
    let mut world = world();
    world.live("a").name = "x".into();
    world.live("a").permissions.insert(Permission::ManageSlos);
    world.live("b").disabled = true;
    for name in ["terraform-1", "jenkins"] {
        let mut key = live_of(&configuration("key.production.other"), name);
        key.name = name.into();
        world.live.keys.push(key);
    }
    world.live.environments.push(live_environment("lab", "Lab"));
    world
}

/// Whom rules hide, of [`drifted`].
fn hidden(rules: Vec<IgnoreRule>) -> Vec<String> {
    let mut world = drifted();
    world.desired.ignore = rules;
    let drift = world.drift();
    assert_eq!(drift.summary.ignored, drift.ignored.len());
    assert_eq!(
        drift.findings.iter().filter(|f| f.kind.as_str() != "ignore").count() + drift.ignored.len(),
        5
    );
    drift
        .ignored
        .iter()
        .map(|one| match &one.finding.address {
            Some(address) => address.to_string(),
            None => one.finding.id.clone().unwrap(),
        })
        .collect()
}

#[test]
fn rules_hide_what_they_match_and_nothing_else() {
    let (a, b) = ("key.production.a", "key.production.b");
    let (jenkins, terraform, lab) = ("hcxik_jenkins", "hcxik_terraform-1", "hcxen_lab");
    type Edit = fn(&mut IgnoreRule);
    let cases: [(&str, Edit, &[&str]); 16] = [
        ("key.production.*", |_| {}, &[a, b]),
        ("key.production.?", |_| {}, &[a, b]),
        ("key.staging.*", |_| {}, &[]),
        ("environment.*", |_| {}, &[]),
        ("key.*", |r| r.class = Some(DriftClass::Changed), &[a, b]),
        ("key.*", |r| r.class = Some(DriftClass::Missing), &[]),
        ("key.*", |r| r.field = Some("enabled"), &[b]),
        // The other half of what changed is not hidden with it.
        ("key.*", |r| r.field = Some("name"), &[]),
        ("key.*", |r| r.until = Some(now()), &[]),
        ("key.*", |r| r.until = Some(ago(-1)), &[a, b]),
        ("x", |r| r.matches = IgnoreMatch::Id("hcxik_jenkins".into()), &[jenkins]),
        ("x", |r| r.matches = IgnoreMatch::Id("hcxik_a".into()), &[a]),
        ("x", |r| r.matches = named(None, Some("terraform-*")), &[terraform]),
        ("x", |r| r.matches = named(Some("Production"), Some("*")), &[jenkins, terraform]),
        // By the label, too; without a name the environment itself.
        ("x", |r| r.matches = named(Some("production"), Some("j*")), &[jenkins]),
        ("x", |r| r.matches = named(Some("L*"), None), &[lab]),
    ];
    for (glob, edit, whom) in cases {
        let rule = rule(glob, edit);
        let mut found = hidden(vec![rule.clone()]);
        found.sort();
        assert_eq!(found, whom, "{rule:?}");
    }
    let both = |field| {
        rule(
            "key.production.a",
            match field {
                "name" => |r: &mut IgnoreRule| r.field = Some("name"),
                _ => |r: &mut IgnoreRule| r.field = Some("permissions"),
            },
        )
    };
    assert_eq!(hidden(vec![both("name"), both("permissions")]), [a], "together they are about all of it");
}

#[test]
fn a_rule_that_ended_is_a_finding_and_one_that_hides_nothing_is_told() {
    let mut world = drifted();
    world.desired.ignore = vec![
        rule("key.production.a", |r| r.until = Some(ago(DAY))),
        rule("key.production.b", |r| r.until = Some(ago(-DAY))),
        rule("key.nowhere.*", |_| {}),
    ];
    let rules = |findings: &[Finding]| -> Vec<(Severity, Option<DriftClass>)> {
        let rules = findings.iter().filter(|f| f.kind.as_str() == "ignore");
        rules.map(|f| (f.severity, f.class())).collect()
    };
    let drift = world.drift();
    assert_eq!(
        rules(&drift.findings),
        [(Severity::Warning, Some(DriftClass::Overdue)), (Severity::Note, None)]
    );
    assert!(told(&drift.findings).iter().any(|(_, _, whom)| whom == "key.production.a"));
    assert_eq!(rules(&world.plan().findings), [(Severity::Warning, Some(DriftClass::Overdue))]);
}

#[test]
fn nothing_hides_a_key_without_its_entry() {
    let mut world = world();
    let mut stray = stray("key.production.a", 2 * HOUR);
    stray.disabled = false;
    world.live.keys.push(stray);
    world.desired.ignore = vec![
        rule("x", |r| r.matches = IgnoreMatch::Id("hcxik_stray".into())),
        rule("x", |r| r.matches = named(None, Some("*"))),
    ];
    assert!(world.drift().is_unsealed() && world.drift().ignored.is_empty());
}

#[test]
fn rules_hide_findings_and_never_what_a_plan_does() {
    let mut world = drifted();
    let actions = world.plan().actions;
    world.desired.ignore = vec![rule("key.*", |_| {}), rule("x", |r| r.matches = named(Some("*"), None))];
    let plan = world.plan();
    assert_eq!(plan.actions, actions);
    assert_eq!((plan.findings.len(), plan.summary.ignored), (0, 5), "{:?}", plan.findings);
}

#[test]
fn what_is_lived_with_is_refused_by_no_policy() {
    let mut world = drifted();
    world.desired.policy.unmanaged = Unmanaged::Fail;
    assert!(world.plan().is_guarded());
    world.desired.ignore = vec![rule("x", |r| r.matches = named(Some("*"), None))];
    assert!(!world.plan().is_guarded());
    world.desired.ignore = vec![rule("x", |r| r.matches = named(Some("*"), Some("jenkins")))];
    assert!(world.plan().is_guarded(), "the others are not");
}

#[test]
fn a_run_fails_on_what_it_is_told_to() {
    use DriftClass::{Changed, Missing, Orphan, Overdue, Unmanaged};
    type Edit = fn(&mut World);
    let cases: [(Edit, &[FailOn], &[FailOn]); 5] = [
        (
            |w| w.live("a").name = "x".into(),
            &[FailOn::Any, FailOn::Class(Changed)],
            &[FailOn::High, FailOn::Class(Missing)],
        ),
        (
            |w| w.delete_live("a"),
            &[FailOn::Any, FailOn::High, FailOn::Class(Missing)],
            &[FailOn::Class(Changed), FailOn::Class(Unmanaged)],
        ),
        (
            |w| w.live.environments.push(live_environment("lab", "Lab")),
            &[FailOn::Any, FailOn::Class(Unmanaged)],
            &[FailOn::High, FailOn::Class(Orphan)],
        ),
        (
            |w| w.desired.ignore = vec![rule("key.*", |r| r.until = Some(ago(1)))],
            &[FailOn::Any, FailOn::Class(Overdue)],
            &[FailOn::High],
        ),
        (|w| w.desired.ignore = vec![rule("key.*", |_| {})], &[], &[FailOn::Any, FailOn::High]),
    ];
    for (number, (edit, fails, passes)) in cases.into_iter().enumerate() {
        let mut world = world();
        edit(&mut world);
        let drift: Drift = world.drift();
        assert!(fails.iter().all(|on| drift.fails(&[*on])), "{number}");
        assert!(!passes.iter().any(|on| drift.fails(&[*on])), "{number}");
        assert_eq!(drift.fails(&[]), drift.is_drifted(), "{number}");
        assert_eq!(drift.fails(&[FailOn::High, FailOn::Class(Unmanaged)]), number == 1 || number == 2);
    }
    let mut world = drifted();
    world.desired.ignore = vec![rule("key.*", |_| {})];
    assert!(!world.drift().fails(&[]), "what is ignored fails nothing");
}

#[test]
fn what_cannot_be_accepted_says_what_to_do() {
    type Edit = fn(&mut World);
    let cases: [(&str, &str, Edit); 8] = [
        ("key.production.none", "not_managed", |_| {}),
        ("environment.none", "not_managed", |_| {}),
        ("key.production.a", "no_drift", |_| {}),
        ("environment.production", "no_drift", |_| {}),
        ("key.production.a", "missing", |w| w.delete_live("a")),
        ("environment.production", "missing", |w| w.live.environments.clear()),
        ("key.production.a", "retiring", |w| {
            w.undeclare("key.production.a");
            (w.record("a").state, w.record("a").since) = (KeyState::Disabled, ago(DAY));
        }),
        ("key.production.a", DECLARED_OTHERWISE, |w| w.live("a").name = "x".into()),
    ];
    for (whom, code, edit) in cases {
        let mut world = world();
        edit(&mut world);
        world.ask.accept = [address(whom)].into();
        let plan = world.plan();
        let blocked: Vec<_> = plan.actions.iter().filter_map(|a| a.blocked.as_ref()).collect();
        assert_eq!(blocked.len(), plan.actions.len(), "{whom}: nothing else is done");
        assert!(blocked.iter().any(|b| b.code == code && !b.help.is_empty()), "{whom}: {blocked:?}");
    }
}

/// As `drift --accept --write` does: the files first, then the record.
fn accept(world: &mut World, whom: &[Address]) {
    for at in whom {
        let live = world.clone();
        match at {
            Address::Environment(label) => {
                let id = world.sealed().environment(at).unwrap().id.clone();
                let live = live.live.environments.iter().find(|e| e.id == id).unwrap();
                let declared = &mut world.desired.environments[label].attributes;
                declared.description = declared.description.as_ref().map(|_| live.description.clone());
                declared.color = declared.color.and(live.color);
                declared.delete_protected = declared.delete_protected.map(|_| live.delete_protected);
            }
            Address::Key { .. } => {
                let id = live.sealed.as_ref().unwrap().generations(at).next().unwrap().id.clone();
                let live = live.live.keys.iter().find(|key| key.id == id).unwrap();
                let declared = &mut world.desired.keys[at];
                (declared.name, declared.enabled) = (live.name.clone(), !live.disabled);
                declared.permissions.clone_from(&live.permissions);
            }
        }
    }
    world.ask.accept = whom.iter().cloned().collect();
    for action in world.plan().actions {
        assert_eq!((action.verb, &action.blocked), (Verb::Adopt, &None), "{}", action.address);
        let Step::Record(records) = action.step else { panic!("something is sent: {:?}", action.step) };
        records.into_iter().for_each(|record| world.sealed().take(record));
    }
    world.ask.accept.clear();
}

#[test]
fn what_waits_in_the_files_waits_on_when_something_else_is_accepted() {
    let mut world = world();
    world.desired("key.production.a").owner = Some("team".into());
    world.live("a").name = "x".into();
    world.desired("key.production.a").name = "x".into();
    world.ask.accept = [address("key.production.a")].into();
    let action = world.only();
    assert_eq!((action.verb, action.blocked.is_none()), (Verb::Adopt, true));
    let Step::Record(records) = action.step else { panic!("{:?}", action.step) };
    records.into_iter().for_each(|record| world.sealed().take(record));
    world.ask.accept.clear();
    assert!(world.drift().findings.is_empty());
    assert_eq!(world.told(), ["update key.production.a"]);
}

#[derive(Debug, Clone)]
enum Edit {
    Name(usize, String),
    Permissions(usize, Vec<usize>),
    Disabled(usize, bool),
    Environment(String, usize, bool),
}

fn edit() -> impl Strategy<Value = Edit> {
    let name = "[a-z{}éΩ ]{1,8}x";
    prop_oneof![
        (0..4_usize, name).prop_map(|(at, name)| Edit::Name(at, name)),
        (0..4_usize, prop::collection::vec(0..Permission::ALL.len(), 0..5))
            .prop_map(|(at, granted)| Edit::Permissions(at, granted)),
        (0..4_usize, any::<bool>()).prop_map(|(at, disabled)| Edit::Disabled(at, disabled)),
        (name, 0..Color::ALL.len(), any::<bool>())
            .prop_map(|(text, color, protected)| Edit::Environment(text, color, protected)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever changed in Honeycomb: accepted, neither drift nor plan has anything to say.
    #[test]
    fn after_drift_is_accepted_plan_and_drift_are_empty(edits in prop::collection::vec(edit(), 1..8), managed in any::<bool>()) {
        let mut world = World::production();
        for name in ["k0", "k1", "k2", "k3"] {
            world.sync(configuration(&format!("key.production.{name}")), name);
        }
        if managed {
            let all = EnvironmentAttributes {
                description: Some(String::new()), color: Some(Color::Blue), delete_protected: Some(true) };
            world.desired.environments[0].attributes = all.clone();
            world.sealed().environments[0].applied = all;
        }
        for edit in &edits {
            match edit {
                Edit::Name(at, name) => world.live(&format!("k{at}")).name.clone_from(name),
                Edit::Permissions(at, granted) => {
                    world.live(&format!("k{at}")).permissions = granted.iter().map(|i| Permission::ALL[*i]).collect();
                }
                Edit::Disabled(at, disabled) => world.live(&format!("k{at}")).disabled = *disabled,
                Edit::Environment(text, color, protected) => {
                    let live = &mut world.live.environments[0];
                    (live.description, live.color) = (text.clone(), Some(Color::ALL[*color]));
                    live.delete_protected = *protected;
                }
            }
        }
        let drifted: Vec<Address> = world.drift().findings.iter().filter_map(|f| f.address.clone()).collect();
        accept(&mut world, &drifted);
        prop_assert_eq!(world.drift().findings, vec![]);
        prop_assert_eq!(world.told(), Vec::<String>::new());
    }
}
