//! Any configuration is carried out by one apply, and so is any change to it.

use std::time::Duration;

use keycomb::model::KeyType;
use keycomb::plan::Verb;
use keycomb::ports::{NewKey, WriteLive as _};
use proptest::test_runner::{Config, TestRunner};

use crate::declared::{self, two_configs};
use crate::lab::{Lab, tell};

#[test]
fn one_apply_carries_out_a_configuration_and_one_more_any_change_to_it() {
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let run = |runtime: &tokio::runtime::Runtime| {
        TestRunner::new(config.clone()).run(&two_configs(5), |(first, second)| {
            runtime.block_on(carry_out(&first, &second));
            Ok(())
        })
    };
    // The disk is waited for more than anything else.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                run(&runtime).unwrap();
            });
        }
    });
}

async fn carry_out(first: &declared::Config, second: &declared::Config) {
    let mut lab = Lab::new().await;
    let desired = lab.declare(&first.text());
    lab.apply_all(&desired).await;
    lab.assert_safe("first");
    lab.assert_live_keys_open("first").await;
    assert_eq!(tell(&lab.plan(&desired).await), Vec::<String>::new(), "{}", first.text());

    strangers(&mut lab).await;
    let desired = lab.declare(&second.text());
    let before = lab.plan(&desired).await;
    if before.summary.changes > 0 {
        lab.apply_all(&desired).await;
    }
    let mut after = lab.plan(&desired).await;
    // A name that another key gives up in this very apply is free for the next one.
    if before.actions.iter().any(|a| a.blocked.as_ref().is_some_and(|b| b.code == "exists")) {
        lab.apply(&desired).await;
        after = lab.plan(&desired).await;
    }
    assert_eq!(after.summary.changes, 0, "{}\n{}\n{:#?}", first.text(), second.text(), tell(&after));
    assert!(after.actions.iter().all(|a| a.verb == Verb::Blocked));
    // What could not change in place has a successor beside it.
    lab.is_rotating.set(true);
    lab.assert_safe("second");
    lab.assert_live_keys_open("second").await;

    // A week later the old ones go, and that is all.
    lab.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    lab.apply(&desired).await;
    lab.is_rotating.set(false);
    lab.assert_safe("after the overlap");
    assert_eq!(lab.plan(&desired).await.summary.changes, 0);
}

/// Somebody makes keys in the first managed environment: one of a likely name, one that looks like another team's work.
async fn strangers(lab: &mut Lab) {
    let (_, writer) = lab.connect();
    let Some(environment) = lab.sealed().environments.first().map(|e| e.id.clone()) else { return };
    let pending = {
        let lineage = keycomb::model::Lineage::new("zzzzzzzzzzzzzzzz").unwrap();
        let nonce = keycomb::model::Nonce::new("7777777777777777").unwrap();
        keycomb::model::Provisional::new(&lineage, &"key.one.k0".parse().unwrap(), nonce).name()
    };
    for (name, disabled) in [("renamed again", false), (pending.as_str(), true)] {
        let new = NewKey {
            key_type: KeyType::Configuration,
            environment: environment.clone(),
            name: name.into(),
            disabled,
            permissions: [].into(),
        };
        writer.create_key(&new, keycomb::ports::OPEN).await.unwrap();
    }
    // Everything that keycomb made stays its own: only what it has no entry for is theirs.
    lab.theirs = lab.theirs.clone().and(&lab.sandbox.truth(), &["renamed again", &pending]);
}
