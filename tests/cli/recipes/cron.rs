//! Plain cron.

use super::{Scratch, example};

#[test]
fn nothing_is_said_until_there_is_drift() {
    let scratch = Scratch::new();
    let clone = scratch.clone("srv");
    let run = |variables: &[(String, String)]| {
        let script =
            format!("exec '{}' '{}'", example("ci/cron/keycomb-drift.sh").display(), clone.display());
        scratch.sh(scratch.team.folder.path(), &script, variables)
    };
    let key = scratch.key(false);
    let file = scratch.team.path("key");
    let text = keycomb::model::Secret::new(format!("{}:{}\n", key.id, key.secret));
    keycomb::seal::write_new_private(&file, &text).unwrap();
    let with_file = [("KEY_FILE".to_owned(), file.display().to_string())];
    let quiet = run(&with_file).exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    scratch.team.set_disabled(&scratch.team.key_id("checkout"), true);
    let told = run(&with_file).exits(2);
    assert!(told.stdout.contains("key.production.checkout"), "{told:?}");
    // No credential: said, and not taken for drift.
    let failed = run(&[]).exits(4);
    assert!(failed.stdout.contains("credential") || failed.stdout.contains("management key"), "{failed:?}");
}
