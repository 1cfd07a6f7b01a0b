//! A plan in a file: its one text, and what it is refused for.

use keycomb::model::*;
use keycomb::plan::{Action, MintKey, Plan, ReasonCode, SecretEffect, Step, Summary, Undo, Verb, expected};
use keycomb::saved::{
    ConfigFile, FORMAT, Files, Now, Refused, Saved, SealedFile, Unreadable, parse, refuse, refuse_files,
    uncovered, write,
};
use proptest::prelude::*;

use super::builders::*;
use super::properties;

fn digest(of: &str) -> PlanDigest {
    digest_of(of)
}

fn file(name: &str) -> ConfigFile {
    ConfigFile { name: name.into(), sha256: digest(name) }
}

pub fn saved_of(world: &World) -> Saved {
    let plan = world.plan();
    let recipients = world.desired.seal.recipients.iter().map(|(name, r)| r.named(name)).collect();
    Saved {
        format: FORMAT.into(),
        keycomb: "0.1.0".into(),
        team: world.desired.team.clone(),
        endpoint: world.desired.endpoint.clone(),
        intent: plan.intent(),
        may_be_applied: true,
        made: world.live.now,
        valid_until: Period::days(1).after(world.live.now),
        files: vec![file("keycomb.toml"), file("keys/one.toml")],
        sealed: sealed_of(world),
        recipients,
        scopes: vec!["api-keys:write".into()],
        objects: expected(&plan, &world.live),
        plan,
    }
}

fn sealed_of(world: &World) -> Option<SealedFile> {
    let sealed = world.sealed.as_ref()?;
    SealedFile::of(sealed, digest(&format!("{sealed:?}")))
}

/// An update, a creation, one in an environment that is to be made, a retirement; something blocked.
fn world() -> World {
    let mut world = World::production();
    world.sealed().serial = 7;
    world.sync(configuration("key.production.changed"), "changed");
    world.desired("key.production.changed").permissions.insert(Permission::RunQueries);
    world.declare(ingest("key.production.new"));
    world.desired.environments.insert(Label::new("staging").unwrap(), environment("staging", "Staging"));
    world.declare(ingest("key.staging.new"));
    world.sync(ingest("key.production.kept"), "kept");
    world.sync(ingest("key.production.gone"), "gone");
    world.undeclare("key.production.gone");
    world.sync(ingest("key.production.held"), "held");
    world.record("held").protected = true;
    world.undeclare("key.production.held");
    world
}

#[test]
fn the_text_reads_back_and_is_always_the_same() {
    let saved = saved_of(&world());
    let text = write(&saved);
    let (back, sha256) = parse(&text).unwrap();
    assert_eq!(back, saved);
    assert_eq!(write(&back), text);
    assert!(text.ends_with(&format!("\"digest\": \"{sha256}\"\n}}\n")), "{text}");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

#[test]
fn a_byte_changed_anywhere_is_refused() {
    let mut world = World::production();
    world.declare(ingest("key.production.new"));
    let text = write(&saved_of(&world));
    assert!(parse(&text).is_ok() && text.is_ascii());
    for place in 0..text.len() {
        for bit in [0, 1, 5] {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(parse(&changed).is_err(), "byte {place} bit {bit}");
        }
    }
    for cut in 0..text.len() {
        assert!(parse(text.split_at(cut).0).is_err(), "cut at {cut}");
    }
    for more in [format!("{text} "), format!("{text}\n"), format!("\n{text}"), text.replace('\n', "\r\n")] {
        assert!(parse(&more).is_err());
    }
}

/// Whoever changes a plan can make its digest too: then its parts must still belong together, and be written in its one way.
#[test]
fn a_digest_alone_makes_no_plan() {
    let text = write(&saved_of(&world()));
    let signed = |body: &str| format!("{body},\n  \"digest\": \"{}\"\n}}\n", digest(body));
    let (body, _) = text.rsplit_once(",\n  \"digest\"").unwrap();
    assert_eq!(signed(body), text);
    for (from, to, why) in [
        ("\"verb\": \"update\"", "\"verb\": \"enable\"", Unreadable::Contradictory),
        ("\"team\": \"acme\"", "\"team\": \"other\"", Unreadable::Contradictory),
        ("\"serial\": 7", "\"serial\":  7", Unreadable::Form),
        ("\"serial\": 7", "\"more\": 1, \"serial\": 7", Unreadable::Form),
        ("\"code\": \"protected\"", "\"code\": \"unheard_of\"", Unreadable::Form),
        ("saved_plan/1", "saved_plan/2", Unreadable::Newer),
        ("saved_plan/1", "saved_plan/0", Unreadable::Foreign),
        ("keycomb.saved_plan/1", "keycomb.plan/1", Unreadable::Foreign),
    ] {
        assert!(body.contains(from), "{from}");
        assert_eq!(parse(&signed(&body.replacen(from, to, 1))), Err(why), "{from} to {to}");
    }
}

#[test]
fn other_files_are_refused_each_for_its_own_reason() {
    let saved = saved_of(&world());
    let check = |edit: &dyn Fn(&mut Saved)| {
        let mut now = saved.clone();
        edit(&mut now);
        let Saved { team, endpoint, files, recipients, .. } = &now;
        refuse_files(&saved, &Files { team, endpoint, files, recipients })
    };
    assert_eq!(check(&|_| {}), Ok(()));
    let told = |edit: &dyn Fn(&mut Saved)| check(edit).unwrap_err().to_string();
    assert!(told(&|n| n.team = TeamSlug::new("other").unwrap()).contains("team `acme`"));
    assert!(
        told(&|n| n.endpoint = Endpoint::new("https://x.example").unwrap()).contains("https://x.example")
    );
    assert!(told(&|n| n.recipients[0].fingerprint = "0".repeat(16)).contains("recipients"));
    assert!(told(&|n| n.recipients.clear()).contains("`ops` was removed"));
    assert!(told(&|n| n.files[1].sha256 = digest("x")).contains("`keys/one.toml` was changed"));
    assert!(told(&|n| n.files.truncate(1)).contains("`keys/one.toml` was removed"));
    assert!(told(&|n| n.files.push(file("keys/two.toml"))).contains("`keys/two.toml` was added"));
    let shown = Saved { may_be_applied: false, ..saved.clone() };
    let Saved { team, endpoint, files, recipients, .. } = &saved;
    let now = Files { team, endpoint, files, recipients };
    assert_eq!(refuse_files(&shown, &now), Err(Refused::OnlyShown));
}

fn check(saved: &Saved, world: &World, is_begun: bool) -> Result<(), Refused> {
    let (sealed, plan) = (sealed_of(world), world.plan());
    refuse(saved, &Now { sealed: sealed.as_ref(), live: &world.live, plan: &plan, is_begun })
}

#[test]
fn another_world_is_refused_each_for_its_own_reason() {
    type Edit = fn(&mut World);
    let saved = saved_of(&world());
    let edits: [(&str, Edit); 10] = [
        ("serial 8 now", |w| w.sealed().serial = 8),
        ("lineage zzzz", |w| w.sealed().lineage = Lineage::new("z".repeat(16)).unwrap()),
        ("the sealed file is not the one", |w| w.record("kept").owner = Some("edited".into())),
        ("no sealed file now", |w| w.sealed = None),
        ("it was made at", |w| w.live.now = ago(1)),
        ("it was valid until", |w| w.live.now = ago(-DAY - 1)),
        ("`key.production.changed` is not as it was", |w| w.live("changed").name = "x".into()),
        ("is gone from the service", |w| w.delete_live("gone")),
        ("`key.production.new` is not as it was: there is a key of its name", |w| {
            w.live.keys.push(live_of(&ingest("key.production.new"), "twin"));
        }),
        // Nothing that the plan touches, and the plan is another one.
        ("the plan would be another one now: disable `key.production.kept` (only now)", |w| {
            w.undeclare("key.production.kept");
        }),
    ];
    assert_eq!(check(&saved, &world(), false), Ok(()));
    for (why, edit) in edits {
        let mut world = world();
        edit(&mut world);
        let told = check(&saved, &world, false).unwrap_err().to_string();
        assert!(told.contains(why), "{why}: {told}");
    }
    let forged = Saved { objects: saved.objects[1..].to_vec(), ..saved.clone() };
    let told = check(&forged, &world(), false).unwrap_err().to_string();
    assert!(told.contains("what it touches"), "{told}");
    let edge = |at| check(&saved, &World { live: Live { now: at, ..world().live }, ..world() }, false);
    assert_eq!((edge(saved.made), edge(saved.valid_until)), (Ok(()), Ok(())));
}

fn at<'a>(saved: &'a mut Saved, address: &str) -> &'a mut Action {
    saved.plan.actions.iter_mut().find(|action| action.address.to_string() == address).unwrap()
}

/// It does what it says that it does, or it is not carried out: with a digest made anew, too.
#[test]
fn what_is_shown_is_what_is_done() {
    type Edit = fn(&mut Saved);
    const UPDATE: &str = "key.production.changed";
    const HELD: &str = "key.production.held";
    let edits: [(&str, Edit); 12] = [
        (UPDATE, |s| at(s, UPDATE).changes.clear()),
        (UPDATE, |s| at(s, UPDATE).changes[0].after = Some("run_queries".into())),
        (UPDATE, |s| at(s, UPDATE).name = "other".into()),
        (UPDATE, |s| at(s, UPDATE).reason.code = ReasonCode::Drifted),
        (UPDATE, |s| at(s, UPDATE).reason.text = "nothing to see".into()),
        (UPDATE, |s| at(s, UPDATE).secret = SecretEffect::StartsWorking),
        ("key.production.gone", |s| at(s, "key.production.gone").secret = SecretEffect::None),
        (UPDATE, |s| at(s, UPDATE).undo = Undo::Irreversible),
        (HELD, |s| at(s, HELD).blocked.as_mut().unwrap().text = "all is well".into()),
        (HELD, |s| at(s, HELD).blocked.as_mut().unwrap().verb = Verb::Delete),
        (HELD, |s| at(s, HELD).name = "other".into()),
        ("how much is declared", |s| s.plan.header.declared = (0, 0)),
    ];
    for (number, (whose, edit)) in edits.into_iter().enumerate() {
        let mut saved = saved_of(&world());
        edit(&mut saved);
        // As somebody would write it who wants it taken.
        saved.plan.summary = Summary::of(&saved.plan.actions, &saved.plan.findings);
        let (saved, _) = parse(&write(&saved)).unwrap();
        let told = check(&saved, &world(), false).unwrap_err().to_string();
        assert!(
            told.contains("the plan would be another one now") && told.contains(whose),
            "{number}: {told}"
        );
    }
    let contradictions: [Edit; 5] = [
        |s| s.plan.summary.changes = 0,
        |s| s.plan.summary.verbs.clear(),
        |s| s.plan.header.sealed.as_mut().unwrap().1 = 9,
        |s| s.plan.header.read = ago(1),
        |s| s.may_be_applied = false,
    ];
    for (number, edit) in contradictions.into_iter().enumerate() {
        let mut saved = saved_of(&world());
        edit(&mut saved);
        assert_eq!(parse(&write(&saved)), Err(Unreadable::Contradictory), "{number}");
    }
}

/// The overlap of a successor would end at another time by then: that is no reason.
#[test]
fn time_alone_makes_no_plan_another_one() {
    let elsewhere = || {
        let mut world = world();
        world.sync_environment("old", "Old");
        world.sync(ingest("key.old.web"), "web");
        world.undeclare("key.old.web");
        world.declare(DesiredKey { origin: ingest("key.old.web").origin, ..ingest("key.production.web") });
        world
    };
    let saved = saved_of(&elsewhere());
    let mut later = elsewhere();
    later.live.now = ago(-HOUR - 61);
    assert_eq!(check(&saved, &later, false), Ok(()));
}

/// A key that it made is nothing that it may make again, and what is settled where it makes none is not its own.
#[test]
fn a_begun_plan_takes_the_place_of_nothing_that_works() {
    const NEW: &str = "key.production.new";
    let saved = plan_of(|_| {});
    let made = |w: &mut World| {
        let rotate = Some(Rotation { every: Period::days(1), overlap: Period::days(0), window: None });
        let key = DesiredKey { rotate, ..ingest(NEW) };
        w.sync(key, "new");
    };
    let again = plan_of(made);
    let minted = again.actions.iter().find(|action| action.address.to_string() == NEW).unwrap();
    assert!(matches!(minted.step, Step::MintKey(_)), "{}", told(&again));
    assert_eq!(uncovered(&saved, &again), [format!("rotate `{NEW}`")]);
    // The same words for it make it no other thing.
    let mut named = again.clone();
    named.actions.iter_mut().filter(|a| a.verb == Verb::Rotate).for_each(|a| a.verb = Verb::Create);
    assert_eq!(uncovered(&saved, &named), [format!("create `{NEW}`")]);
    // What does not work is left of the first try; under another word it is another thing.
    let MintKey { succeeds, .. } = match &minted.step {
        Step::MintKey(mint) => &**mint,
        other => panic!("{other:?}"),
    };
    assert_eq!(succeeds.len(), 1);
    let stopped = |plan: &Plan| {
        let mut plan = plan.clone();
        for action in &mut plan.actions {
            if let Step::MintKey(mint) = &mut action.step {
                mint.succeeds.iter_mut().for_each(|old| old.until = None);
            }
        }
        uncovered(&saved, &plan)
    };
    assert_eq!(stopped(&again), [format!("rotate `{NEW}`")]);
    assert!(stopped(&named).is_empty(), "{:?}", stopped(&named));
    // Left where the plan only changes a key.
    let stray = plan_of(|w| {
        let stray = provisional(&configuration("key.production.changed"), "stray", LINEAGE, '1', 2 * HOUR);
        w.live.keys.push(stray);
    });
    assert_eq!(uncovered(&saved, &stray), ["discard `key.production.changed`"], "{}", told(&stray));
}

fn plan_of(edit: impl Fn(&mut World)) -> Plan {
    let mut world = world();
    edit(&mut world);
    world.plan()
}

/// The first try went as far as each of these.
#[test]
fn what_is_left_of_a_plan_is_covered_and_nothing_more() {
    let saved = plan_of(|_| {});
    let make_environment = |w: &mut World| {
        w.live.environments.push(live_environment("staging", "Staging"));
        w.sealed().environments.push(recorded_environment("staging", "Staging"));
    };
    assert!(uncovered(&saved, &saved).is_empty());
    for (done, left) in [
        // All but the environment is done.
        (
            plan_of(|w| {
                w.live("changed").permissions = w.desired("key.production.changed").permissions.clone();
            }),
            5,
        ),
        // Its key is made in the environment that is there by now.
        (plan_of(make_environment), 4),
        (
            plan_of(|w| {
                w.live("gone").disabled = true;
                w.record("gone").state = KeyState::Disabled;
                w.record("gone").since = now();
            }),
            4,
        ),
    ] {
        assert!(uncovered(&saved, &done).is_empty(), "{:?}", uncovered(&saved, &done));
        assert_eq!(done.summary.changes, left, "{}", told(&done));
    }
    // What was begun and never finished is discarded or released, at its own addresses alone.
    let orphan = |w: &mut World, at: &str| {
        let stray = provisional(&ingest(at), "stray", LINEAGE, '1', 2 * HOUR);
        w.live.keys.push(stray);
    };
    assert!(uncovered(&saved, &plan_of(|w| orphan(w, "key.production.new"))).is_empty());
    let other = plan_of(|w| {
        w.declare(configuration("key.production.else"));
        orphan(w, "key.production.else");
    });
    assert_eq!(uncovered(&saved, &other).len(), 2, "{:?}", uncovered(&saved, &other));
    // More than it said, in every way.
    for edit in [
        (|w| {
            w.desired("key.production.changed").permissions.insert(Permission::ManageSlos);
        }) as fn(&mut World),
        |w| w.desired("key.production.new").permissions.clear(),
        |w| w.desired("key.production.new").enabled = false,
        |w| w.undeclare("key.production.kept"),
        |w| w.desired("key.production.kept").enabled = false,
        |w| w.desired("key.production.changed").name = "other".into(),
    ] {
        assert_eq!(uncovered(&saved, &plan_of(edit)).len(), 1);
    }
}

/// After it was begun its own traces are no reason, and everybody else's still are.
#[test]
fn a_plan_that_was_begun_goes_on() {
    let saved = saved_of(&world());
    let mut begun = world();
    begun.sealed().serial = 8;
    begun.live("gone").disabled = true;
    begun.live("gone").updated = Some(now());
    assert!(check(&saved, &begun, false).is_err());
    assert_eq!(check(&saved, &begun, true), Ok(()));
    begun.live("changed").name = "by hand".into();
    let told = check(&saved, &begun, true).unwrap_err().to_string();
    assert!(told.contains("`key.production.changed` is not as it was"), "{told}");
    let mut other = world();
    other.sealed().lineage = Lineage::new("z".repeat(16)).unwrap();
    assert!(matches!(check(&saved, &other, true), Err(Refused::Sealed { .. })));
    let mut late = world();
    late.live.now = ago(-2 * DAY);
    assert!(matches!(check(&saved, &late, true), Err(Refused::Expired { .. })));
}

/// Why each action is done or held, for machines; of what is held the first words too, which tell a phase from another.
fn why(plan: &Plan) -> Vec<(ReasonCode, Option<String>)> {
    let words = |text: &str| text.chars().take(12).collect();
    let of = |action: &Action| (action.reason.code, action.blocked.as_ref().map(|b| words(&b.text)));
    plan.actions.iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same deeds for the same reasons are shown alike, whatever the time.
    #[test]
    fn a_plan_that_does_the_same_later_is_not_refused(world in properties::world(), seconds in 0..DAY) {
        let saved = saved_of(&world);
        let mut later = world;
        later.live.now = later.live.now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        let now = later.plan();
        if now.intent() == saved.intent && why(&now) == why(&saved.plan) {
            prop_assert_eq!(check(&saved, &later, false), Ok(()));
        }
    }

    #[test]
    fn any_plan_reads_back(world in properties::world()) {
        let saved = saved_of(&world);
        let text = write(&saved);
        let (back, _) = parse(&text).unwrap();
        prop_assert_eq!(&back, &saved);
        prop_assert_eq!(write(&back), text);
    }
}
