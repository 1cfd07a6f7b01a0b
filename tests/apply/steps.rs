//! The minting protocol, step by step.

use std::time::Duration;

use keycomb::model::{KeyState, Lineage, LiveKey, Permission, Provisional, Record};
use keycomb::plan::Plan;
use keycomb::report::{Became, Cause, Report};

use crate::plans::{
    address, assert_done, assert_failed, assert_in_doubt, assert_not_started, became, key_id, managed, mint,
    plan, record, release,
};
use crate::world::{Event, Fault, Inner, Keeper, LINEAGE, World, at, nonce};

const A: &str = "key.production.a";

async fn mint_a(world: &World, keeper: &mut Keeper) -> Report {
    world.apply(&plan(vec![mint("a")]), keeper).await
}

fn provisional(at: &str, number: u32) -> String {
    Provisional::new(&Lineage::new(LINEAGE).unwrap(), &address(at), nonce(number)).name()
}

fn put_rival(inner: &mut Inner, number: u32) {
    inner.put_key("hcxlk_rival", "hcxen_p", &provisional(A, number), true);
}

fn is_post(event: &Event) -> bool {
    matches!(event, Event::Post { .. })
}

fn is_patch(event: &Event) -> bool {
    matches!(event, Event::Patch { .. })
}

fn live(world: &World, id: &str) -> Option<LiveKey> {
    world.lock().keys.get(&key_id(id)).cloned()
}

#[tokio::test]
async fn a_key_is_minted_in_the_order_of_the_protocol() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let report = mint_a(&world, &mut keeper).await;
    assert_done(&report, A);
    assert_eq!(report.outcomes[0].id.as_deref(), Some("hcxlk_made1"));
    let words: Vec<String> = world
        .log()
        .iter()
        .map(|event| match event {
            Event::Read(what) => what.clone(),
            Event::Post { .. } => "POST".into(),
            Event::Patch { .. } => "PATCH".into(),
            Event::Sealed { .. } => "seal".into(),
            Event::State { disabled, .. } => format!("disabled={disabled}"),
            Event::Appended(record) => {
                let json = serde_json::to_value(record).unwrap();
                let state = json["key"]["state"].as_str().or(json["state"].as_str()).unwrap_or_default();
                format!("{} {state}", json["record"].as_str().unwrap())
            }
            Event::Folded => "fold".into(),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = [
        "list",
        "intent ",
        "POST",
        "disabled=true",
        "seal",
        "minted provisional",
        "prove",
        "list",
        "state releasing",
        "PATCH",
        "disabled=false",
        "get hcxlk_made1",
        "prove",
        "get-environment hcxen_p",
        "key live",
        "fold",
    ];
    assert_eq!(words, expected);
    let entry = keeper.sealed.key(&key_id("hcxlk_made1")).unwrap();
    assert_eq!((entry.state, entry.name.as_str()), (KeyState::Live, "a"));
    assert_eq!(entry.sealed.as_deref(), Some("armor of hcxlk_made1"));
    assert_eq!(entry.recipients.len(), 1);
    assert_eq!(keeper.sealed.intents, []);
    assert_eq!(report.serial, 4);
    let key = live(&world, "hcxlk_made1").unwrap();
    assert_eq!((key.name.as_str(), key.disabled), ("a", false));
}

#[tokio::test]
async fn step_02_a_live_key_of_that_name_is_never_doubled() {
    let world = World::new();
    world.lock().put_key("hcxlk_x", "hcxen_p", "a", true);
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    let why = assert_failed(&report, A, Cause::Changed);
    assert!(why.contains("hcxlk_x"), "{why}");
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn step_02_another_runs_young_key_means_busy() {
    let world = World::new();
    put_rival(&mut world.lock(), 900);
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert_failed(&report, A, Cause::Busy);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn step_02_what_is_old_known_or_not_for_us_does_not_stand_in_the_way() {
    let old = |world: &World, _: &mut Keeper| {
        put_rival(&mut world.lock(), 900);
        world.lock().clock = Duration::from_secs(3600);
    };
    let by_intent = |world: &World, keeper: &mut Keeper| {
        put_rival(&mut world.lock(), 900);
        let intent =
            keycomb::model::Intent { address: address(A), generation: 1, nonce: nonce(900), at: at(0) };
        keeper.sealed.take(Record::Intent { intent });
    };
    let by_id = |world: &World, keeper: &mut Keeper| {
        put_rival(&mut world.lock(), 900);
        record(keeper, A, "hcxlk_rival", KeyState::Dropping);
    };
    let too_late = |world: &World, keeper: &mut Keeper| {
        put_rival(&mut world.lock(), 900);
        record(keeper, A, "hcxlk_rival", KeyState::Provisional);
        world.lock().clock = Duration::from_secs(20 * 60);
    };
    let other_address = |world: &World, _: &mut Keeper| {
        world.lock().put_key("hcxlk_o", "hcxen_p", &provisional("key.production.b", 900), true);
    };
    let other_lineage = |world: &World, _: &mut Keeper| {
        let lineage = Lineage::new("zzzzzzzzzzzzzzzz").unwrap();
        let name = Provisional::new(&lineage, &address(A), nonce(900)).name();
        world.lock().put_key("hcxlk_o", "hcxen_p", &name, true);
    };
    type Set<'a> = &'a dyn Fn(&World, &mut Keeper);
    let cases: [(&str, Set<'_>); 6] = [
        ("old", &old),
        ("known by its intent", &by_intent),
        ("known by its id", &by_id),
        ("too late to be released", &too_late),
        ("other address", &other_address),
        ("other lineage", &other_lineage),
    ];
    for (case, set) in cases {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        set(&world, &mut keeper);
        let before = world.lock().keys.clone();
        let report = mint_a(&world, &mut keeper).await;
        assert_eq!(report.counts(), (1, 0, 0, 0), "{case}: {report:?}");
        let after = world.lock().keys.clone();
        assert!(before.iter().all(|(id, key)| after.get(id) == Some(key)), "{case}: touched");
    }
}

#[tokio::test]
async fn step_02_a_recorded_key_that_the_listing_leaves_out_is_fetched() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_made9", KeyState::Live, false);
    world.lock().lists_lag = true;
    let report = mint_a(&world, &mut keeper).await;
    assert_failed(&report, A, Cause::Changed);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn step_02_a_release_that_may_still_arrive_is_waited_out() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    put_rival(&mut world.lock(), 900);
    record(&mut keeper, A, "hcxlk_rival", KeyState::Releasing);
    world.lock().clock = Duration::from_secs(20 * 60);
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Busy);
    world.lock().clock = Duration::from_secs(60 * 60);
    assert_done(&mint_a(&world, &mut keeper).await, A);
}

#[tokio::test]
async fn step_02_an_enabled_key_under_a_provisional_name_stops_the_address_at_any_age() {
    let world = World::new();
    put_rival(&mut world.lock(), 900);
    world.lock().keys.values_mut().for_each(|k| k.disabled = false);
    world.lock().clock = Duration::from_secs(36_000);
    assert_failed(&mint_a(&world, &mut Keeper::new(&world)).await, A, Cause::Changed);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn step_02_a_deleted_key_that_the_listing_still_shows_is_in_nobodys_way() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().put_key("hcxlk_x", "hcxen_p", "a", true);
    record(&mut keeper, "key.production.before", "hcxlk_x", KeyState::Deleted);
    assert_done(&mint_a(&world, &mut keeper).await, A);
}

#[tokio::test]
async fn step_02_when_it_cannot_look_nothing_is_made() {
    let world = World::new();
    world.fail("list", Fault::Status(500));
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert_failed(&report, A, Cause::Service);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn step_03_the_intent_is_durable_before_the_request() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    keeper.fail_append = Some(0);
    let report = mint_a(&world, &mut keeper).await;
    assert_failed(&report, A, Cause::Seal);
    assert_eq!(world.writes(), []);
    let ok = World::new();
    mint_a(&ok, &mut Keeper::new(&ok)).await;
    let intent = ok.place(|e| matches!(e, Event::Appended(Record::Intent { .. })));
    assert!(intent < ok.place(is_post));
}

#[tokio::test]
async fn step_04_it_is_sent_again_only_when_it_was_not_carried_out() {
    for fault in [Fault::NotSent, Fault::Status(429)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("post", fault).fail("post", fault);
        assert_done(&mint_a(&world, &mut keeper).await, A);
        let mut names: Vec<String> = world
            .writes()
            .into_iter()
            .filter_map(|e| if let Event::Post { name, .. } = e { Some(name) } else { None })
            .collect();
        assert_eq!(names.len(), 3);
        names.dedup();
        assert_eq!(names.len(), 3, "each try has a nonce of its own");
        let intents = world.records().iter().filter(|r| matches!(r, Record::Intent { .. })).count();
        assert_eq!((intents, keeper.sealed.intents.len()), (3, 0));
    }
}

#[tokio::test]
async fn step_04_five_tries_and_no_more() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    for _ in 0..9 {
        world.fail("post", Fault::NotSent);
    }
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Service);
    assert_eq!(world.writes().len(), 5);
    assert_eq!(keeper.sealed.intents, []);
}

#[tokio::test]
async fn step_04_nothing_is_sent_again_when_somebody_asked_to_stop() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("post", 0, |inner| inner.stopping = true);
    world.fail("post", Fault::NotSent);
    assert_not_started(&mint_a(&world, &mut keeper).await, A);
    assert_eq!((world.writes().len(), keeper.sealed.intents.len()), (1, 0));
    assert!(!world.log().iter().any(|e| matches!(e, Event::Slept(_))), "nobody waits for nothing");
}

#[tokio::test]
async fn step_04_an_unknown_outcome_ends_the_address_for_this_run() {
    for fault in [
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::Status(500),
        Fault::StatusAfter(502),
        Fault::Status(408),
        Fault::Unreadable,
    ] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("post", fault);
        let report = mint_a(&world, &mut keeper).await;
        assert_in_doubt(&report, A);
        assert_eq!(world.writes().len(), 1, "{fault:?}");
        assert_eq!(keeper.sealed.intents.len(), 1, "{fault:?}: the intent stays");
        assert!(world.lock().keys.values().all(|k| k.disabled));
    }
}

#[tokio::test]
async fn step_04_a_refusal_ends_the_intent() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.fail("post", Fault::Status(422));
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Service);
    assert_eq!((world.writes().len(), keeper.sealed.intents.len()), (1, 0));
}

#[tokio::test]
async fn step_05_another_name_in_the_answer_is_not_ours_to_touch() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().renames = true;
    let report = mint_a(&world, &mut keeper).await;
    assert_in_doubt(&report, A);
    assert_eq!(world.writes().len(), 1, "neither released nor deleted");
    assert!(keeper.sealed.keys.is_empty());
}

#[tokio::test]
async fn step_05_an_id_that_was_there_before_is_not_ours_to_touch() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let theirs = world.lock().put_key("hcxlk_theirs", "hcxen_p", "theirs", false);
    world.lock().reuses = Some(theirs);
    assert_in_doubt(&mint_a(&world, &mut keeper).await, A);
    assert_eq!(world.writes().len(), 1);
    assert!(keeper.sealed.keys.is_empty());
}

#[tokio::test]
async fn step_05_an_enabled_key_is_deleted_at_once_and_minting_stops() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().ignores_disabled = true;
    let actions: Vec<_> = (0..60).map(|i| mint(&format!("k{i:02}"))).collect();
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert!(world.lock().keys.is_empty());
    assert_failed(&report, "key.production.k00", Cause::NotDisabled);
    assert_not_started(&report, "key.production.k59");
    let posts = world.writes().into_iter().filter(is_post).count();
    assert!(posts <= 8, "only those under way: {posts}");
    assert!(!world.log().iter().any(|e| matches!(e, Event::Sealed { .. })));
}

#[tokio::test]
async fn step_06_sealed_and_durable_before_it_is_enabled_s1() {
    let world = World::new();
    mint_a(&world, &mut Keeper::new(&world)).await;
    let minted = world.place(|e| matches!(e, Event::Appended(Record::Minted { .. })));
    let releasing = world.place(|e| matches!(e, Event::Appended(Record::State { .. })));
    let patch = world.place(is_patch);
    let enabled = world.place(|e| matches!(e, Event::State { disabled: false, .. }));
    assert!(minted < releasing && releasing < patch && patch < enabled);
}

#[tokio::test]
async fn step_06_a_secret_that_cannot_be_kept_takes_its_key_along() {
    for by_append in [true, false] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        keeper.fail_append = by_append.then_some(1);
        keeper.fail_seal = !by_append;
        let report = mint_a(&world, &mut keeper).await;
        assert_failed(&report, A, Cause::Seal);
        assert!(world.lock().keys.is_empty());
        assert!(!world.log().iter().any(is_patch), "never enabled");
    }
}

#[tokio::test]
async fn step_06_no_further_key_is_minted_when_sealing_fails() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    keeper.fail_seal = true;
    let actions: Vec<_> = (0..60).map(|i| mint(&format!("k{i:02}"))).collect();
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert!(world.writes().into_iter().filter(is_post).count() <= 8);
    assert!(world.lock().keys.is_empty());
    assert_not_started(&report, "key.production.k59");
}

#[tokio::test]
async fn step_07_a_twin_is_deleted() {
    let world = World::new();
    world.lock().doubles = true;
    assert_done(&mint_a(&world, &mut Keeper::new(&world)).await, A);
    let left: Vec<String> = world.lock().keys.values().map(|k| format!("{} {}", k.id, k.name)).collect();
    assert_eq!(left, ["hcxlk_made2 a"]);
}

#[tokio::test]
async fn step_07_before_a_rival_we_give_way() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("list", 1, |inner| put_rival(inner, 900));
    let report = mint_a(&world, &mut keeper).await;
    assert_failed(&report, A, Cause::Busy);
    assert!(live(&world, "hcxlk_made1").is_none());
    assert!(live(&world, "hcxlk_rival").is_some());
    assert!(keeper.sealed.keys.is_empty());
    let dropping =
        world.place(|e| matches!(e, Event::Appended(Record::State { state: KeyState::Dropping, .. })));
    assert!(dropping < world.place(|e| matches!(e, Event::Delete { .. })));
    assert!(!world.log().iter().any(is_patch));
}

#[tokio::test]
async fn step_07_before_a_live_key_of_that_name_we_give_way() {
    let world = World::new();
    world.lock().before("list", 1, |inner| {
        inner.put_key("hcxlk_other", "hcxen_p", "a", false);
    });
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert_failed(&report, A, Cause::Changed);
    assert_eq!(world.lock().keys.len(), 1);
}

#[tokio::test]
async fn step_07_a_lagging_listing_is_made_up_for_by_a_get() {
    let world = World::new();
    world.lock().lists_lag = true;
    assert_done(&mint_a(&world, &mut Keeper::new(&world)).await, A);
    let world = World::new();
    world.lock().lists_lag = true;
    let mut keeper = Keeper::new(&world);
    world.lock().before("get", 0, |inner| inner.keys.clear());
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Changed);
    assert!(keeper.sealed.keys.is_empty());
    assert!(!world.log().iter().any(is_patch));
}

#[tokio::test]
async fn step_07_a_twin_is_read_again_before_it_is_deleted() {
    let world = World::new();
    world.lock().doubles = true;
    world.lock().before("get", 0, |inner| {
        inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap().name = "theirs".into();
    });
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert!(matches!(became(&report, A), Became::Done { note: Some(note) } if note.contains("hcxlk_made1")));
    assert_eq!(live(&world, "hcxlk_made1").unwrap().name, "theirs");
}

#[tokio::test]
async fn step_07_an_enabled_twin_is_a_rival() {
    let world = World::new();
    world.lock().doubles = true;
    world.lock().before("list", 1, |inner| {
        inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap().disabled = false;
    });
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert_failed(&report, A, Cause::Changed);
    assert!(live(&world, "hcxlk_made1").is_some() && live(&world, "hcxlk_made2").is_none());
}

/// Sixty keys, of which `made` were asked for before it was seen that the service lies.
async fn lied_to(world: &World, made: usize) -> Keeper {
    let mut keeper = Keeper::new(world);
    let actions: Vec<_> = (0..60).map(|i| mint(&format!("k{i:02}"))).collect();
    let report = world.apply(&plan(actions), &mut keeper).await;
    for i in 0..made {
        let why = assert_failed(&report, &format!("key.production.k{i:02}"), Cause::NotDisabled);
        assert!(why.contains("before it was released"), "{why}");
    }
    assert_not_started(&report, "key.production.k59");
    assert!(!world.log().iter().any(is_patch));
    assert_eq!(world.log().iter().filter(|e| matches!(e, Event::Post { .. })).count(), made);
    keeper
}

#[tokio::test]
async fn step_07_a_service_that_lets_disabled_keys_work_makes_no_further_ones() {
    let accepts: fn(&mut Inner) = |inner| inner.accepts_disabled = true;
    let shows: fn(&mut Inner) = |inner| {
        inner.before("list", 1, |inner| inner.keys.values_mut().for_each(|key| key.disabled = false));
    };
    for (set, made) in [(accepts, 1), (shows, 50)] {
        let world = World::new();
        set(&mut world.lock());
        let keeper = lied_to(&world, made).await;
        assert!(world.lock().keys.is_empty() && keeper.sealed.keys.is_empty());
        let dropping =
            world.place(|e| matches!(e, Event::Appended(Record::State { state: KeyState::Dropping, .. })));
        assert!(dropping < world.place(|e| matches!(e, Event::Delete { .. })));
    }
    // One that cannot be deleted is kept in mind.
    let world = World::new();
    world.lock().accepts_disabled = true;
    world.fail("delete", Fault::Status(500));
    let keeper = lied_to(&world, 1).await;
    assert_eq!(keeper.sealed.keys.iter().map(|key| key.state).collect::<Vec<_>>(), [KeyState::Dropping]);
}

#[tokio::test]
async fn step_07_an_unlisted_key_that_is_read_enabled_goes_too() {
    let world = World::new();
    world.lock().lists_lag = true;
    world.lock().before("get", 0, |inner| inner.keys.values_mut().for_each(|key| key.disabled = false));
    let mut keeper = Keeper::new(&world);
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::NotDisabled);
    assert!(world.lock().keys.is_empty() && keeper.sealed.keys.is_empty());
}

#[tokio::test]
async fn step_07_one_credential_of_a_chunk_is_tried_and_no_answer_says_nothing() {
    for fault in [Fault::Status(500), Fault::LostAnswer, Fault::Panic] {
        let world = World::new();
        world.fail("prove", fault);
        let report = world.apply(&plan(vec![mint("a"), mint("b")]), &mut Keeper::new(&world)).await;
        assert_eq!(report.counts(), (2, 0, 0, 0), "{report:?}");
        let proofs = world.log().into_iter().filter(|e| *e == Event::Read("prove".into())).count();
        assert!((2..=3).contains(&proofs), "one before, one each after: {proofs}");
    }
}

#[tokio::test]
async fn step_07_without_a_second_look_nothing_is_released() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("list", 1, |inner| inner.faults.push(("list", Fault::Status(500))));
    let report = mint_a(&world, &mut keeper).await;
    assert_failed(&report, A, Cause::Service);
    assert!(!world.log().iter().any(is_patch));
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Provisional);
}

#[tokio::test]
async fn step_09_a_lost_answer_is_sent_again() {
    for fault in
        [Fault::LostRequest, Fault::LostAnswer, Fault::Status(503), Fault::NotSent, Fault::Unreadable]
    {
        let world = World::new();
        world.fail("patch", fault);
        assert_done(&mint_a(&world, &mut Keeper::new(&world)).await, A);
        assert!(!live(&world, "hcxlk_made1").unwrap().disabled);
    }
}

#[tokio::test]
async fn step_09_past_the_deadline_nothing_is_sent() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("list", 1, |inner| inner.clock += Duration::from_secs(15 * 60));
    let report = mint_a(&world, &mut keeper).await;
    assert_failed(&report, A, Cause::Unconfirmed);
    assert!(!world.log().iter().any(is_patch));
    // Without a `releasing` record a later run knows that it was never enabled.
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Provisional);
}

#[tokio::test]
async fn step_09_the_deadline_is_looked_at_before_every_send() {
    let world = World::new();
    for _ in 0..999 {
        world.fail("patch", Fault::LostRequest);
    }
    let report = mint_a(&world, &mut Keeper::new(&world)).await;
    assert_failed(&report, A, Cause::Unconfirmed);
    let last = world.log().iter().rposition(is_patch).unwrap();
    let slept: Duration = world.log()[..last]
        .iter()
        .filter_map(|e| if let Event::Slept(time) = e { Some(*time) } else { None })
        .sum();
    assert!(slept < Duration::from_secs(15 * 60), "{slept:?}");
    assert!(slept > Duration::from_secs(14 * 60), "{slept:?}");
}

#[tokio::test]
async fn step_09_a_key_that_answers_404_keeps_its_seal() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("patch", 0, |inner| inner.keys.clear());
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Unconfirmed);
    let [entry] = keeper.sealed.keys.as_slice() else { panic!("the entry is gone") };
    assert_eq!(entry.state, KeyState::Releasing);
    assert!(entry.sealed.is_some());
}

/// Row 40: a team whose key names must be unique.
#[tokio::test]
async fn step_09_a_refused_name_leaves_the_key_sealed_and_disabled() {
    for status in [409, 422] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("patch", Fault::Status(status));
        let why = assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Service);
        assert!(why.contains(&status.to_string()), "{why}");
        assert!(keeper.sealed.keys[0].sealed.is_some());
        assert!(live(&world, "hcxlk_made1").unwrap().disabled);
        assert_eq!(world.writes().into_iter().filter(is_patch).count(), 1, "it would be refused again");
    }
}

#[tokio::test]
async fn step_09_a_key_that_is_to_be_disabled_is_released_disabled() {
    let world = World::new();
    let mut action = mint("a");
    let keycomb::plan::Step::MintKey(mint) = &mut action.step else { unreachable!() };
    mint.enabled = false;
    assert_done(&world.apply(&plan(vec![action]), &mut Keeper::new(&world)).await, A);
    let key = live(&world, "hcxlk_made1").unwrap();
    assert_eq!((key.name.as_str(), key.disabled), ("a", true));
    let proofs = world.log().into_iter().filter(|e| *e == Event::Read("prove".into())).count();
    assert_eq!(proofs, 1, "a disabled key proves nothing but that it does not work");
}

#[tokio::test]
async fn step_10_what_the_service_did_not_release_is_a_mismatch() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().ignores_release = true;
    let why = assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Mismatch);
    assert!(why.contains("enabled"), "{why}");
    assert_eq!(world.writes().into_iter().filter(is_patch).count(), 3);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Releasing);
}

#[tokio::test]
async fn step_10_silently_dropped_permissions_are_named_and_recorded_as_they_are() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().drops = [Permission::ManageSlos].into();
    let why = assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Mismatch);
    assert!(why.contains("`manage_slos`") && why.contains("permissions"), "{why}");
    let entry = &keeper.sealed.keys[0];
    assert_eq!(entry.state, KeyState::Live);
    assert_eq!(entry.applied.permissions, [Permission::RunQueries].into());
}

#[tokio::test]
async fn step_10_a_fresh_key_has_half_a_minute_to_spread() {
    let world = World::new();
    world.lock().refuses_proofs = 4;
    assert_done(&mint_a(&world, &mut Keeper::new(&world)).await, A);
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().refuses_proofs = 999;
    assert_failed(&mint_a(&world, &mut keeper).await, A, Cause::Unconfirmed);
    assert!((30..60).contains(&world.lock().clock.as_secs()));
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Releasing, "not called live");
}

#[tokio::test]
async fn step_10_somebody_who_asked_to_stop_does_not_wait_for_the_proof() {
    let world = World::new();
    world.lock().refuses_proofs = 999;
    world.lock().before("patch", 0, |inner| inner.stopping = true);
    assert_failed(&mint_a(&world, &mut Keeper::new(&world)).await, A, Cause::Unconfirmed);
    assert!(!world.log().iter().any(|e| matches!(e, Event::Slept(_))));
}

#[tokio::test]
async fn step_09_a_refused_credential_is_not_tried_on_every_key() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    for _ in 0..99 {
        world.fail("patch", Fault::Status(401));
    }
    let actions: Vec<_> = (0..30).map(|i| mint(&format!("k{i:02}"))).collect();
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert_failed(&report, "key.production.k29", Cause::Credential);
    assert!(world.writes().into_iter().filter(is_patch).count() <= 8);
    assert!(world.lock().keys.values().all(|k| k.disabled));
}

#[tokio::test]
async fn step_10_a_credential_of_another_team_proves_nothing() {
    let world = World::new();
    world.lock().proves_team = Some("other\u{1b}");
    let why = assert_failed(&mint_a(&world, &mut Keeper::new(&world)).await, A, Cause::Unconfirmed);
    assert!(why.contains("other\\u{1b}"), "{why}");
}

#[tokio::test]
async fn step_10_a_credential_of_another_environment_proves_nothing() {
    let world = World::new();
    world.lock().proves_environment = Some("staging\u{1b}");
    let why = assert_failed(&mint_a(&world, &mut Keeper::new(&world)).await, A, Cause::Unconfirmed);
    assert!(why.contains("`staging\\u{1b}` instead of `production`"), "{why}");
}

#[tokio::test]
async fn step_10_an_environment_is_read_once_and_may_be_unreadable() {
    for fault in [None, Some(Fault::Status(500)), Some(Fault::LostAnswer)] {
        let world = World::new();
        if let Some(fault) = fault {
            world.fail("get-environment", fault);
        }
        let report = world.apply(&plan(vec![mint("a"), mint("b")]), &mut Keeper::new(&world)).await;
        assert_eq!(report.counts(), (2, 0, 0, 0), "{report:?}");
        let reads = world.log().into_iter().filter(|e| *e == Event::Read("get-environment hcxen_p".into()));
        assert_eq!(reads.count(), 1);
    }
}

#[tokio::test]
async fn step_11_a_late_success_is_not_a_success() {
    for (late, is_done) in [(20 * 60, true), (20 * 60 + 1, false)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.lock().dates_late = Duration::from_secs(late);
        let report = mint_a(&world, &mut keeper).await;
        if is_done {
            assert_done(&report, A);
        } else {
            assert_failed(&report, A, Cause::Unconfirmed);
            assert_eq!(keeper.sealed.keys[0].state, KeyState::Releasing);
        }
    }
}

fn left_over(state: KeyState, age: u64) -> (World, Keeper, Plan) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().put_key("hcxlk_a", "hcxen_p", &provisional(A, 700), true);
    record(&mut keeper, A, "hcxlk_a", state);
    world.lock().clock = Duration::from_secs(age);
    (world, keeper, plan(vec![release(A, "hcxlk_a")]))
}

#[tokio::test]
async fn release_finishes_what_an_earlier_run_sealed() {
    for state in [KeyState::Provisional, KeyState::Releasing] {
        let (world, mut keeper, plan) = left_over(state, 899);
        assert_done(&world.apply(&plan, &mut keeper).await, A);
        let key = live(&world, "hcxlk_a").unwrap();
        assert_eq!((key.name.as_str(), key.disabled), ("hcxlk_a", false));
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
    }
}

#[tokio::test]
async fn release_is_over_at_the_deadline_by_the_services_clock() {
    let (world, mut keeper, plan) = left_over(KeyState::Provisional, 900);
    assert_failed(&world.apply(&plan, &mut keeper).await, A, Cause::Unconfirmed);
    assert_eq!(world.writes(), []);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Provisional);
}

#[tokio::test]
async fn release_looks_again_where_the_earlier_run_may_not_have() {
    let (world, mut keeper, plan) = left_over(KeyState::Provisional, 60);
    put_rival(&mut world.lock(), 900);
    world.lock().put_key("hcxlk_twin", "hcxen_p", &provisional(A, 700), true);
    assert_failed(&world.apply(&plan, &mut keeper).await, A, Cause::Busy);
    assert!(live(&world, "hcxlk_a").is_none() && live(&world, "hcxlk_rival").is_some());
}

#[tokio::test]
async fn release_of_a_key_that_arrived_after_all_sends_nothing() {
    let (world, mut keeper, plan) = left_over(KeyState::Releasing, 3000);
    world.lock().put_key("hcxlk_a", "hcxen_p", "hcxlk_a", false);
    assert_done(&world.apply(&plan, &mut keeper).await, A);
    assert_eq!(world.writes(), []);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
}

#[tokio::test]
async fn release_leaves_alone_what_is_no_longer_as_we_left_it() {
    type Change = fn(&mut LiveKey);
    let released: Change = |k| {
        k.name = "hcxlk_a".into();
        k.disabled = false;
    };
    let changes: [(Change, KeyState); 4] = [
        (released, KeyState::Provisional),
        (|k| k.name = "theirs".into(), KeyState::Releasing),
        (|k| k.disabled = false, KeyState::Provisional),
        (|k| k.name = "hcxlk_a".into(), KeyState::Provisional),
    ];
    for (change, state) in changes {
        let (world, mut keeper, plan) = left_over(state, 60);
        change(world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap());
        assert_failed(&world.apply(&plan, &mut keeper).await, A, Cause::Changed);
        assert_eq!(world.writes(), []);
    }
}

#[tokio::test]
async fn a_chunk_stops_taking_keys_at_half_the_deadline() {
    let world = World::new();
    // Two writes a minute: all forty requests alone take longer than the deadline of the first.
    world.lock().slow = Duration::from_secs(30);
    let actions: Vec<_> = (0..40).map(|i| mint(&format!("k{i:02}"))).collect();
    let report = world.apply(&plan(actions), &mut Keeper::new(&world)).await;
    assert_eq!(report.counts(), (40, 0, 0, 0), "{report:?}");
}

#[tokio::test]
async fn a_chunk_has_at_most_fifty_keys() {
    let world = World::new();
    let actions: Vec<_> = (0..120).map(|i| mint(&format!("k{i:03}"))).collect();
    let report = world.apply(&plan(actions), &mut Keeper::new(&world)).await;
    assert_eq!(report.counts(), (120, 0, 0, 0));
    let lists = world.log().iter().filter(|e| **e == Event::Read("list".into())).count();
    assert_eq!(lists, 6, "two looks a chunk");
    let posts_before_first_patch = world.log()[..world.place(is_patch)].iter().filter(|e| is_post(e)).count();
    assert_eq!(posts_before_first_patch, 50);
}
