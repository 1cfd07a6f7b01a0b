//! What may be found from earlier: late, arrived, quarantined and strange keys, each settled by the next applies.

use std::time::Duration;

use keycomb::model::{KeyState, Lineage, Nonce, Provisional};
use keycomb::plan::Verb;
use keycomb::ports::{KeyChange, NewKey, OPEN, WriteLive as _};
use keycomb::report::{Became, Cause, Report};

use crate::lab::{LINEAGE, Lab, tell};

const ONE: &str = r#"
[policy]
on_missing = "recreate"
[environment.first]
[key.one]
environment = "first"
type = "configuration"
permissions = ["run_queries"]
[key.other]
environment = "first"
type = "ingest"
"#;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

fn wait(lab: &Lab, seconds: u64) {
    lab.clock.advance(Duration::from_secs(seconds));
}

/// (generation, state) of the entries of `key.first.one`.
fn generations(lab: &Lab) -> Vec<(u32, KeyState)> {
    let (sealed, one) = (lab.sealed(), "key.first.one".parse().unwrap());
    sealed.generations(&one).map(|entry| (entry.generation, entry.state)).collect()
}

fn verbs(plan: &keycomb::plan::Plan) -> Vec<(Verb, Option<Verb>)> {
    plan.actions.iter().map(|a| (a.verb, a.blocked.as_ref().map(|b| b.verb))).collect()
}

fn causes(report: &Report) -> Vec<Cause> {
    let cause = |became: &Became| if let Became::Failed { cause, .. } = became { Some(*cause) } else { None };
    report.outcomes.iter().filter_map(|outcome| cause(&outcome.became)).collect()
}

/// `key.first.one` is generation 2, and its generation 1, released too late, is in quarantine.
async fn with_a_late_key() -> Lab {
    let lab = Lab::new().await;
    let desired = lab.declare(ONE);
    lab.sandbox.add_fault("drop-before:PATCH:api-keys@1+".parse().unwrap());
    let report = lab.apply(&desired).await.unwrap();
    assert_eq!(causes(&report), [Cause::Unconfirmed, Cause::Unconfirmed]);
    lab.sandbox.clear_faults();
    assert_eq!(generations(&lab), [(1, KeyState::Releasing)]);
    // The requests that were given up arrive after all, and too late.
    wait(&lab, 10 * MINUTE);
    let (_, writer) = lab.connect();
    for entry in lab.sealed().keys {
        let change = KeyChange { name: Some(entry.name), disabled: Some(false), permissions: None };
        writer.update_key(&entry.id, &change, OPEN).await.unwrap();
    }
    lab.apply_all(&desired).await;
    assert_eq!(generations(&lab), [(1, KeyState::Releasing), (2, KeyState::Live)]);
    assert_eq!(verbs(&lab.plan(&desired).await), [(Verb::Disable, None), (Verb::Disable, None)]);
    lab.apply_all(&desired).await;
    assert_eq!(generations(&lab), [(1, KeyState::Disabled), (2, KeyState::Live)]);
    lab.assert_safe("late");
    lab.assert_live_keys_open("late").await;
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    lab
}

#[tokio::test]
async fn a_key_that_was_released_too_late_gets_a_successor_and_goes() {
    let lab = with_a_late_key().await;
    let desired = lab.declare(ONE);
    wait(&lab, 15 * DAY);
    assert_eq!(verbs(&lab.plan(&desired).await), [(Verb::Delete, None), (Verb::Delete, None)]);
    lab.apply_all(&desired).await;
    assert_eq!(generations(&lab), [(1, KeyState::Deleted), (2, KeyState::Live)]);
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    wait(&lab, DAY + 1);
    // Whatever is applied next.
    lab.apply_all(&lab.declare(&ONE.replace("run_queries", "send_events"))).await;
    assert_eq!(generations(&lab), [(2, KeyState::Live)]);
    lab.assert_live_keys_open("deleted").await;
}

#[tokio::test]
async fn a_lost_key_is_made_again_beside_one_in_quarantine() {
    let lab = with_a_late_key().await;
    let desired = lab.declare(ONE);
    let (_, writer) = lab.connect();
    let sealed = lab.sealed();
    let lost = sealed.keys.iter().find(|k| k.state == KeyState::Live && k.name == "one").unwrap();
    writer.delete_key(&lost.id, OPEN).await.unwrap();
    lab.by_hand.borrow_mut().insert(lost.id.to_string());
    lab.apply_all(&desired).await;
    // The apply itself sees that what it replaced is gone.
    assert_eq!(generations(&lab), [(1, KeyState::Disabled), (2, KeyState::Deleted), (3, KeyState::Live)]);
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    lab.assert_safe("recreated");
    lab.assert_live_keys_open("recreated").await;
}

#[tokio::test]
async fn a_release_that_could_not_be_proven_is_recorded_by_the_next_apply_with_whatever_else_changes() {
    for (text, verb) in [
        (ONE.to_owned(), Verb::Update),
        (ONE.replace("run_queries", "send_events"), Verb::Update),
        (ONE.replace("type = \"conf", "enabled = false\ntype = \"conf"), Verb::Disable),
        (ONE.replace("[key.one]", "[key.one]\nname = \"renamed\""), Verb::Update),
    ] {
        for pause in [0, 2 * DAY] {
            let lab = Lab::new().await;
            lab.sandbox.add_fault("drop-before:GET:auth@1+".parse().unwrap());
            let report = lab.apply(&lab.declare(ONE)).await.unwrap();
            assert_eq!(causes(&report), [Cause::Unconfirmed, Cause::Unconfirmed]);
            lab.sandbox.clear_faults();
            assert_eq!(generations(&lab), [(1, KeyState::Releasing)]);
            wait(&lab, pause);
            let desired = lab.declare(&text);
            let mut found = verbs(&lab.plan(&desired).await);
            found.sort();
            assert_eq!(found, [(Verb::Update, None), (verb, None)]);
            lab.apply_all(&desired).await;
            assert_eq!(generations(&lab), [(1, KeyState::Live)]);
            assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
            lab.assert_safe("arrived");
            lab.assert_live_keys_open("arrived").await;
        }
    }
}

#[tokio::test]
async fn a_sealed_key_is_released_within_its_time_and_made_anew_after_it() {
    for (pause, left) in [
        (5 * MINUTE, vec![(1, KeyState::Live)]),
        // A copy of the file may still release it.
        (16 * MINUTE, vec![(1, KeyState::Provisional)]),
        (20 * MINUTE, vec![(2, KeyState::Live)]),
    ] {
        let lab = Lab::new().await;
        let desired = lab.declare(ONE);
        // The second look fails: what is sealed is not released.
        lab.sandbox.add_fault("drop-before:GET:api-keys@5+".parse().unwrap());
        assert_eq!(causes(&lab.apply(&desired).await.unwrap()), [Cause::Service, Cause::Service]);
        lab.sandbox.clear_faults();
        assert_eq!(generations(&lab), [(1, KeyState::Provisional)]);
        wait(&lab, pause);
        lab.apply_all(&desired).await;
        assert_eq!(generations(&lab), left);
        lab.assert_safe("sealed");
        lab.assert_live_keys_open("sealed").await;
        if pause != 16 * MINUTE {
            assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
            lab.assert_no_leftovers("sealed");
        }
    }
}

#[tokio::test]
async fn an_entry_of_a_key_that_was_reaped_leaves_the_record() {
    let lab = Lab::new().await;
    let desired = lab.declare(ONE);
    lab.sandbox.add_fault("drop-before:GET:api-keys@5+".parse().unwrap());
    lab.apply(&desired).await.unwrap();
    lab.sandbox.clear_faults();
    let (_, writer) = lab.connect();
    for entry in lab.sealed().keys {
        writer.delete_key(&entry.id, OPEN).await.unwrap();
    }
    wait(&lab, 61 * MINUTE);
    lab.apply_all(&desired).await;
    assert_eq!(generations(&lab), [(2, KeyState::Live)]);
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_another_run_is_at_work_on_is_left_alone_for_an_hour() {
    let lab = Lab::new().await;
    lab.apply_all(&lab.declare("[environment.first]\n")).await;
    let desired = lab.declare(ONE);
    let address = "key.first.one".parse().unwrap();
    let (lineage, nonce) = (Lineage::new(LINEAGE).unwrap(), Nonce::new("7777777777777777").unwrap());
    let new = NewKey {
        key_type: keycomb::model::KeyType::Configuration,
        environment: lab.sealed().environments[0].id.clone(),
        name: Provisional::new(&lineage, &address, nonce).name(),
        disabled: true,
        permissions: [].into(),
    };
    let (_, writer) = lab.connect();
    let rival = writer.create_key(&new, OPEN).await.unwrap().key.id;
    lab.apply_all(&desired).await;
    assert_eq!(verbs(&lab.plan(&desired).await), [(Verb::Blocked, Some(Verb::Create))]);
    assert_eq!(generations(&lab), []);
    wait(&lab, 60 * MINUTE);
    lab.apply_all(&desired).await;
    assert_eq!(generations(&lab), [(1, KeyState::Live)]);
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    let truth = lab.sandbox.truth();
    let history: Vec<_> = truth.key(rival.as_str()).unwrap().history.iter().map(|(_, what)| what).collect();
    assert_eq!(history, ["created disabled", "deleted"]);
    lab.assert_safe("busy");
    lab.assert_live_keys_open("busy").await;
}

#[tokio::test]
async fn s7_leftovers_of_addresses_that_nothing_names_any_more_go_too() {
    let lab = Lab::new().await;
    let desired = lab.declare("[environment.first]\n");
    lab.apply_all(&desired).await;
    let (_, writer) = lab.connect();
    let environment = lab.sealed().environments[0].id.clone();
    for (key, nonce) in [("gone", "7777777777777777"), ("lost", "8888888888888888")] {
        let address = format!("key.first.{key}").parse().unwrap();
        let (lineage, nonce) = (Lineage::new(LINEAGE).unwrap(), Nonce::new(nonce).unwrap());
        let new = NewKey {
            key_type: keycomb::model::KeyType::Ingest,
            environment: environment.clone(),
            name: Provisional::new(&lineage, &address, nonce).name(),
            disabled: true,
            permissions: [].into(),
        };
        writer.create_key(&new, OPEN).await.unwrap();
    }
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    wait(&lab, 60 * MINUTE);
    assert_eq!(verbs(&lab.plan(&desired).await), [(Verb::Discard, None), (Verb::Discard, None)]);
    lab.apply_all(&desired).await;
    lab.assert_no_leftovers("lost");
    lab.assert_safe("lost");
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_service_that_makes_keys_enabled_gets_no_second_one_to_make() {
    let lab = Lab::new().await;
    lab.apply_all(&lab.declare("[environment.first]\n")).await;
    let desired = lab.declare(ONE);
    let mut switches = keycomb::sandbox::Switches::default();
    switches.set("ignore_disabled_on_create=true").unwrap();
    lab.sandbox.set_switches(switches);
    let report = lab.apply(&desired).await.unwrap();
    assert!(causes(&report).contains(&Cause::NotDisabled), "{report:?}");
    let ours = |name: &str| name.starts_with("keycomb-pending.");
    assert!(lab.sandbox.truth().live_keys().all(|key| !ours(&key.name)), "deleted at once");
    lab.sandbox.set_switches(keycomb::sandbox::Switches::default());
    lab.apply_all(&desired).await;
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    lab.assert_live_keys_open("ignored").await;
}

#[tokio::test]
async fn a_service_that_lies_about_it_gets_no_further_one_to_make() {
    let lab = Lab::new().await;
    let desired = lab.declare(ONE);
    let mut switches = keycomb::sandbox::Switches::default();
    switches.set("lie_about_disabled=true").unwrap();
    lab.sandbox.set_switches(switches);
    let report = lab.apply(&desired).await.unwrap();
    assert_eq!(causes(&report), [Cause::NotDisabled], "one key is enough: {report:?}");
    assert_eq!(lab.sealed().keys, []);
    lab.assert_no_leftovers("lied");
    lab.sandbox.set_switches(keycomb::sandbox::Switches::default());
    lab.apply_all(&desired).await;
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new());
    lab.assert_live_keys_open("lied").await;
}
