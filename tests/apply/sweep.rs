//! Interrupts, fails and breaks a run at every single call, and holds the log against the invariants.

use std::collections::BTreeMap;
use std::time::Duration;

use keycomb::model::{
    Address, KeyId, KeyState, Lineage, LiveEnvironment, LiveKey, Permission, Provisional, Record,
};
use keycomb::plan::{Plan, Step, Verb};
use keycomb::report::{Became, Report};

use crate::plans::{
    action, address, after, create_environment, delete, environment_id, key_id, managed, mint, mint_planned,
    plan, record_environment, retire, update, was,
};
use crate::world::{Event, Fault, Keeper, World};

struct Scene {
    world: World,
    keeper: Keeper,
    plan: Plan,
    keys: BTreeMap<KeyId, LiveKey>,
    environments: Vec<LiveEnvironment>,
}

/// Everything at once: an environment and keys made, one key changed, enabled, retired, deleted; one environment deleted.
fn scene() -> Scene {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.up", "hcxlk_up", KeyState::Live, false);
    managed(&mut keeper, "key.production.on", "hcxlk_on", KeyState::Live, true);
    managed(&mut keeper, "key.production.off", "hcxlk_off", KeyState::Live, false);
    managed(&mut keeper, "key.production.del", "hcxlk_del", KeyState::Disabled, true);
    world.lock().clock = Duration::from_secs(15 * 86_400);
    {
        let mut inner = world.lock();
        inner.put_environment("hcxen_old", "Old", false);
        inner.put_environment("hcxen_theirs", "Theirs", false);
        inner.put_key("hcxlk_theirs", "hcxen_p", "theirs", false);
        let foreign = Provisional::new(
            &Lineage::new("zzzzzzzzzzzzzzzz").unwrap(),
            &address("key.production.a"),
            crate::world::nonce(77),
        );
        inner.put_key("hcxlk_foreign", "hcxen_p", &foreign.name(), true);
    }
    record_environment(&mut keeper, "old", "hcxen_old");
    let attributes =
        keycomb::model::EnvironmentAttributes { delete_protected: Some(false), ..Default::default() };
    let old = Step::DeleteEnvironment { id: environment_id("hcxen_old") };
    let grant = [Permission::RunQueries, Permission::SendEvents];
    let plan = plan(vec![
        create_environment("new", "New", attributes),
        mint("a"),
        mint_planned("b", "new"),
        was(update("key.production.up", "hcxlk_up", Some("up"), &grant, None), "permissions", "run_queries"),
        was(update("key.production.on", "hcxlk_on", None, &[], Some(true)), "enabled", "false"),
        after(retire("key.production.off", "hcxlk_off"), &["key.production.a"]),
        delete("key.production.del", "hcxlk_del"),
        action("environment.old", Verb::Delete, old),
    ]);
    let (keys, environments) = {
        let inner = world.lock();
        (inner.keys.clone(), inner.environments.values().cloned().collect())
    };
    Scene { world, keeper, plan, keys, environments }
}

impl Scene {
    async fn run(&mut self) -> Report {
        self.world.clone().apply(&self.plan, &mut self.keeper).await
    }

    fn assert_invariants(&self, report: &Report, case: &str) {
        let log = self.world.log();
        self.assert_reported(report, &log, case);
        self.assert_sealed_before_enabled(&log, case);
        self.assert_no_blind_post(&log, case);
        self.assert_deletions(&log, case);
        self.assert_theirs_untouched(&log, case);
        self.assert_one_live_each(case);
        let said = format!("{report:?} {:?} {:?}", self.keeper.sealed, self.world.records());
        for secret in &self.world.lock().secrets {
            assert!(!said.contains(secret.as_str()), "{case}: S2");
        }
    }

    fn assert_reported(&self, report: &Report, log: &[Event], case: &str) {
        let of = |list: Vec<Address>| list;
        assert_eq!(
            of(report.outcomes.iter().map(|o| o.address.clone()).collect()),
            of(self.plan.actions.iter().map(|a| a.address.clone()).collect()),
            "{case}"
        );
        assert_eq!(log.iter().filter(|e| **e == Event::Folded).count(), 1, "{case}");
        assert_eq!(log.last(), Some(&Event::Folded), "{case}");
        for outcome in &report.outcomes {
            let is_mint = matches!(outcome.address, Address::Key { .. }) && outcome.verb == Verb::Create;
            if is_mint && matches!(outcome.became, Became::Done { .. }) {
                let id = key_id(outcome.id.as_deref().unwrap());
                assert!(!self.world.lock().keys[&id].disabled, "{case}: done means live");
                assert_eq!(
                    self.keeper.sealed.key(&id).unwrap().state,
                    KeyState::Live,
                    "{case}: and recorded"
                );
            }
        }
    }

    fn assert_sealed_before_enabled(&self, log: &[Event], case: &str) {
        for (place, event) in log.iter().enumerate() {
            let Event::State { id, disabled: false, .. } = event else { continue };
            let is_sealed = |e: &Event| matches!(e, Event::Appended(Record::Minted { key, .. }) if &key.id == id && key.sealed.is_some());
            assert!(self.keys.contains_key(id) || log[..place].iter().any(is_sealed), "{case}: S1 {id}");
            assert!(self.keeper.sealed.key(id).is_some(), "{case}: {id} is enabled and not in the record");
        }
    }

    fn assert_no_blind_post(&self, log: &[Event], case: &str) {
        let mut sent: Vec<Provisional> = vec![];
        for (place, event) in log.iter().enumerate() {
            let Event::Post { name, .. } = event else { continue };
            let mark = Provisional::parse(name).unwrap();
            let intent = log[..place].iter().any(
                |e| matches!(e, Event::Appended(Record::Intent { intent }) if intent.nonce == mark.nonce),
            );
            assert!(intent, "{case}: a request without an intent");
            for earlier in sent.iter().filter(|s| s.tag == mark.tag) {
                assert_ne!(earlier.nonce, mark.nonce, "{case}: a nonce twice");
                let made = log
                    .iter()
                    .any(|e| matches!(e, Event::Post { name, made: Some(_) } if *name == earlier.name()));
                assert!(!made, "{case}: asked again for what was made");
                let over = |e: &Event| matches!(e, Event::Appended(Record::IntentOver { nonce }) if *nonce == earlier.nonce);
                assert!(log[..place].iter().any(over), "{case}: asked again blindly");
            }
            sent.push(mark);
        }
    }

    fn assert_deletions(&self, log: &[Event], case: &str) {
        for (place, event) in log.iter().enumerate() {
            let Event::Delete { id } = event else { continue };
            let was_enabled = log[..place]
                .iter()
                .any(|e| matches!(e, Event::State { id: i, disabled: false, .. } if i == id));
            assert!(!was_enabled, "{case}: S3 {id} was enabled");
            assert!(id.as_str() == "hcxlk_del" || id.as_str().contains("made"), "{case}: S3 {id}");
        }
    }

    fn assert_theirs_untouched(&self, log: &[Event], case: &str) {
        let inner = self.world.lock();
        for id in ["hcxlk_theirs", "hcxlk_foreign"] {
            assert_eq!(inner.keys.get(&key_id(id)), self.keys.get(&key_id(id)), "{case}: S8");
        }
        for theirs in self.environments.iter().filter(|e| e.id.as_str() != "hcxen_old") {
            assert_eq!(inner.environments.get(&theirs.id), Some(theirs), "{case}: S8");
        }
        for event in log {
            let (Event::Patch { id, .. } | Event::Delete { id }) = event else { continue };
            assert!(!id.as_str().ends_with("theirs") && !id.as_str().ends_with("foreign"), "{case}: S8 {id}");
        }
    }

    fn assert_one_live_each(&self, case: &str) {
        let inner = self.world.lock();
        for name in ["a", "b"] {
            let live = inner.keys.values().filter(|k| k.name == name && !k.disabled).count();
            assert!(live <= 1, "{case}: S5 {name}");
        }
        // What keycomb made and did not finish is disabled.
        for key in inner.keys.values().filter(|k| Provisional::parse(&k.name).is_some()) {
            assert!(key.disabled, "{case}: {} is enabled under a provisional name", key.id);
        }
    }
}

const FAULTS: [Fault; 13] = [
    Fault::NotSent,
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::Unreadable,
    Fault::Status(400),
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(409),
    Fault::Status(429),
    Fault::Status(500),
    Fault::StatusAfter(500),
    Fault::StatusAfter(504),
];

/// How many calls and appends an undisturbed run makes.
async fn undisturbed() -> (usize, usize) {
    let mut scene = scene();
    let report = scene.run().await;
    assert_eq!(report.counts(), (8, 0, 0, 0), "{report:?}");
    scene.assert_invariants(&report, "undisturbed");
    let calls = scene.world.lock().calls;
    assert!(calls > 20);
    (calls, scene.keeper.appends())
}

#[tokio::test]
async fn sweep_a_fault_at_every_call() {
    let (calls, _) = undisturbed().await;
    for number in 0..calls {
        for fault in FAULTS {
            let mut scene = scene();
            scene.world.lock().fault_at = Some((number, fault));
            let report = scene.run().await;
            scene.assert_invariants(&report, &format!("{fault:?} at call {number}"));
        }
    }
}

#[tokio::test]
async fn sweep_a_stop_at_every_call() {
    let (calls, _) = undisturbed().await;
    for number in 0..calls {
        let mut scene = scene();
        scene.world.lock().stop_at = Some(number);
        let report = scene.run().await;
        let case = format!("stop at call {number}");
        scene.assert_invariants(&report, &case);
        assert!(report.interrupted, "{case}");
        let (_, failed, _, in_doubt) = report.counts();
        assert_eq!((failed, in_doubt), (0, 0), "{case}: {report:?}");
        for key in scene.world.lock().keys.values().filter(|k| k.id.as_str().contains("made")) {
            assert!(!key.disabled, "{case}: {} was left behind", key.id);
        }
    }
}

#[tokio::test]
async fn sweep_a_stop_and_a_fault_together() {
    let (calls, _) = undisturbed().await;
    for number in 0..calls {
        for fault in [Fault::NotSent, Fault::LostRequest, Fault::LostAnswer, Fault::Status(500)] {
            let mut scene = scene();
            scene.world.lock().stop_at = Some(number);
            scene.world.lock().fault_at = Some((number, fault));
            let report = scene.run().await;
            scene.assert_invariants(&report, &format!("stop and {fault:?} at call {number}"));
        }
    }
}

#[tokio::test]
async fn sweep_a_record_that_fails_at_every_append() {
    let (_, appends) = undisturbed().await;
    assert!(appends > 10);
    for number in 0..appends {
        let mut scene = scene();
        scene.keeper.fail_append = Some(number);
        let report = scene.run().await;
        scene.assert_invariants(&report, &format!("append {number}"));
        assert!(report.counts().1 > 0, "append {number}: {report:?}");
    }
}

#[tokio::test]
async fn sweep_a_panic_at_every_call() {
    let (calls, _) = undisturbed().await;
    for number in 0..calls {
        let mut scene = scene();
        scene.world.lock().fault_at = Some((number, Fault::Panic));
        let report = scene.run().await;
        scene.assert_invariants(&report, &format!("panic at call {number}"));
    }
}
