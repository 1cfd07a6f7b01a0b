//! Order, side by side, dependencies, stopping, and the end of a run.

use keycomb::model::{EnvironmentAttributes, KeyState, Permission, Provisional, Record};
use keycomb::plan::{Plan, Step, Verb};
use keycomb::report::{Became, Cause};

use crate::plans::{
    action, address, after, assert_done, assert_failed, assert_in_doubt, assert_not_started, blocked,
    create_environment, delete, discard, environment_id, key_id, managed, mint, mint_planned, plan, record,
    record_environment, release, retire, update, was,
};
use crate::world::{Event, Fault, Keeper, World};

fn word(event: &Event) -> String {
    match event {
        Event::Post { .. } => "mint".into(),
        Event::Patch { id, .. } => format!("patch {id}"),
        Event::Delete { id } => format!("delete {id}"),
        Event::PostEnvironment { name } => format!("make {name}"),
        Event::DeleteEnvironment { id } => format!("delete {id}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn stages_follow_each_other_whatever_the_plans_order() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().put_environment("hcxen_old", "Old", false);
    record_environment(&mut keeper, "old", "hcxen_old");
    managed(&mut keeper, "key.production.up", "hcxlk_up", KeyState::Live, false);
    managed(&mut keeper, "key.production.on", "hcxlk_on", KeyState::Live, true);
    managed(&mut keeper, "key.production.off", "hcxlk_off", KeyState::Live, false);
    managed(&mut keeper, "key.production.del", "hcxlk_del", KeyState::Disabled, true);
    world.lock().clock = std::time::Duration::from_secs(15 * 86_400);
    managed(&mut keeper, "key.production.rel", "hcxlk_rel", KeyState::Releasing, true);
    keeper.sealed.keys.last_mut().unwrap().created = world.lock().now();
    managed(&mut keeper, "key.production.m", "hcxlk_left", KeyState::Dropping, true);
    let mark =
        Provisional::new(&keeper.sealed.lineage, &address("key.production.m"), crate::world::nonce(900));
    world.lock().keys.get_mut(&key_id("hcxlk_left")).unwrap().name = mark.name();
    let left = world.lock().keys[&key_id("hcxlk_left")].clone();
    let gone = Step::DeleteEnvironment { id: environment_id("hcxen_old") };
    let mut actions = vec![
        create_environment("new", "New", EnvironmentAttributes::default()),
        mint_planned("m", "new"),
        discard("key.production.m", &left),
        release("key.production.rel", "hcxlk_rel"),
        update("key.production.up", "hcxlk_up", Some("up"), &[], None),
        update("key.production.on", "hcxlk_on", None, &[], Some(true)),
        retire("key.production.off", "hcxlk_off"),
        delete("key.production.del", "hcxlk_del"),
        action("environment.old", Verb::Delete, gone),
    ];
    actions.reverse();
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert_eq!(report.counts(), (9, 0, 0, 0), "{report:?}");
    let describe = word(&world.writes()[3]);
    assert!(describe.starts_with("PatchEnvironment"), "{describe}");
    let order: Vec<String> = world.writes().iter().map(word).collect();
    let expected = [
        "patch hcxlk_rel",
        "delete hcxlk_left",
        "make New",
        &describe,
        "mint",
        "patch hcxlk_made2",
        "patch hcxlk_up",
        "patch hcxlk_on",
        "patch hcxlk_off",
        "delete hcxlk_del",
        "delete hcxen_old",
    ];
    assert_eq!(order, expected);
    assert_eq!(report.outcomes[0].address.to_string(), "environment.old", "reported in the plan's order");
}

#[tokio::test]
async fn independent_actions_run_side_by_side_and_never_more_than_eight() {
    let world = World::new();
    let actions: Vec<_> = (0..30).map(|i| mint(&format!("k{i:02}"))).collect();
    world.apply(&plan(actions), &mut Keeper::new(&world)).await;
    assert_eq!(world.lock().most_in_flight, 8);
}

#[tokio::test]
async fn a_failure_stops_what_waits_for_it_and_nothing_else() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    managed(&mut keeper, "key.production.c", "hcxlk_c", KeyState::Live, false);
    world.fail("post-environment", Fault::Status(422));
    let report = world
        .apply(
            &plan(vec![
                create_environment("new", "New", EnvironmentAttributes::default()),
                mint_planned("m", "new"),
                after(mint("n"), &["environment.new"]),
                mint("free"),
                after(retire("key.production.b", "hcxlk_b"), &["key.production.n"]),
                retire("key.production.c", "hcxlk_c"),
            ]),
            &mut keeper,
        )
        .await;
    assert_failed(&report, "environment.new", Cause::Service);
    assert!(assert_not_started(&report, "key.new.m").contains("environment.new"));
    assert!(assert_not_started(&report, "key.production.n").contains("environment.new"));
    assert!(assert_not_started(&report, "key.production.b").contains("key.production.n"));
    assert_done(&report, "key.production.free");
    assert_done(&report, "key.production.c");
}

#[tokio::test]
async fn actions_of_one_stage_wait_for_each_other() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    for id in ["x", "y"] {
        managed(&mut keeper, &format!("key.production.{id}"), &format!("hcxlk_{id}"), KeyState::Live, false);
    }
    let x = update("key.production.x", "hcxlk_x", Some("x2"), &[], None);
    let y = update("key.production.y", "hcxlk_y", Some("y2"), &[], None);
    let report =
        world.apply(&plan(vec![after(x.clone(), &["key.production.y"]), y.clone()]), &mut keeper).await;
    assert_eq!(report.counts(), (2, 0, 0, 0));
    assert_eq!(world.writes().iter().map(word).collect::<Vec<_>>(), ["patch hcxlk_y", "patch hcxlk_x"]);
    let circle = plan(vec![after(x, &["key.production.y"]), after(y, &["key.production.x"])]);
    assert_eq!(world.apply(&circle, &mut keeper).await.counts(), (0, 0, 2, 0));
}

#[tokio::test]
async fn what_waits_for_a_blocked_action_is_not_started() {
    let world = World::new();
    let report = world
        .apply(
            &plan(vec![
                after(mint("a"), &["key.production.b"]),
                after(mint("d"), &["key.production.e"]),
                mint("e"),
                blocked("key.production.b"),
                blocked("key.production.e"),
            ]),
            &mut Keeper::new(&world),
        )
        .await;
    assert_not_started(&report, "key.production.a");
    assert_done(&report, "key.production.d");
    assert_eq!(report.outcomes[3].became, Became::Blocked);
}

#[tokio::test]
async fn everything_at_an_address_must_be_done_before_what_waits_for_it() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    let stale = was(update("key.production.b", "hcxlk_b", Some("x"), &[], None), "name", "another");
    let fine = update("key.production.b", "hcxlk_b", Some("y"), &[], Some(true));
    let waits = action("key.production.c", Verb::Disable, retire("key.production.c", "hcxlk_c").step);
    let report =
        world.apply(&plan(vec![stale, fine, after(waits, &["key.production.b"])]), &mut keeper).await;
    assert_eq!(report.counts(), (1, 1, 1, 0), "{report:?}");
}

#[tokio::test]
async fn a_refused_credential_stops_everything_that_was_not_begun() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    world.fail("post", Fault::Status(401));
    let report =
        world.apply(&plan(vec![mint("a"), retire("key.production.b", "hcxlk_b")]), &mut keeper).await;
    assert_failed(&report, "key.production.a", Cause::Credential);
    assert_not_started(&report, "key.production.b");
    assert!(!report.interrupted);
    assert_eq!(world.writes().len(), 1);
}

#[tokio::test]
async fn a_missing_scope_stops_only_its_action() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    world.fail("post", Fault::Status(403));
    let report =
        world.apply(&plan(vec![mint("a"), retire("key.production.b", "hcxlk_b")]), &mut keeper).await;
    assert_failed(&report, "key.production.a", Cause::Credential);
    assert_done(&report, "key.production.b");
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_stops_everything_that_was_not_begun() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    keeper.fail_append = Some(0);
    let report =
        world.apply(&plan(vec![mint("a"), retire("key.production.b", "hcxlk_b")]), &mut keeper).await;
    assert!(assert_failed(&report, "key.production.a", Cause::Seal).contains("disk full"));
    assert_not_started(&report, "key.production.b");
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_begins_nothing() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.z", "hcxlk_z", KeyState::Live, false);
    world.lock().before("post", 2, |inner| inner.stopping = true);
    let mut actions: Vec<_> = (0..20).map(|i| mint(&format!("k{i:02}"))).collect();
    actions.push(retire("key.production.z", "hcxlk_z"));
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert!(report.interrupted);
    let (done, failed, not_started, in_doubt) = report.counts();
    // The first goes alone.
    assert!((2..=9).contains(&done), "{done}");
    assert_eq!((done + not_started, failed, in_doubt), (21, 0, 0));
    let inner = world.lock();
    let minted: Vec<_> = inner.keys.values().filter(|k| k.id.as_str().contains("made")).collect();
    assert_eq!(minted.len(), done, "what was sealed is released");
    assert!(minted.iter().all(|k| !k.disabled));
    assert!(!inner.keys[&key_id("hcxlk_z")].disabled);
}

#[tokio::test]
async fn stopped_before_it_begins_a_run_only_folds() {
    let world = World::new();
    world.lock().stopping = true;
    let report =
        world.apply(&plan(vec![mint("a"), blocked("key.production.b")]), &mut Keeper::new(&world)).await;
    assert!(report.interrupted);
    assert_not_started(&report, "key.production.a");
    assert_eq!(report.outcomes[1].became, Became::Blocked);
    assert_eq!(world.log(), [Event::Folded]);
}

#[tokio::test]
async fn an_empty_plan_writes_nothing() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    assert_done(&world.apply(&plan(vec![mint("a")]), &mut keeper).await, "key.production.a");
    let writes = world.writes().len();
    let report = world.apply(&plan(vec![]), &mut keeper).await;
    assert_eq!((report.outcomes.len(), world.writes().len()), (0, writes));
}

#[tokio::test]
async fn a_panic_in_one_action_is_that_actions_outcome() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.x", "hcxlk_x", KeyState::Live, false);
    world.fail("get", Fault::Panic);
    let report =
        world.apply(&plan(vec![retire("key.production.x", "hcxlk_x"), mint("a")]), &mut keeper).await;
    // The key's read back meets the panic first: its stage comes first.
    assert_in_doubt(&report, "key.production.a");
    assert_done(&report, "key.production.x");
    assert_eq!(world.log().last(), Some(&Event::Folded));
}

#[tokio::test]
async fn a_fold_that_fails_is_reported() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    keeper.fail_fold = true;
    let report = world.apply(&plan(vec![mint("a")]), &mut keeper).await;
    assert_done(&report, "key.production.a");
    assert!(report.unfolded.unwrap().contains("disk full"));
}

#[tokio::test]
async fn an_entry_is_forgotten_a_day_after_its_deletion_if_the_key_is_gone() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    record(&mut keeper, "key.production.a", "hcxlk_gone", KeyState::Deleted);
    managed(&mut keeper, "key.production.b", "hcxlk_back", KeyState::Deleted, true);
    let empty: Plan = plan(vec![]);
    for (day, left) in [(86_400, 2), (86_401, 1)] {
        world.lock().clock = std::time::Duration::from_secs(day);
        world.apply(&empty, &mut keeper).await;
        assert_eq!(keeper.sealed.keys.len(), left);
    }
    assert_eq!(world.records(), [Record::KeyGone { id: key_id("hcxlk_gone") }]);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn what_was_forgotten_is_remembered_until_the_key_was_gone_for_a_day() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    for (id, is_there) in [("hcxlk_there", true), ("hcxlk_gone", false), ("hcxlk_both", false)] {
        match is_there {
            true => drop(managed(&mut keeper, "key.production.a", id, KeyState::Live, false)),
            false => record(&mut keeper, "key.production.a", id, KeyState::Live),
        }
        keeper.sealed.former.push(keycomb::model::FormerReader {
            id: key_id(id),
            name: "ops".into(),
            fingerprint: "0".repeat(16),
        });
        keeper.sealed.take(Record::Forgotten { id: key_id(id) });
    }
    // One branch forgot it, another went on with it: that is for a person.
    let both =
        keeper.sealed.forgotten.iter().find(|known| known.id == key_id("hcxlk_both")).cloned().unwrap();
    record(&mut keeper, "key.production.b", "hcxlk_both", KeyState::Live);
    assert!(keeper.sealed.forgotten.contains(&both));
    assert_eq!(keeper.sealed.former.len(), 3, "who could read it still can");
    let empty: Plan = plan(vec![]);
    let mut told = vec![];
    for seconds in [0, 86_400, 86_401] {
        world.lock().clock = std::time::Duration::from_secs(seconds);
        world.apply(&empty, &mut keeper).await;
        told.push(keeper.sealed.forgotten.len());
    }
    assert_eq!(told, [3, 3, 2]);
    assert_eq!(
        world.records(),
        [
            Record::ForgottenSought { id: key_id("hcxlk_gone"), gone: Some(crate::world::at(0)) },
            Record::ForgottenOver { id: key_id("hcxlk_gone"), gone: crate::world::at(0) }
        ]
    );
    assert_eq!(keeper.sealed.former.len(), 2);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn what_was_forgotten_and_is_there_again_is_remembered_anew() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    record(&mut keeper, "key.production.a", "hcxlk_a", KeyState::Live);
    keeper.sealed.take(Record::Forgotten { id: key_id("hcxlk_a") });
    world.apply(&plan(vec![]), &mut keeper).await;
    assert!(keeper.sealed.forgotten[0].gone.is_some());
    world.lock().put_key("hcxlk_a", "hcxen_1", "a", false);
    world.lock().clock = std::time::Duration::from_secs(90_000);
    world.apply(&plan(vec![]), &mut keeper).await;
    assert_eq!(keeper.sealed.forgotten[0].gone, None);
}

#[tokio::test]
async fn progress_hears_once_of_every_action_that_is_not_blocked() {
    #[derive(Default)]
    struct Heard(std::sync::Mutex<(Vec<String>, Vec<String>)>);
    impl keycomb::apply::Progress for Heard {
        fn started(&self, action: &keycomb::plan::Action) {
            self.0.lock().unwrap().0.push(action.address.to_string());
        }
        fn finished(&self, action: &keycomb::plan::Action, _: &Became) {
            self.0.lock().unwrap().1.push(action.address.to_string());
        }
    }
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    let (a, c) = (mint("a"), after(mint("c"), &["key.production.d"]));
    let b = update("key.production.b", "hcxlk_b", None, &[Permission::SendEvents], None);
    let heard = Heard::default();
    let plan = plan(vec![a, c, b, blocked("key.production.d")]);
    let seal = crate::world::seal_settings();
    keycomb::apply::apply(&plan, &seal, &world, &world, &mut keeper, &world, &heard).await;
    let (started, mut finished) = heard.0.into_inner().unwrap();
    assert_eq!(started, ["key.production.a", "key.production.b"]);
    finished.sort();
    assert_eq!(finished, ["key.production.a", "key.production.b", "key.production.c"]);
}

#[tokio::test]
async fn a_run_can_move_between_threads() {
    let world = World::new();
    let task = async move {
        let mut keeper = Keeper::new(&world);
        world.apply(&plan(vec![mint("a")]), &mut keeper).await
    };
    assert_eq!(tokio::spawn(task).await.unwrap().counts(), (1, 0, 0, 0));
}
